"""How much of its plan an organization has used, and the events that a plan counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NotFound, RateLimited
from ..storage import impact_events, organizations
from ..storage.engine import Transaction
from ..storage.organizations import Organization
from . import limits
from .ids import random_id
from .keys import Caller
from .limits import UNLIMITED, Quota, Rate

if TYPE_CHECKING:  # the analyst, which is one of the services, needs this module
    from .services import Services


@dataclass(frozen=True, slots=True)
class Usage:
    """The plan and what of it is used; `impact_events` counts the calendar month (UTC)."""

    organization: Organization
    impact_events: Quota
    requests: Quota
    at: int


def usage(services: Services, caller: Caller) -> Usage:
    """What the caller's organization has used of its plan."""
    return services.db.read(_usage, caller, now=services.clock())


def _usage(tx: Transaction, caller: Caller, *, now: int) -> Usage:
    organization = _organization(tx, caller.organization_id)
    return Usage(
        organization,
        limits.used(tx, _impact_rate(organization), organization.id, now=now),
        limits.used(tx, caller.rate, organization.id, now=now),
        now,
    )


def record_impact(
    tx: Transaction,
    organization_id: str,
    *,
    agent_id: str | None,
    interaction_id: str | None,
    kind: str,
    now: int,
) -> bool:
    """Store an impact event, one an interaction.

    False when it must trigger nothing: it is over the month's quota, or the interaction had one.
    """
    organization = _organization(tx, organization_id)
    id = random_id("imp-")
    if not impact_events.add(
        tx,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        interaction_id=interaction_id,
        kind=kind,
        created_at=now,
    ):
        return False
    try:
        limits.spend(tx, _impact_rate(organization), organization_id, now=now)
    except RateLimited:
        impact_events.mark_over_quota(tx, organization_id, id)
        return False
    return True


def _impact_rate(organization: Organization) -> Rate:
    """A month's quota does not carry over, so the burst is no larger."""
    quota = organization.impact_events_per_month
    quota = UNLIMITED if quota is None else quota
    return Rate("impact", quota, quota, None)


def _organization(tx: Transaction, organization_id: str) -> Organization:
    organization = organizations.get(tx, organization_id)
    if organization is None:
        raise NotFound("organization")
    return organization
