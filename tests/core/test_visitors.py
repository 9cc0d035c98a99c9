"""Who asks from outside, and how much of it: exact, apart, and bounded by address."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core import callers, visitors
from precog.core.callers import Registered, Registration
from precog.core.limits import Quota
from precog.core.times import HOUR_MS, MINUTE_MS
from precog.core.visitors import PER_MINUTE, Visitor, Visitors, generate_key, is_well_formed, network_of
from precog.errors import RateLimited, Unauthenticated
from precog.storage.engine import Database
from tests.conftest import NOW, PEPPER, Sandbox, SetClock
from tests.parallel import in_processes, in_threads, let_go, process

HERE = "192.0.2.1"
OF_EACH_TIER = {
    "anonymous": Visitor("anonymous", None, None, HERE),
    "identified": Visitor("identified", None, "bot", HERE),
    "standard": Visitor("standard", "bot-000001", None, HERE),
    "elevated": Visitor("elevated", "bot-000002", None, HERE),
    "partner": Visitor("partner", "bot-000003", None, HERE),
}
WITHOUT_RAIL = 1_000_000


def spend(db: Database, visitor: Visitor, *, now: int = NOW, ip_per_minute: int = WITHOUT_RAIL) -> Quota:
    counting = Visitors(db, pepper=PEPPER, clock=SetClock(now), ip_per_minute=ip_per_minute)
    return db.write(counting.spend, visitor, now=now)


def admitted(db: Database, visitor: Visitor, *, now: int = NOW, tries: int, **settings: int) -> int:
    """How many of so many requests are admitted, one after the other."""
    found = 0
    for _ in range(tries):
        try:
            spend(db, visitor, now=now, **settings)
        except RateLimited:
            continue
        found += 1
    return found


def windows(db: Database) -> dict[str, int]:
    """What is counted in the latest window of each bucket."""
    rows = db.read(lambda tx: tx.all("SELECT * FROM rate_windows ORDER BY window_start"))
    return {row["bucket"]: row["hits"] for row in rows}


# --- keys


def test_a_key_is_the_prefix_and_48_hex_digits_that_end_in_a_checksum() -> None:
    key = generate_key()
    assert len(key) == len("caller_") + 40 + 8
    assert is_well_formed(key)
    assert generate_key() != key


@given(st.integers(0, 54), st.sampled_from("0123456789abcdefg"))
def test_a_key_with_one_other_character_is_malformed(place: int, character: str) -> None:
    key = "caller_0123456789012345678901234567890123456789"
    key += visitors._checksum(key)
    changed = key[:place] + character + key[place + 1 :]
    assert is_well_formed(changed) == (changed == key)


@given(st.text())
def test_any_other_text_is_malformed(text: str) -> None:
    assert not is_well_formed(text)


def test_a_malformed_key_is_refused_without_a_look_up() -> None:
    nowhere: Any = None
    seen = Visitors(nowhere, pepper=PEPPER, clock=SetClock(), ip_per_minute=1)
    for key in ("", "caller_", "caller_2c5852cbfebda0...", "px_live_" + "0" * 47, "caller_" + "é" * 48):
        with pytest.raises(Unauthenticated):
            seen.identify(caller_key=key, agent_id=None, address=HERE)


# --- who


@pytest.fixture
def made(sandbox: Sandbox) -> Registered:
    return callers.register(sandbox.services, Registration("Shop Bot"), address=HERE)


def see(sandbox: Sandbox, key: str | None = None, agent_id: str | None = None) -> Visitor:
    return callers.identify(sandbox.services, caller_key=key, agent_id=agent_id, address=HERE)


def test_the_key_decides_then_the_agents_id_then_the_address(sandbox: Sandbox, made: Registered) -> None:
    mine = made.caller.id
    assert see(sandbox, made.key, mine) == Visitor("standard", mine, mine, HERE)
    assert see(sandbox, made.key) == Visitor("standard", mine, None, HERE)
    assert see(sandbox, None, mine) == Visitor("identified", None, mine, HERE)
    assert see(sandbox) == Visitor("anonymous", None, None, HERE)


def test_a_key_with_anothers_agent_id_is_the_keys_caller_and_mismatched(
    sandbox: Sandbox, made: Registered
) -> None:
    found = see(sandbox, made.key, "somebody-else")
    assert found == Visitor("standard", made.caller.id, "somebody-else", HERE, mismatched=True)


def test_a_key_of_nobody_is_refused_and_never_anonymous(sandbox: Sandbox, made: Registered) -> None:
    with pytest.raises(Unauthenticated):
        see(sandbox, generate_key(), made.caller.id)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("192.0.2.7:50001", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:1", "192.0.2.7"),
        ("", "unknown"),
        ("unix:", "unknown"),
        ("192.0.2.7:port", "unknown"),
        ("[2001:db8::1]:", "unknown"),
        ("192.0.2.777:1", "unknown"),
        ("x" * 8_000, "unknown"),
    ],
)
def test_what_is_counted_of_an_address(address: str, counted: str) -> None:
    assert network_of(address) == counted


# --- how much


@pytest.mark.parametrize("tier", PER_MINUTE)
def test_a_tier_admits_its_number_in_any_one_window(db: Database, tier: str) -> None:
    visitor, limit = OF_EACH_TIER[tier], PER_MINUTE[tier]
    assert spend(db, visitor, now=NOW + 13_000) == Quota(limit, limit - 1, 47_000)
    assert admitted(db, visitor, now=NOW + MINUTE_MS - 1, tries=limit + 5) == limit - 1
    # Nothing that was left over comes along, nor did the window before leave room.
    assert admitted(db, visitor, now=NOW + MINUTE_MS, tries=limit + 5) == limit
    assert admitted(db, visitor, now=NOW + 5 * MINUTE_MS, tries=limit + 5) == limit


@pytest.mark.parametrize("tier", PER_MINUTE)
def test_16_threads_are_admitted_exactly_as_often_as_the_tier_says(db: Database, tier: str) -> None:
    limit = PER_MINUTE[tier]
    tries = limit // 16 + 2
    found = in_threads(16, lambda number: admitted(db, OF_EACH_TIER[tier], tries=tries))
    assert sum(found) == limit  # type: ignore[arg-type]


TWO = """
from precog.core.visitors import Visitor, Visitors
from precog.errors import RateLimited
from precog.storage.engine import open_database
from tests.parallel import in_threads

