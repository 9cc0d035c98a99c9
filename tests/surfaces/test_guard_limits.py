"""How often a system may ask: its second, its minute, its organization's; exact, and told on every answer."""

from __future__ import annotations

import pytest

from precog.core import policies
from tests.conftest import NOW
from tests.parallel import in_threads
from tests.surfaces.guarding import (
    CONFIG,
    EVENTS,
    FINALIZE,
    GUARD,
    POSTS,
    QUOTA,
    client_of,
    event,
    form,
    fresh,
    prompt,
    refused,
    rows,
    set_policy,
    table,
)

NOW_S = NOW // 1000
MINUTE_MS = 60_000


def quota(answer) -> tuple[int, int, int]:
    """Limit, remaining, and the seconds from the beginning of the test to the reset; each exactly once."""
    values = [answer.headers.getlist(name) for name in QUOTA]
    limit, remaining, reset = (int(value) for (value,) in values)
    return limit, remaining, reset - NOW_S


def statuses(client, count, path=GUARD) -> list[int]:
    return [client.post(path, json=event() if path == EVENTS else prompt()).status_code for _ in range(count)]


def admitted(client, path=GUARD) -> int:
    """How many requests the present windows still take."""
    return next(count for count in range(10_000) if statuses(client, 1, path) == [429])


def hits(sandbox) -> dict[str, int]:
    """What is counted in the windows, by their kind."""
    found: dict[str, int] = {}
    for row in table(sandbox, "rate_windows"):
        kind = row["bucket"].split(":")[0]
        found[kind] = found.get(kind, 0) + row["hits"]
    return found


@pytest.fixture
def limited(guarded, sandbox):
    """Sets the system's own limits; the client again."""

    def limit(per_second=None, per_minute=None):
        set_policy(sandbox, rate_limits={"per_second": per_second, "per_minute": per_minute})
        return guarded

    return limit


# --- windows


@pytest.mark.parametrize("path", [GUARD, EVENTS])
def test_a_second_admits_its_number_and_what_the_one_before_left(limited, sandbox, path):
    client = limited(per_second=3)
    assert admitted(client, path) == 6
    sandbox.clock.advance(1_000)
    assert admitted(client, path) == 3
    sandbox.clock.advance(1_000)
    statuses(client, 1, path)
    sandbox.clock.advance(1_000)
    assert admitted(client, path) == 5
    sandbox.clock.advance(60_000)
    assert admitted(client, path) == 6


def test_a_minute_admits_its_number_and_what_the_one_before_left(limited, sandbox):
    client = limited(per_minute=4)
    assert admitted(client) == 8
    sandbox.clock.advance(59_999)
    assert admitted(client) == 0
    sandbox.clock.advance(1)
    assert admitted(client) == 4


def test_without_limits_of_its_own_a_system_has_its_plans(guarded, sandbox):
    sandbox.set_plan("FREE")
    assert admitted(guarded) == 20  # a tenth of a minute's hundred, and as much for the quiet second before
    for _ in range(30):
        sandbox.clock.advance(1_000)
        statuses(guarded, 15)
    assert hits(sandbox)["requests"] == len(table(sandbox, "interactions")) == 200


def test_a_plan_without_a_limit_has_none_a_second(guarded):
    assert statuses(guarded, 60) == [200] * 60


def test_guard_and_events_count_together_a_timing_for_the_organization_and_the_config_not(limited, sandbox):
    client = limited(per_second=50)
    event_id = fresh()
    before = hits(sandbox).get("requests", 0)  # the policy's change
    client.post(GUARD, json=prompt(client_event_id=event_id))
    client.post(EVENTS, json=event(event_id))
    client.post(FINALIZE, json={"client_event_id": event_id, "sdk_ingest_ms": 1})
    client.get(CONFIG)
    assert hits(sandbox) == {"system-second": 2, "requests": before + 3}


def test_two_systems_have_windows_of_their_own(limited, sandbox):
    limited(per_second=1)
    other = policies.create_system(sandbox.services, sandbox.organization_id, "other")
    set_policy(sandbox, other.id, rate_limits={"per_second": 2})
    client = client_of(sandbox, sandbox.key())
    for system_id, count in ((sandbox.first.system.id, 2), (other.id, 4)):
        answers = [client.post(GUARD, json=prompt(system_id=system_id)) for _ in range(count + 1)]
        assert [answer.status_code for answer in answers] == [200] * count + [429]


