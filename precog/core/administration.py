"""What the operator does: organizations, plans and keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..errors import AlreadyExists, NotFound, WrongValue
from ..storage import keys as key_rows
from ..storage import organizations, systems
from ..storage.engine import Transaction
from ..storage.keys import ApiKey as ApiKey  # the command line takes it from here
from ..storage.organizations import Organization as Organization
from . import audit, keys
from .ids import random_id
from .keys import NewKey
from .plans import Plan, plan_named
from .services import Services
from .times import DAY_MS


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A key to make: `prefix` is what the clients of its kind expect it to begin with."""

    kind: str
    prefix: str
    name: str
    scopes: frozenset[str] = keys.DEFAULT_SCOPES
    system: str | None = None
    environment: str = "production"
    expires_in_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What an empty instance is given: everything a newcomer needs."""

    organization: Organization
    system: systems.System
    keys: Mapping[str, NewKey]


def first_start(services: Services, requests: Iterable[KeyRequest]) -> FirstStart:
    """Make the default organization, a system and one key of each kind.

    Raises AlreadyExists, and makes nothing, when there is an organization.
    """
    return services.db.write(_first_start, tuple(requests), pepper=services.pepper, now=services.clock())


def _first_start(tx: Transaction, requests: tuple[KeyRequest, ...], *, pepper: str, now: int) -> FirstStart:
    tx.lock_schema()  # of two first starts at once, the second finds the first one's organization
    if organizations.all(tx):
        raise AlreadyExists("instance")
    organization = _add_organization(tx, "Default", plan_named("ENTERPRISE"), now=now)
    system = systems.System(random_id("sys-"), organization.id, "default", now)
    systems.add(tx, id=system.id, organization_id=organization.id, name=system.name, created_at=now)
    made = {
        request.kind: make_key(tx, organization.id, request, pepper=pepper, now=now) for request in requests
    }
    _note_made(tx, organization, now)
    return FirstStart(organization, system, made)


def create_organization(services: Services, name: str, plan: str) -> Organization:
    """Make an organization with a system of the name `default`.

    Raises NotFound for an unknown plan, WrongValue for a blank name.
    """
    if not name.strip():
        raise WrongValue("name", expected="at least one visible character", received="none")
    return services.db.write(_create_organization, name, plan_named(plan), now=services.clock())


def _create_organization(tx: Transaction, name: str, plan: Plan, *, now: int) -> Organization:
    made = make_organization(tx, name, plan, now=now)
    _note_made(tx, made, now)
    return made


def _note_made(tx: Transaction, organization: Organization, now: int) -> None:
    facts = {"name": organization.name, "plan": organization.plan, "key_id": None, "made_by_key_id": None}
    audit.append(tx, organization.id, event_type="organization.created", metadata=facts, now=now)


def make_organization(tx: Transaction, name: str, plan: Plan, *, now: int) -> Organization:
    """As `create_organization`, of a name that is not blank, within a transaction, but without the entry."""
    organization = _add_organization(tx, name, plan, now=now)
    systems.add(tx, id=random_id("sys-"), organization_id=organization.id, name="default", created_at=now)
    return organization


def _add_organization(tx: Transaction, name: str, plan: Plan, *, now: int) -> Organization:
    organization_id = random_id("org-")
    organizations.add(
        tx,
        id=organization_id,
        name=name,
        plan=plan.name,
        agent_limit=plan.agents,
        impact_events_per_month=plan.impact_events_per_month,
        requests_per_minute=plan.requests_per_minute,
        burst=plan.burst,
        created_at=now,
    )
    return _require(tx, organization_id)


def list_organizations(services: Services) -> list[Organization]:
    """Every organization, oldest first."""
    return services.db.read(organizations.all)


def get_organization(services: Services, organization_id: str) -> Organization:
    """The organization of this id. Raises NotFound."""
    return services.db.read(_require, organization_id)


def set_plan(services: Services, organization_id: str, plan: str) -> Organization:
    """Change an organization's plan; agents beyond a smaller plan's number stay active.

    Raises NotFound for an unknown organization or plan.
    """
    try:
        return services.db.write(_set_plan, organization_id, plan_named(plan), now=services.clock())
    finally:
        services.authenticator.forget()


def _set_plan(tx: Transaction, organization_id: str, plan: Plan, *, now: int) -> Organization:
    before = _require(tx, organization_id)
    organizations.set_plan(
        tx,
        id=organization_id,
        plan=plan.name,
        agent_limit=plan.agents,
        impact_events_per_month=plan.impact_events_per_month,
        requests_per_minute=plan.requests_per_minute,
        burst=plan.burst,
    )
    after = _require(tx, organization_id)
    if replace(after, active_agents=before.active_agents) != before:
        facts = {"plan": after.plan, "plan_before": before.plan, "key_id": None}
        audit.append(tx, organization_id, event_type="organization.plan_changed", metadata=facts, now=now)
    return after


def _require(tx: Transaction, organization_id: str) -> Organization:
    organization = organizations.get(tx, organization_id)
    if organization is None:
        raise NotFound("organization")
    return organization


def has_keys(services: Services) -> bool:
    """Whether there is a key that has not been revoked."""
    return services.db.read(key_rows.any)


def create_key(services: Services, organization_id: str, request: KeyRequest) -> NewKey:
    """Make a key. Raises NotFound for an unknown organization or system, WrongValue for a scope."""
    return services.db.write(make_key, organization_id, request, pepper=services.pepper, now=services.clock())


def make_key(tx: Transaction, organization_id: str, request: KeyRequest, *, pepper: str, now: int) -> NewKey:
    """As `create_key`, within a transaction."""
    _require(tx, organization_id)
    system_id = None
    if request.system is not None:
        system = systems.find(tx, organization_id, request.system)
        if system is None:
            raise NotFound("system")
        system_id = system.id
    return keys.create(
        tx,
        pepper=pepper,
        prefix=request.prefix,
        organization_id=organization_id,
        system_id=system_id,
        kind=request.kind,
        name=request.name,
        scopes=request.scopes,
        environment=request.environment,
        expires_in_ms=request.expires_in_ms,
        now=now,
    )


def list_keys(services: Services, organization_id: str) -> list[ApiKey]:
    """An organization's keys, oldest first, ended ones too. Raises NotFound."""
    return services.db.read(_list_keys, organization_id)


def _list_keys(tx: Transaction, organization_id: str) -> list[ApiKey]:
    _require(tx, organization_id)
    return key_rows.all(tx, organization_id)


def get_key(services: Services, key_id: str) -> ApiKey:
    """What is kept of a key. Raises NotFound."""
    record = services.db.read(key_rows.get, key_id)
    if record is None:
        raise NotFound("key")
    return record


def revoke_key(services: Services, key_id: str) -> None:
    """End a key: at once here, within 5 s in other processes. Raises NotFound unless it was live."""
    try:
        if not services.db.write(key_rows.revoke, key_id, now=services.clock()):
            raise NotFound("live key")
    finally:
        services.authenticator.forget()


def rotate_key(services: Services, key_id: str, *, prefix: str, overlap_ms: int = DAY_MS) -> NewKey:
    """Replace a key; the old one works for `overlap_ms` more. Raises NotFound unless it was live."""
    try:
        return services.db.write(
            keys.rotate,
            key_id,
            pepper=services.pepper,
            prefix=prefix,
            overlap_ms=overlap_ms,
            now=services.clock(),
        )
    finally:
        services.authenticator.forget()
