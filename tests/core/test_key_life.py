"""How API keys end, in this process and in others, and what using one costs."""

from __future__ import annotations

from typing import Any

import pytest

from precog.core import administration, keys
from precog.core.keys import CACHE_MS, Authenticator, NewKey
from precog.core.times import DAY_MS, HOUR_MS, MINUTE_MS
from precog.errors import NotFound, Unauthenticated
from precog.storage.engine import Database
from tests.conftest import PEPPER, Sandbox
from tests.core.making import admits, make
from tests.parallel import in_threads, let_go, process


def elsewhere(sandbox: Sandbox) -> Authenticator:
    """As another process on the same database sees keys."""
    return Authenticator(sandbox.services.db, pepper=PEPPER, clock=sandbox.clock)


# --- how they end


def test_an_expired_key_is_refused_from_that_very_moment(sandbox: Sandbox) -> None:
    made = make(sandbox, expires_in_ms=HOUR_MS)
    sandbox.clock.advance(HOUR_MS - 1)
    assert admits(sandbox.services, made.secret)
    sandbox.clock.advance(1)
    assert not admits(sandbox.services, made.secret)


def test_a_revoked_key_is_refused_at_once(sandbox: Sandbox) -> None:
    made = make(sandbox)
    assert admits(sandbox.services, made.secret)
    administration.revoke_key(sandbox.services, made.record.id)
    assert not admits(sandbox.services, made.secret)


def test_a_revocation_is_noticed_elsewhere_within_5_s(sandbox: Sandbox) -> None:
    made = make(sandbox)
    other = elsewhere(sandbox)
    other.authenticate(made.secret)
    administration.revoke_key(sandbox.services, made.record.id)
    sandbox.clock.advance(5_000)
    with pytest.raises(Unauthenticated):
        other.authenticate(made.secret)


ELSEWHERE = """
from precog.core.services import build
from precog.errors import Unauthenticated

database, pepper, now, key = arguments
clock = [int(now)]
services = build(database=database, pepper=pepper, clock=lambda: clock[0], unauthenticated_per_minute=9)
services.authenticator.authenticate(key)
go()
clock[0] += 5_000
try:
    services.authenticator.authenticate(key)
except Unauthenticated:
    print("refused")
services.close()
"""


def test_a_revocation_is_noticed_in_another_process(sandbox: Sandbox, database_url: str) -> None:
    made = make(sandbox)
    with process(ELSEWHERE, database_url, PEPPER, str(sandbox.clock()), made.secret) as other:
        administration.revoke_key(sandbox.services, made.record.id)
        assert let_go(other) == "refused\n"


def test_a_revocation_is_noticed_after_the_clock_was_set_back(sandbox: Sandbox) -> None:
    made = make(sandbox)
    other = elsewhere(sandbox)
    other.authenticate(made.secret)
    administration.revoke_key(sandbox.services, made.record.id)
    sandbox.clock.advance(-HOUR_MS)
    with pytest.raises(Unauthenticated):
        other.authenticate(made.secret)


def test_an_answer_read_before_a_revocation_is_not_remembered_after_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, services = make(sandbox), sandbox.services
    read = services.db.read

    def read_then_revoked(*arguments: Any, **named: Any) -> Any:
        found = read(*arguments, **named)
        monkeypatch.undo()
        administration.revoke_key(services, made.record.id)
        return found

    monkeypatch.setattr(services.db, "read", read_then_revoked)
    services.authenticator.authenticate(made.secret)
    assert not admits(services, made.secret)


def test_only_a_live_key_is_revoked(sandbox: Sandbox) -> None:
    made = make(sandbox)
    administration.revoke_key(sandbox.services, made.record.id)
    for key_id in (made.record.id, "key-unknown"):
        with pytest.raises(NotFound):
            administration.revoke_key(sandbox.services, key_id)


def test_a_rotated_key_works_for_the_overlap_beside_its_successor(sandbox: Sandbox) -> None:
    old = make(sandbox, scopes=frozenset({"read", "guard"}), environment="staging")
    assert admits(sandbox.services, old.secret)
    new = administration.rotate_key(sandbox.services, old.record.id, prefix="px_live_", overlap_ms=HOUR_MS)
    assert (new.record.scopes, new.record.environment) == (old.record.scopes, "staging")
    assert new.record.expires_at is None
    sandbox.clock.advance(HOUR_MS - 1)
    assert admits(sandbox.services, old.secret)
    sandbox.clock.advance(1)
    assert not admits(sandbox.services, old.secret)
    assert admits(sandbox.services, new.secret)
    assert administration.get_key(sandbox.services, old.record.id).rotated_to == new.record.id