def test_a_refusal_by_a_later_window_gives_back_the_earlier_ones(limited, sandbox):
    client = limited(per_second=10, per_minute=2)
    before = hits(sandbox).get("requests", 0)
    assert statuses(client, 9) == [200] * 4 + [429] * 5
    assert hits(sandbox) == {"system-second": 4, "system-minute": 4, "requests": before + 4}
    assert len(rows(sandbox)) == 4


def test_a_refused_request_leaves_nothing(limited, sandbox):
    client = limited(per_second=1)
    assert statuses(client, 4) == [200, 200, 429, 429]
    assert statuses(client, 2, EVENTS) == [429, 429]
    assert len(rows(sandbox)) == 2


@pytest.mark.parametrize("path", [GUARD, EVENTS])
def test_many_at_once_are_admitted_exactly_as_often_as_the_limit_says(limited, sandbox, path):
    limited(per_second=5, per_minute=100)

    def send(number):
        return statuses(client_of(sandbox), 2, path)

    found = [status for sent in in_threads(20, send) for status in sent]
    assert sorted(found) == [200] * 10 + [429] * 30
    assert len(rows(sandbox)) == 10
    assert hits(sandbox)["system-second"] == hits(sandbox)["system-minute"] == 10


# --- what is told


def test_the_window_with_the_least_left_is_told(limited, sandbox):
    client = limited(per_second=3, per_minute=100)
    sandbox.clock.advance(20_500)
    assert quota(client.post(GUARD, json=prompt())) == (6, 5, 21)
    limited(per_minute=2)
    assert quota(client.post(EVENTS, json=event())) == (4, 2, 60)  # the first counted, too


@pytest.mark.parametrize("path", [GUARD, EVENTS])
@pytest.mark.parametrize(
    ("limits", "retry_after", "reset"), [({"per_second": 1}, 1, 21), ({"per_minute": 1}, 40, 60)]
)
def test_429_tells_when_to_come_again(limited, sandbox, path, limits, retry_after, reset):
    client = limited(**limits)
    sandbox.clock.advance(20_500)
    assert statuses(client, 2) == [200, 200]
    answer = client.post(path, json=event() if path == EVENTS else prompt())
    assert answer.json == form(path, "rate_limit_exceeded", "Rate limit exceeded")
    assert quota(answer) == (2, 0, reset)
    assert answer.headers["Retry-After"] == str(retry_after)
    sandbox.clock.advance(retry_after * 1000)
    assert statuses(client, 1, path) == [200]


def test_the_organizations_minute_is_told_where_it_is_the_tightest(guarded, sandbox):
    sandbox.set_plan("FREE")
    for _ in range(5):
        assert guarded.post(GUARD, json={}).status_code == 400  # counts for the organization alone
    assert quota(guarded.post(GUARD, json={}))[:2] == (200, 194)
    for _ in range(194):
        guarded.post(GUARD, json={})
    for path, body in POSTS.items():
        answer = guarded.post(path, json=body)
        assert (answer.status_code, answer.json) == (
            429,
            form(path, "rate_limit_exceeded", "Rate limit exceeded"),
        )
        assert quota(answer) == (200, 0, 60)
    assert guarded.get(CONFIG).status_code == 200  # or clients would fall back to no policy
    assert quota(guarded.get(CONFIG)) == (200, 0, 60)


@pytest.mark.parametrize(("path", "body"), POSTS.items())
def test_every_refusal_tells_the_quota(sqlite_sandbox, path, body):
    client, stranger = client_of(sqlite_sandbox), sqlite_sandbox.app.test_client()
    for answer in (
        client.post(path, json=[]),
        client.post(path, data="x"),
        client.put(path, json=body),
        client.post(f"{path}/nothing", json=body),
        client.post(path, json={**body, "system_id": "sys-0"}),
        client_of(sqlite_sandbox, sqlite_sandbox.key("read")).post(path, json=body),
        stranger.post(path, json=body),
    ):
        refused(answer)
        limit, remaining, reset = quota(answer)
        assert 0 <= remaining <= limit
        assert 0 < reset <= 60
