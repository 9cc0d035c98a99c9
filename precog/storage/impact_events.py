"""Impact events: the security moments that a plan counts."""

from __future__ import annotations

from .engine import Transaction

ADD = """
INSERT INTO impact_events (organization_id, id, agent, interaction_id, kind, over_quota, created_at)
VALUES (:organization_id, :id,
        (SELECT agents.id FROM agents
         WHERE agents.organization_id = :organization_id AND agents.agent_id = :agent_id),
        :interaction_id, :kind, 0, :created_at)
ON CONFLICT (organization_id, interaction_id) WHERE interaction_id IS NOT NULL DO NOTHING
RETURNING id
"""


def add(
    tx: Transaction,
    *,
    id: str,
    organization_id: str,
    agent_id: str | None,
    interaction_id: str | None,
    kind: str,
    created_at: int,
) -> bool:
    """Store the event; False when the interaction has one. `agent_id` is the agent's name, or None."""
    row = tx.one(
        ADD,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        interaction_id=interaction_id,
        kind=kind,
        created_at=created_at,
    )
    return row is not None


MARK_OVER_QUOTA = """
UPDATE impact_events SET over_quota = 1 WHERE organization_id = :organization_id AND id = :id
"""


def mark_over_quota(tx: Transaction, organization_id: str, id: str) -> None:
    """Keep the event from triggering anything."""
    tx.run(MARK_OVER_QUOTA, organization_id=organization_id, id=id)
