"""Agents as their organization manages them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..detection.policy import Thresholds
from ..errors import AgentLimitReached, AgentRevoked, NotFound
from ..storage import agents, organizations
from ..storage.agents import Agent as Agent  # surfaces take it from here
from ..storage.engine import Transaction
from . import audit
from .keys import Caller
from .services import Services
from .system_policy import check_thresholds, thresholds_from_json, thresholds_to_json

STATUSES = ("active", "deactivated", "suspended", "revoked")


def get(services: Services, caller: Caller, agent_id: str) -> Agent:
    """The organization's agent of that name. Raises NotFound."""
    return services.db.read(_require, caller.organization_id, agent_id)


def page(services: Services, caller: Caller, *, after: str, status: str | None, limit: int) -> list[Agent]:
    """The organization's agents by name, from the first behind `after`; of one of STATUSES, or of any."""
    return services.db.read(agents.page, caller.organization_id, after=after, status=status, limit=limit)


def status_of(agent: Agent) -> str:
    """One of STATUSES. Suspended and revoked are those with a key alone, as whoever made them has said."""
    if agent.revoked_at is not None:
        return "revoked"
    if agent.deactivated_at is not None:
        return "deactivated"
    return "active" if agent.suspended_at is None else "suspended"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed of an agent. `active` of None is left as it is.

    With `set_thresholds` all its own thresholds are replaced, by none when there are no others.
    """

    active: bool | None = None
    set_thresholds: bool = False
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)


def change(services: Services, caller: Caller, agent_id: str, wanted: Change) -> Agent:
    """Retire an agent, which frees its slot, bring it back, which takes one, or set its own thresholds.

    Doing it twice changes nothing. Raises NotFound, AgentLimitReached when no slot is free, AgentRevoked
    for one that was revoked for good, or WrongValue.
    """
    check_thresholds(wanted.thresholds)
    try:
        return services.db.write(_change, caller, agent_id, wanted, now=services.clock())
    finally:
        services.agent_tokens.forget()
        if wanted.set_thresholds:
            services.policies.forget()


def set_active(services: Services, caller: Caller, agent_id: str, active: bool) -> Agent:
    """Retire an agent or bring it back; see `change`."""
    return change(services, caller, agent_id, Change(active=active))


def own_thresholds(agent: Agent) -> Mapping[str, Thresholds]:
    """The thresholds that the agent has in place of its system's."""
    return thresholds_from_json(agent.thresholds)


def _change(tx: Transaction, caller: Caller, agent_id: str, wanted: Change, *, now: int) -> Agent:
    if wanted.set_thresholds:
        text = thresholds_to_json(wanted.thresholds) if wanted.thresholds else None
        agents.set_thresholds(tx, caller.organization_id, agent_id, text)
    if wanted.active is None:
        return _require(tx, caller.organization_id, agent_id)
    set_to = _reactivate if wanted.active else _deactivate
    return set_to(tx, caller, agent_id, now=now)


def _deactivate(tx: Transaction, caller: Caller, agent_id: str, *, now: int) -> Agent:
    if agents.deactivate(tx, caller.organization_id, agent_id, now=now):
        organizations.free_agent_slot(tx, caller.organization_id)
        return _noted(tx, caller, agent_id, "agent.deactivated", now)
    return _require(tx, caller.organization_id, agent_id)


def _reactivate(tx: Transaction, caller: Caller, agent_id: str, *, now: int) -> Agent:
    if agents.reactivate(tx, caller.organization_id, agent_id):
        if not organizations.take_agent_slot(tx, caller.organization_id):
            raise AgentLimitReached(caller.agent_limit or 0)
        return _noted(tx, caller, agent_id, "agent.reactivated", now)
    agent = _require(tx, caller.organization_id, agent_id)
    if agent.revoked_at is not None:
        raise AgentRevoked()
    return agent


def _noted(tx: Transaction, caller: Caller, agent_id: str, event_type: str, now: int) -> Agent:
    """The agent that was changed; of one with a key, which has a name, the change is in the audit log."""
    agent = _require(tx, caller.organization_id, agent_id)
    if agent.name is not None:
        metadata = {"key_id": caller.key_id, "name": agent.name}
        audit.append(
            tx, caller.organization_id, event_type=event_type, agent_id=agent.id, metadata=metadata, now=now
        )
    return agent


def _require(tx: Transaction, organization_id: str, agent_id: str) -> Agent:
    agent = agents.get(tx, organization_id, agent_id)
    if agent is None:
        raise NotFound("agent")
    return agent
