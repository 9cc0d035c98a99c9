"""Impact events: the security moments that a plan counts."""

from __future__ import annotations

from .engine import Transaction

ADD = """
INSERT INTO impact_events (organization_id, id, agent, interaction_id, kind, over_quota, created_at)
VALUES (:organization_id, :id,
        (SELECT agents.id FROM agents
         WHERE agents.organization_id = :organization_id AND agents.agent_id = :agent_id),
        :interaction_id, :kind, :over_quota, :created_at)
"""


def add(
    tx: Transaction,
    *,
    id: str,
    organization_id: str,
    agent_id: str | None,
    interaction_id: str | None,
    kind: str,
    over_quota: bool,
    created_at: int,
) -> None:
    """Store the event; `agent_id` is the agent's name, None when there is none."""
    tx.run(
        ADD,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        interaction_id=interaction_id,
        kind=kind,
        over_quota=int(over_quota),
        created_at=created_at,
    )
