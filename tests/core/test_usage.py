"""What of a plan is used, and impact events beyond the month's quota: kept, and marked."""

from __future__ import annotations

from typing import Any

import pytest

from precog.core import administration, telemetry, usage
from precog.core.keys import Caller
from precog.core.limits import UNLIMITED, Quota
from precog.core.telemetry import Interaction
from precog.core.times import DAY_MS, MINUTE_MS, from_rfc3339
from precog.errors import NotFound
from tests.conftest import Sandbox
from tests.parallel import in_threads

FREE_EVENTS = 100


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    sandbox.set_plan("FREE")
    found = sandbox.services.authenticator.authenticate(sandbox.first.keys["precogx"].secret)
    telemetry.record(sandbox.services, found, Interaction("a", "p", "r"))
    return found


def impact(sandbox: Sandbox, interaction_id: str | None = None) -> bool:
    return sandbox.services.db.write(
        usage.record_impact,
        sandbox.organization_id,
        agent_id="a",
        interaction_id=interaction_id,
        kind="prompt_injection",
        now=sandbox.clock(),
    )


def events(sandbox: Sandbox) -> list[dict[str, Any]]:
    rows = sandbox.services.db.read(lambda tx: tx.all("SELECT * FROM impact_events ORDER BY created_at"))
    return [dict(row) for row in rows]  # type: ignore[call-overload]


def test_an_impact_event_is_kept_with_what_it_is_about(sandbox: Sandbox, caller: Caller) -> None:
    assert impact(sandbox, "int-1")
    [event] = events(sandbox)
    assert event["organization_id"] == sandbox.organization_id
    assert (event["interaction_id"], event["kind"]) == ("int-1", "prompt_injection")
    assert (event["over_quota"], event["created_at"]) == (0, sandbox.clock())


def test_events_beyond_the_quota_are_kept_and_marked(sandbox: Sandbox, caller: Caller) -> None:
    within = [impact(sandbox) for _ in range(FREE_EVENTS + 3)]
    assert within == [True] * FREE_EVENTS + [False] * 3
    marks = [event["over_quota"] for event in events(sandbox)]
    assert (marks.count(0), marks.count(1)) == (FREE_EVENTS, 3)


def test_a_quota_begins_anew_with_the_month_and_carries_nothing_over(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.clock.now = from_rfc3339("2026-01-31T23:59:59.999Z")
    assert all(impact(sandbox) for _ in range(FREE_EVENTS // 2))
    sandbox.clock.advance(1)
    within = [impact(sandbox) for _ in range(FREE_EVENTS + 1)]
    assert within == [True] * FREE_EVENTS + [False]
    sandbox.clock.advance(28 * DAY_MS - 1)
    assert not impact(sandbox)
    sandbox.clock.advance(1)
    assert impact(sandbox)


def test_a_months_count_outlives_the_windows_of_requests(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.clock.now = from_rfc3339("2026-01-01T00:00:00Z")
    assert impact(sandbox)
    for _ in range(20):
        sandbox.clock.advance(DAY_MS)
        telemetry.record(sandbox.services, caller, Interaction("a", "p", "r"))
    assert usage.usage(sandbox.services, caller).impact_events.remaining == FREE_EVENTS - 1


def test_threads_are_within_the_quota_exactly_as_often_as_it_says(sandbox: Sandbox, caller: Caller) -> None:
    within = in_threads(8, lambda number: sum(impact(sandbox) for _ in range(20)))
    assert sum(within) == FREE_EVENTS  # type: ignore[arg-type]
    assert len(events(sandbox)) == 160


def test_usage_says_what_is_used_of_the_plan(sandbox: Sandbox, caller: Caller) -> None:
    for _ in range(3):
        impact(sandbox)
    found = usage.usage(sandbox.services, caller)
    assert (found.organization.plan, found.organization.active_agents) == ("FREE", 1)
    assert (found.impact_events.limit, found.impact_events.remaining) == (FREE_EVENTS, FREE_EVENTS - 3)
    assert found.requests == Quota(200, 199, MINUTE_MS)
    assert found.at == sandbox.clock()


def test_usage_of_an_unlimited_plan_counts_too(sandbox: Sandbox) -> None:
    caller = sandbox.services.authenticator.authenticate(sandbox.first.keys["precogx"].secret)
    telemetry.record(sandbox.services, caller, Interaction("a", "p", "r"))
    assert impact(sandbox)
    found = usage.usage(sandbox.services, caller)
    for quota in (found.requests, found.impact_events):
        assert (quota.limit, quota.remaining) == (UNLIMITED, UNLIMITED - 1)


def test_an_organizations_events_are_its_own(sandbox: Sandbox, caller: Caller) -> None:
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    stranger = sandbox.services.authenticator.authenticate(sandbox.key(organization_id=other.id))
    impact(sandbox)
    found = usage.usage(sandbox.services, stranger)
    assert found.impact_events.remaining == FREE_EVENTS
    assert found.organization.active_agents == 0


def test_an_unknown_organization_has_no_events(sandbox: Sandbox) -> None:
    with pytest.raises(NotFound):
        sandbox.services.db.write(
            usage.record_impact, "org-unknown", agent_id="a", interaction_id=None, kind="k", now=0
        )
