"""Impact events: the security moments that a plan counts."""

from __future__ import annotations

from .engine import Transaction

ADD = """
INSERT INTO impact_events (organization_id, id, agent, interaction_id, kind, over_quota, created_at)
SELECT organization_id, :id, agents.id, :interaction_id, :kind, CAST(:over_quota AS SMALLINT),
       CAST(:created_at AS BIGINT)
FROM agents WHERE organization_id = :organization_id AND agent_id = :agent_id
"""


def add(
    tx: Transaction,
    *,
    id: str,
    organization_id: str,
    agent_id: str,
    interaction_id: str | None,
    kind: str,
    over_quota: bool,
    created_at: int,
) -> None:
    """Store the event."""
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
