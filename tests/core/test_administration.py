"""What the operator makes: the first organization once, others with their plan's limits, and keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from precog.core import administration, services
from precog.core.administration import KeyRequest
from precog.core.services import Services
from precog.errors import AlreadyExists, NotFound
from precog.surfaces.key_kinds import PREFIXES, first_keys
from tests.auditing import told
from tests.conftest import PEPPER, Sandbox, SetClock
from tests.parallel import in_processes, in_threads


@pytest.fixture
def fresh(database_url: str, clock: SetClock) -> Iterator[Services]:
    """Services on an instance that was never started."""
    made = services.build(database=database_url, pepper=PEPPER, clock=clock, unauthenticated_per_minute=1_000)
    yield made
    made.close()


def test_the_first_start_makes_all_that_a_newcomer_needs(fresh: Services) -> None:
    assert not administration.has_keys(fresh)
    first = administration.first_start(fresh, first_keys())
    assert (first.organization.plan, first.system.name) == ("ENTERPRISE", "default")
    assert first.keys.keys() == PREFIXES.keys()
    for kind, key in first.keys.items():
        assert key.secret.startswith(PREFIXES[kind])
        caller = fresh.authenticator.authenticate(key.secret)
        assert caller.organization_id == first.organization.id
        assert caller.system_id == (first.system.id if kind == "agentid" else None)
    assert administration.has_keys(fresh)


def test_the_first_start_happens_once(fresh: Services) -> None:
    administration.first_start(fresh, first_keys())
    with pytest.raises(AlreadyExists):
        administration.first_start(fresh, first_keys())
    assert len(administration.list_organizations(fresh)) == 1


def test_of_many_first_starts_at_once_one_happens(fresh: Services) -> None:
    results = in_threads(8, lambda number: administration.first_start(fresh, first_keys()))
    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists"] * 7 + ["FirstStart"]
    assert len(administration.list_organizations(fresh)) == 1


FIRST_START = """
from precog.core import administration
from precog.core.services import build
from precog.errors import AlreadyExists
from precog.surfaces.key_kinds import first_keys

go()
services = build(database=arguments[0], pepper=arguments[1], clock=lambda: 0, unauthenticated_per_minute=9)
try:
    print(administration.first_start(services, first_keys()).organization.id)
except AlreadyExists:
    print("exists")
services.close()
"""


def test_of_two_processes_that_start_at_once_one_makes_it(database_url: str, clock: SetClock) -> None:
    printed = in_processes(2, FIRST_START, database_url, PEPPER)
    assert printed.count("exists\n") == 1
    made = services.build(database=database_url, pepper=PEPPER, clock=clock, unauthenticated_per_minute=9)
    [organization] = administration.list_organizations(made)
    assert f"{organization.id}\n" in printed
    made.close()


@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        ("FREE", (1, 100, 100, 200)),
        ("PROFESSIONAL", (10, 2_000, 1_000, 2_000)),
        ("business", (30, 10_000, 5_000, 10_000)),
        ("Enterprise", (None, None, None, None)),
    ],
)
def test_an_organization_has_its_plans_limits(
    fresh: Services, plan: str, limits: tuple[int | None, ...]
) -> None:
    made = administration.create_organization(fresh, "Acme", plan)
    changed = administration.set_plan(fresh, administration.create_organization(fresh, "B", "FREE").id, plan)
    for one in (made, changed):
        assert one.plan == plan.upper()
        assert (one.agent_limit, one.impact_events_per_month, one.requests_per_minute, one.burst) == limits


def test_an_unknown_plan_or_organization_is_refused(fresh: Services) -> None:
    with pytest.raises(NotFound, match="plan"):
        administration.create_organization(fresh, "Acme", "GOLD")
    with pytest.raises(NotFound, match="organization"):
        administration.set_plan(fresh, "org-unknown", "FREE")
    assert administration.list_organizations(fresh) == []


def test_what_the_operator_does_to_an_organization_is_in_its_audit_log(fresh: Services) -> None:
    first = administration.first_start(fresh, first_keys()).organization
    made = administration.create_organization(fresh, "Acme", "FREE")
    for plan in ("BUSINESS", "BUSINESS", "FREE"):
        administration.set_plan(fresh, made.id, plan)
    assert told(fresh.db, first.id) == [
        (
            "organization.created",
            {"name": "Default", "plan": "ENTERPRISE", "key_id": None, "made_by_key_id": None},
        )
    ]
    assert told(fresh.db, made.id) == [
        ("organization.created", {"name": "Acme", "plan": "FREE", "key_id": None, "made_by_key_id": None}),
        ("organization.plan_changed", {"plan": "BUSINESS", "plan_before": "FREE", "key_id": None}),
        ("organization.plan_changed", {"plan": "FREE", "plan_before": "BUSINESS", "key_id": None}),
    ]


def test_organizations_are_listed_oldest_first(fresh: Services, clock: SetClock) -> None:
    for name in "cab":
        administration.create_organization(fresh, name, "FREE")
        clock.advance(1)
    assert [one.name for one in administration.list_organizations(fresh)] == ["c", "a", "b"]


def test_an_organization_is_made_with_a_system_that_keys_can_be_bound_to(fresh: Services) -> None:
    made = administration.create_organization(fresh, "Acme", "FREE")
    request = KeyRequest(kind="agentid", prefix="sk_live_", name="k", system="default")
    by_name = administration.create_key(fresh, made.id, request).record
    request = KeyRequest(kind="agentid", prefix="sk_live_", name="k", system=by_name.system_id)
    assert administration.create_key(fresh, made.id, request).record.system_id == by_name.system_id


def test_another_organizations_system_is_not_found(fresh: Services) -> None:
    first = administration.first_start(fresh, first_keys())
    other = administration.create_organization(fresh, "Other", "FREE")
    request = KeyRequest(kind="agentid", prefix="sk_live_", name="k", system=first.system.id)
    with pytest.raises(NotFound, match="system"):
        administration.create_key(fresh, other.id, request)


def test_keys_are_listed_with_what_was_asked_for(sandbox: Sandbox) -> None:
    sandbox.clock.advance(1)
    request = KeyRequest(
        kind="precogx",
        prefix="px_live_",
        name="CI",
        scopes=frozenset({"read"}),
        environment="staging",
        expires_in_ms=5,
    )
    administration.create_key(sandbox.services, sandbox.organization_id, request)
    *first, newest = administration.list_keys(sandbox.services, sandbox.organization_id)
    assert len(first) == 3
    assert (newest.name, newest.scopes, newest.environment) == ("CI", {"read"}, "staging")
    assert (newest.created_at, newest.expires_at) == (sandbox.clock(), sandbox.clock() + 5)


def test_what_is_not_there_is_not_found(fresh: Services) -> None:
    with pytest.raises(NotFound):
        administration.list_keys(fresh, "org-unknown")
    with pytest.raises(NotFound):
        administration.get_key(fresh, "key-unknown")


def test_a_revoked_key_is_no_key(fresh: Services) -> None:
    first = administration.first_start(fresh, first_keys())
    for key in first.keys.values():
        administration.revoke_key(fresh, key.record.id)
    assert not administration.has_keys(fresh)
