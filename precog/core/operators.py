"""The operator at the command line: no key stands behind what is done there."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound
from ..storage import identities, organizations
from ..storage.engine import Transaction
from .services import Services


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator at work for one organization; what is written of it has no key."""

    organization_id: str
    agent_limit: int | None
    key_id: None = None


def of(services: Services, organization_id: str) -> Operator:
    """The operator, for this organization. Raises NotFound."""
    return services.db.read(_of, organization_id)


def of_agent(services: Services, agent_id: str) -> Operator:
    """The operator, for the organization of the agent with a key that has this id. Raises NotFound."""
    return services.db.read(_of_agent, agent_id)


def _of_agent(tx: Transaction, agent_id: str) -> Operator:
    identity = identities.by_id(tx, agent_id)
    if identity is None:
        raise NotFound("agent with a key")
    return _of(tx, identity.organization_id)


def _of(tx: Transaction, organization_id: str) -> Operator:
    organization = organizations.get(tx, organization_id)
    if organization is None:
        raise NotFound("organization")
    return Operator(organization.id, organization.agent_limit)