database, now, tries = arguments
db = open_database(database)
visitors = Visitors(db, pepper="p", clock=lambda: int(now), ip_per_minute=1_000_000)
tiers = (
    ("anonymous", None, None),
    ("identified", None, "bot"),
    ("standard", "a", None),
    ("elevated", "b", None),
    ("partner", "c", None),
)

def ask(number):
    found = []
    for tier, caller_id, agent_id in tiers:
        count = 0
        for _ in range(int(tries)):
            try:
                db.write(visitors.spend, Visitor(tier, caller_id, agent_id, "192.0.2.1"), now=int(now))
                count += 1
            except RateLimited:
                if count == 0:
                    break  # the limit is reached, and each further try would say no more
        found.append(count)
    return found

go()
print(*[sum(counts) for counts in zip(*in_threads(8, ask))])
db.close()
"""


def test_two_processes_admit_exactly_what_each_tier_says(db: Database, database_url: str) -> None:
    printed = in_processes(2, TWO, database_url, str(NOW), "45")
    counts = [[int(word) for word in line.split()] for line in printed]
    assert [sum(pair) for pair in zip(*counts, strict=True)] == list(PER_MINUTE.values())


def test_a_caller_an_agents_id_and_an_address_of_the_same_name_do_not_mix(db: Database) -> None:
    same = "192.0.2.1"
    alike = (
        Visitor("anonymous", None, None, same),
        Visitor("identified", None, same, same),
        Visitor("standard", same, None, same),
    )
    for visitor in alike:
        assert admitted(db, visitor, tries=125) == PER_MINUTE[visitor.tier]
    assert windows(db) == {
        "visit-ip:192.0.2.1": 12,
        "visit-agent:192.0.2.1": 30,
        "visit-caller:192.0.2.1": 120,
        "visit-rail:192.0.2.1": 42,
        "visit-keyed:192.0.2.1": 120,
    }


def test_a_caller_keeps_its_count_when_its_tier_changes(db: Database) -> None:
    standard, elevated = (Visitor(tier, "bot-1", None, HERE) for tier in ("standard", "elevated"))
    assert admitted(db, standard, tries=121) == 120
    assert spend(db, elevated) == Quota(240, 119, MINUTE_MS)
    assert admitted(db, standard, tries=1) == 0


def test_other_names_do_not_lift_an_addresss_limit(db: Database) -> None:
    many = [Visitor("identified", None, f"bot-{number}", HERE) for number in range(30)]
    assert sum(admitted(db, visitor, tries=1, ip_per_minute=20) for visitor in many) == 20
    elsewhere = Visitor("identified", None, "bot-0", "192.0.2.2")
    assert admitted(db, elsewhere, tries=1, ip_per_minute=20) == 1


def test_a_refusal_by_the_address_gives_back_the_tiers(db: Database) -> None:
    identified = OF_EACH_TIER["identified"]
    assert admitted(db, identified, tries=9, ip_per_minute=2) == 2
    assert windows(db) == {"visit-agent:bot": 2, "visit-rail:192.0.2.1": 2}


def test_what_is_left_is_never_more_than_the_address_has(db: Database) -> None:
    assert spend(db, OF_EACH_TIER["identified"], ip_per_minute=4) == Quota(30, 3, MINUTE_MS)
    assert spend(db, OF_EACH_TIER["anonymous"], ip_per_minute=4) == Quota(12, 2, MINUTE_MS)
    assert spend(db, OF_EACH_TIER["standard"], ip_per_minute=4) == Quota(120, 3, MINUTE_MS)
    assert spend(db, OF_EACH_TIER["partner"], ip_per_minute=4) == Quota(600, 599, MINUTE_MS)


def test_neighbours_without_a_key_keep_nobody_out_who_has_one(db: Database) -> None:
    names = [Visitor("identified", None, f"bot-{number}", HERE) for number in range(9)]
    assert sum(admitted(db, visitor, tries=1, ip_per_minute=5) for visitor in names) == 5
    for tier, count in (("standard", 5), ("elevated", 240), ("partner", 600)):
        assert admitted(db, OF_EACH_TIER[tier], tries=count + 2, ip_per_minute=5) == count
    assert admitted(db, Visitor("standard", "bot-000009", None, HERE), tries=1, ip_per_minute=5) == 0


@pytest.mark.parametrize(
    ("ip_per_minute", "reason"),
    [
        (WITHOUT_RAIL, "30 requests/minute exceeded for tier identified"),
        (7, "7 requests/minute exceeded for this address"),
    ],
)
def test_a_refusal_says_of_which_limit(db: Database, ip_per_minute: int, reason: str) -> None:
    identified = OF_EACH_TIER["identified"]
    admitted(db, identified, tries=30, ip_per_minute=ip_per_minute)
    with pytest.raises(RateLimited) as caught:
        spend(db, identified, now=NOW + 1_000, ip_per_minute=ip_per_minute)
    refusal = caught.value
    assert (refusal.quota, refusal.retry_after_ms, refusal.reason) == (30, 59_000, reason)


def test_what_is_used_up_costs_no_transaction_until_its_window_ends(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Visitors(db, pepper=PEPPER, clock=SetClock(), ip_per_minute=40)
    identified, another = (Visitor("identified", None, name, HERE) for name in ("bot", "another"))

    def refusals(*asked: Visitor, now: int = NOW) -> list[str | None]:
        found = []
        for visitor in asked:
            with pytest.raises(RateLimited) as caught:
                counting.charge(visitor, now=now)
            assert (caught.value.quota, caught.value.retry_after_ms) == (30, NOW + MINUTE_MS - now)
            found.append(caught.value.reason)
        return found

    for visitor, count in ((identified, 30), (another, 10)):
        for _ in range(count):
            counting.charge(visitor, now=NOW)
    first = refusals(identified, another)
    assert first == [
        "30 requests/minute exceeded for tier identified",
        "40 requests/minute exceeded for this address",
    ]
    with monkeypatch.context() as patch:
        patch.setattr(db, "write", None)
        assert refusals(identified, another, now=NOW + MINUTE_MS - 1) == first
    assert counting.charge(identified, now=NOW + MINUTE_MS).remaining == 29
    assert windows(db)["visit-agent:bot"] == 1


def test_what_was_used_up_in_one_tier_is_asked_again_in_a_higher_one(db: Database) -> None:
    counting = Visitors(db, pepper=PEPPER, clock=SetClock(), ip_per_minute=WITHOUT_RAIL)
    standard, elevated = (Visitor(tier, "bot-1", None, HERE) for tier in ("standard", "elevated"))
    for _ in range(120):
        counting.charge(standard, now=NOW)
    with pytest.raises(RateLimited):
        counting.charge(standard, now=NOW)
    assert counting.charge(elevated, now=NOW).remaining == 119
    with pytest.raises(RateLimited):
        counting.charge(standard, now=NOW)


def test_the_memory_for_what_is_used_up_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "REMEMBERED_WINDOWS", 3)
    counting = Visitors(db, pepper=PEPPER, clock=SetClock(), ip_per_minute=0)
    for number in range(8):
        with pytest.raises(RateLimited):
            counting.charge(Visitor("identified", None, "a", f"192.0.2.{number}"), now=NOW)
    assert len(counting._used_up) <= 3


def test_looking_takes_nothing(db: Database) -> None:
    looking = Visitors(db, pepper=PEPPER, clock=SetClock(), ip_per_minute=600)
    standard = OF_EACH_TIER["standard"]
    assert db.read(looking.used, standard, now=NOW) == Quota(120, 120, MINUTE_MS)
    db.write(looking.spend, standard, now=NOW)
    for _ in range(2):
        assert db.read(looking.used, standard, now=NOW) == Quota(120, 119, MINUTE_MS)


def test_old_windows_disappear_by_themselves(db: Database) -> None:
    for number in range(100):
        spend(db, Visitor("identified", None, f"bot-{number}", HERE))
    assert len(windows(db)) == 101
    for number in range(13):  # each opens a window of its own, and forgets some old ones
        spend(db, Visitor("identified", None, f"later-{number}", HERE), now=NOW + HOUR_MS)
    assert set(windows(db)) == {"visit-rail:192.0.2.1", *(f"visit-agent:later-{n}" for n in range(13))}


# --- keys of nobody


def test_an_address_with_many_keys_of_nobody_is_refused_without_a_look_up(
    sandbox: Sandbox, made: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = elsewhere(sandbox)
    tier_seen(seen, made)
    for _ in range(12):
        with pytest.raises(Unauthenticated):
            seen.identify(caller_key=generate_key(), agent_id=None, address=HERE)
    with monkeypatch.context() as patch:
        patch.setattr(sandbox.services.db, "read", None)
        with pytest.raises(RateLimited) as caught:
            seen.identify(caller_key=generate_key(), agent_id=None, address=f"{HERE}:4711")
    assert (caught.value.quota, caught.value.retry_after_ms) == (12, MINUTE_MS - NOW % MINUTE_MS)
    with pytest.raises(Unauthenticated):
        seen.identify(caller_key=generate_key(), agent_id=None, address="192.0.2.99")
    # Whose key was good before is not kept out, nor when it must be looked up again.
    sandbox.clock.advance(visitors.CACHE_MS)
    assert tier_seen(seen, made) == "standard"
    seen.forget()
    assert tier_seen(seen, made) == "standard"
    sandbox.clock.advance(MINUTE_MS)
    with pytest.raises(Unauthenticated):
        seen.identify(caller_key=generate_key(), agent_id=None, address=HERE)


# --- what is remembered


def elsewhere(sandbox: Sandbox) -> Visitors:
    """As another process on the same database sees callers."""
    return Visitors(sandbox.services.db, pepper=PEPPER, clock=sandbox.clock, ip_per_minute=600)


def tier_seen(seen: Visitors, made: Registered) -> str:
    return seen.identify(caller_key=made.key, agent_id=None, address=HERE).tier


def test_a_tier_and_a_revocation_hold_at_once_here_and_soon_elsewhere(
    sandbox: Sandbox, made: Registered
) -> None:
    here, other = sandbox.services.visitors, elsewhere(sandbox)
    assert tier_seen(here, made) == tier_seen(other, made) == "standard"
    callers.grant(sandbox.services, None, made.caller.id, tier="elevated")
    assert tier_seen(here, made) == "elevated"
    sandbox.clock.advance(5_000)
    assert tier_seen(other, made) == "elevated"
    callers.revoke(sandbox.services, None, made.caller.id)
    with pytest.raises(Unauthenticated):
        tier_seen(here, made)
    sandbox.clock.advance(5_000)
    with pytest.raises(Unauthenticated):
        tier_seen(other, made)


ELSEWHERE = """
from precog.core.callers import identify
from precog.core.services import build
from precog.errors import Unauthenticated

