"""Agents as their organization manages them."""

from __future__ import annotations

from ..errors import AgentLimitReached, NotFound
from ..storage import agents, organizations
from ..storage.agents import Agent as Agent  # surfaces take it from here
from ..storage.engine import Transaction
from .keys import Caller
from .services import Services


def get(services: Services, caller: Caller, agent_id: str) -> Agent:
    """The organization's agent of that name. Raises NotFound."""
    return services.db.read(_require, caller.organization_id, agent_id)


def page(services: Services, caller: Caller, *, after: str, active: bool | None, limit: int) -> list[Agent]:
    """The organization's agents by name, from the first behind `after`."""
    return services.db.read(agents.page, caller.organization_id, after=after, active=active, limit=limit)


def set_active(services: Services, caller: Caller, agent_id: str, active: bool) -> Agent:
    """Retire an agent, which frees its slot, or bring it back, which takes one.

    Doing it twice changes nothing. Raises NotFound, or AgentLimitReached when no slot is free.
    """
    change = _reactivate if active else _deactivate
    return services.db.write(change, caller, agent_id, now=services.clock())


def _deactivate(tx: Transaction, caller: Caller, agent_id: str, *, now: int) -> Agent:
    if agents.deactivate(tx, caller.organization_id, agent_id, now=now):
        organizations.free_agent_slot(tx, caller.organization_id)
    return _require(tx, caller.organization_id, agent_id)


def _reactivate(tx: Transaction, caller: Caller, agent_id: str, *, now: int) -> Agent:
    if agents.reactivate(tx, caller.organization_id, agent_id) and not organizations.take_agent_slot(
        tx, caller.organization_id
    ):
        raise AgentLimitReached(caller.agent_limit or 0)
    return _require(tx, caller.organization_id, agent_id)


def _require(tx: Transaction, organization_id: str, agent_id: str) -> Agent:
    agent = agents.get(tx, organization_id, agent_id)
    if agent is None:
        raise NotFound("agent")
    return agent