def test_an_overlap_does_not_lengthen_a_keys_life(sandbox: Sandbox) -> None:
    old = make(sandbox, expires_in_ms=HOUR_MS)
    administration.rotate_key(sandbox.services, old.record.id, prefix="px_live_", overlap_ms=DAY_MS)
    assert administration.get_key(sandbox.services, old.record.id).expires_at == old.record.expires_at


def test_a_key_is_rotated_once_and_only_while_it_lives(sandbox: Sandbox) -> None:
    rotated, revoked, expired = make(sandbox), make(sandbox), make(sandbox, expires_in_ms=1)
    administration.rotate_key(sandbox.services, rotated.record.id, prefix="px_live_")
    administration.revoke_key(sandbox.services, revoked.record.id)
    sandbox.clock.advance(1)
    before = len(administration.list_keys(sandbox.services, sandbox.organization_id))
    for key_id in (rotated.record.id, revoked.record.id, expired.record.id, "key-unknown"):
        with pytest.raises(NotFound):
            administration.rotate_key(sandbox.services, key_id, prefix="px_live_")
    assert len(administration.list_keys(sandbox.services, sandbox.organization_id)) == before


def test_of_many_rotations_at_once_one_succeeds(sandbox: Sandbox) -> None:
    old = make(sandbox)
    results = in_threads(
        8, lambda number: administration.rotate_key(sandbox.services, old.record.id, prefix="px_live_")
    )
    assert sorted(type(result).__name__ for result in results) == ["NewKey"] + ["NotFound"] * 7


# --- what using them costs


class Counting:
    """A database that counts what is asked of it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.reads = self.posts = 0

    def read(self, *arguments: Any, **named: Any) -> Any:
        self.reads += 1
        return self._db.read(*arguments, **named)

    def post(self, *arguments: Any, **named: Any) -> None:
        self.posts += 1
        self._db.post(*arguments, **named)


def last_used_at(sandbox: Sandbox, made: NewKey) -> int | None:
    sandbox.services.db.write(lambda tx: None)  # behind whatever was posted
    return administration.get_key(sandbox.services, made.record.id).last_used_at


def test_the_last_use_is_remembered_at_most_once_a_minute(sandbox: Sandbox) -> None:
    made, clock = make(sandbox), sandbox.clock
    db = Counting(sandbox.services.db)
    authenticator = Authenticator(db, pepper=PEPPER, clock=clock)  # type: ignore[arg-type]
    assert last_used_at(sandbox, made) is None
    first = clock()
    for _ in range(60):
        authenticator.authenticate(made.secret)
        clock.advance(999)
    assert db.posts == 1
    assert last_used_at(sandbox, made) == first
    clock.now = first + MINUTE_MS
    authenticator.authenticate(made.secret)
    assert db.posts == 2
    assert last_used_at(sandbox, made) == first + MINUTE_MS


def test_processes_that_see_a_key_in_the_same_minute_write_its_use_once(sandbox: Sandbox) -> None:
    made = make(sandbox)
    first = sandbox.clock()
    sandbox.services.authenticator.authenticate(made.secret)
    assert last_used_at(sandbox, made) == first
    sandbox.clock.advance(MINUTE_MS - 1)
    elsewhere(sandbox).authenticate(made.secret)
    assert last_used_at(sandbox, made) == first


def test_a_known_key_costs_no_look_up_for_a_while(sandbox: Sandbox) -> None:
    made = make(sandbox)
    db = Counting(sandbox.services.db)
    authenticator = Authenticator(db, pepper=PEPPER, clock=sandbox.clock)  # type: ignore[arg-type]
    for _ in range(100):
        authenticator.authenticate(made.secret)
    assert db.reads == 1
    sandbox.clock.advance(CACHE_MS)
    authenticator.authenticate(made.secret)
    assert db.reads == 2


def test_a_changed_plan_is_known_at_once_here_and_soon_elsewhere(sandbox: Sandbox) -> None:
    made, other = make(sandbox), elsewhere(sandbox)

    def limits(authenticator: Authenticator) -> int | None:
        return authenticator.authenticate(made.secret).agent_limit

    assert limits(sandbox.services.authenticator) is limits(other) is None
    sandbox.set_plan("FREE")
    assert limits(sandbox.services.authenticator) == 1
    sandbox.clock.advance(5_000)
    assert limits(other) == 1


def test_the_memory_for_keys_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "CACHED_KEYS", 3)
    made = [make(sandbox) for _ in range(8)]
    authenticator = elsewhere(sandbox)
    assert len({authenticator.authenticate(key.secret).key_id for key in made}) == 8
    assert len(authenticator._known) <= 3
    assert len(authenticator._touched) <= 3