database, pepper, now, key = arguments
clock = [int(now)]
services = build(database=database, pepper=pepper, clock=lambda: clock[0], unauthenticated_per_minute=9)
identify(services, caller_key=key, agent_id=None, address="")
go()
clock[0] += 5_000
try:
    identify(services, caller_key=key, agent_id=None, address="")
except Unauthenticated:
    print("refused")
services.close()
"""


def test_a_revocation_is_noticed_in_another_process(
    sandbox: Sandbox, made: Registered, database_url: str
) -> None:
    with process(ELSEWHERE, database_url, PEPPER, str(sandbox.clock()), made.key) as other:
        callers.revoke(sandbox.services, None, made.caller.id)
        assert let_go(other) == "refused\n"


def test_a_revocation_is_noticed_after_the_clock_was_set_back(sandbox: Sandbox, made: Registered) -> None:
    other = elsewhere(sandbox)
    tier_seen(other, made)
    callers.revoke(sandbox.services, None, made.caller.id)
    sandbox.clock.advance(-HOUR_MS)
    with pytest.raises(Unauthenticated):
        tier_seen(other, made)


def test_an_answer_read_before_a_revocation_is_not_remembered_after_it(
    sandbox: Sandbox, made: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = sandbox.services
    read = services.db.read

    def read_then_revoked(*arguments: Any, **named: Any) -> Any:
        found = read(*arguments, **named)
        monkeypatch.undo()
        callers.revoke(services, None, made.caller.id)
        return found

    monkeypatch.setattr(services.db, "read", read_then_revoked)
    tier_seen(services.visitors, made)
    with pytest.raises(Unauthenticated):
        tier_seen(services.visitors, made)


def test_a_known_key_costs_no_look_up_for_a_while(
    sandbox: Sandbox, made: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier_seen(sandbox.services.visitors, made)
    monkeypatch.setattr(sandbox.services.db, "read", None)
    sandbox.clock.advance(visitors.CACHE_MS - 1)
    assert tier_seen(sandbox.services.visitors, made) == "standard"
    sandbox.clock.advance(1)
    with pytest.raises(TypeError):
        tier_seen(sandbox.services.visitors, made)


def test_the_memory_for_keys_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "CACHED_KEYS", 3)
    made = [
        callers.register(sandbox.services, Registration("Bot"), address=f"192.0.2.{number}")
        for number in range(8)
    ]
    seen = elsewhere(sandbox)
    assert {tier_seen(seen, one) for one in made} == {"standard"}
    assert len(seen._known) <= 3
