"""Agents: one row each, under the name that senders use."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent; `last_interaction_id` names its newest interaction, `thresholds` is JSON."""

    id: str
    agent_id: str
    created_at: int
    deactivated_at: int | None
    last_interaction_id: str | None
    thresholds: str | None
    name: str | None = None
    suspended_at: int | None = None
    revoked_at: int | None = None


def from_row(row: Row) -> Agent:
    """The agent in a row that has its columns and last_interaction_id."""
    return Agent(
        row["id"],
        row["agent_id"],
        row["created_at"],
        row["deactivated_at"],
        row["last_interaction_id"],
        row["thresholds"],
        row["name"],
        row["suspended_at"],
        row["revoked_at"],
    )


ADD = """
INSERT INTO agents (id, organization_id, agent_id, created_at)
VALUES (:id, :organization_id, :agent_id, :created_at)
ON CONFLICT (organization_id, agent_id) DO NOTHING
RETURNING id
"""


def add(tx: Transaction, *, id: str, organization_id: str, agent_id: str, created_at: int) -> bool:
    """Store a new agent; False when the organization has one of that name."""
    row = tx.one(ADD, id=id, organization_id=organization_id, agent_id=agent_id, created_at=created_at)
    return row is not None


GET = """
SELECT agents.*, (SELECT MAX(interactions.id) FROM interactions WHERE interactions.agent = agents.id)
       AS last_interaction_id
FROM agents WHERE organization_id = :organization_id AND agent_id = :agent_id
"""


def get(tx: Transaction, organization_id: str, agent_id: str) -> Agent | None:
    """The organization's agent of that name, or None."""
    row = tx.one(GET, organization_id=organization_id, agent_id=agent_id)
    return None if row is None else from_row(row)


PAGE = """
SELECT agents.*, (SELECT MAX(interactions.id) FROM interactions WHERE interactions.agent = agents.id)
       AS last_interaction_id
FROM agents
WHERE organization_id = :organization_id AND agent_id > :after
  AND (CAST(:status AS TEXT) IS NULL OR :status =
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
            WHEN deactivated_at IS NOT NULL THEN 'deactivated'
            WHEN suspended_at IS NOT NULL THEN 'suspended'
            ELSE 'active' END)
ORDER BY agent_id LIMIT :limit
"""


def page(tx: Transaction, organization_id: str, *, after: str, status: str | None, limit: int) -> list[Agent]:
    """The organization's agents by name, behind `after`; of all statuses when `status` is None."""
    rows = tx.all(PAGE, organization_id=organization_id, after=after, status=status, limit=limit)
    return [from_row(row) for row in rows]


DEACTIVATE = """
UPDATE agents SET deactivated_at = :now
WHERE organization_id = :organization_id AND agent_id = :agent_id AND deactivated_at IS NULL
"""


def deactivate(tx: Transaction, organization_id: str, agent_id: str, *, now: int) -> bool:
    """Retire an active agent; False when there is none of that name."""
    return tx.run(DEACTIVATE, organization_id=organization_id, agent_id=agent_id, now=now) > 0


REACTIVATE = """
UPDATE agents SET deactivated_at = NULL
WHERE organization_id = :organization_id AND agent_id = :agent_id AND deactivated_at IS NOT NULL
  AND revoked_at IS NULL
"""


def reactivate(tx: Transaction, organization_id: str, agent_id: str) -> bool:
    """Bring a retired agent back; False when there is none of that name."""
    return tx.run(REACTIVATE, organization_id=organization_id, agent_id=agent_id) > 0


THRESHOLDS = "SELECT thresholds FROM agents WHERE organization_id = :organization_id AND agent_id = :agent_id"


def thresholds(tx: Transaction, organization_id: str, agent_id: str) -> str | None:
    """The agent's own thresholds, as JSON; None when it has none, and when there is no such agent."""
    row = tx.one(THRESHOLDS, organization_id=organization_id, agent_id=agent_id)
    return None if row is None else row["thresholds"]


SET_THRESHOLDS = """
UPDATE agents SET thresholds = :thresholds WHERE organization_id = :organization_id AND agent_id = :agent_id
"""


def set_thresholds(tx: Transaction, organization_id: str, agent_id: str, thresholds: str | None) -> bool:
    """Give an agent thresholds of its own, or none; False when there is no such agent."""
    found = tx.run(SET_THRESHOLDS, organization_id=organization_id, agent_id=agent_id, thresholds=thresholds)
    return found > 0
