"""Interactions: what an agent was asked and what it answered."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class StoredInteraction:
    """One interaction as kept; the last five of its contents are JSON texts, None when empty."""

    id: str
    agent_id: str
    platform: str | None
    session_id: str | None
    user_id: str | None
    conversation_id: str | None
    prompt: str
    response: str
    metadata: str | None
    tool_calls: str | None
    extra: str | None
    native: str | None
    occurred_at: int | None
    received_at: int


def from_row(row: Row) -> StoredInteraction:
    """The interaction in a row that has its columns and the agent's name."""
    return StoredInteraction(
        row["id"],
        row["agent_id"],
        row["platform"],
        row["session_id"],
        row["user_id"],
        row["conversation_id"],
        row["prompt"],
        row["response"],
        row["metadata"],
        row["tool_calls"],
        row["extra"],
        row["native"],
        row["occurred_at"],
        row["received_at"],
    )


# The agent must be there and active for a row to come back, and the same statement stores the row,
# so that nothing is stored for an agent that is being deactivated.
ADD = """
INSERT INTO interactions (organization_id, id, agent, platform, session_id, user_id, conversation_id, prompt,
                          response, metadata, tool_calls, extra, native, occurred_at, received_at)
SELECT organization_id, :id, agents.id, :platform, :session_id, :user_id, :conversation_id, :prompt,
       :response, :metadata, :tool_calls, :extra, :native, CAST(:occurred_at AS BIGINT),
       CAST(:received_at AS BIGINT)
FROM agents
WHERE organization_id = :organization_id AND agent_id = :agent_id AND deactivated_at IS NULL
RETURNING id
"""


def add(tx: Transaction, organization_id: str, interaction: StoredInteraction) -> bool:
    """Store the interaction; False when there is no active agent of its name."""
    row = tx.one(
        ADD,
        organization_id=organization_id,
        id=interaction.id,
        agent_id=interaction.agent_id,
        platform=interaction.platform,
        session_id=interaction.session_id,
        user_id=interaction.user_id,
        conversation_id=interaction.conversation_id,
        prompt=interaction.prompt,
        response=interaction.response,
        metadata=interaction.metadata,
        tool_calls=interaction.tool_calls,
        extra=interaction.extra,
        native=interaction.native,
        occurred_at=interaction.occurred_at,
        received_at=interaction.received_at,
    )
    return row is not None


GET = """
SELECT interactions.*, agents.agent_id FROM interactions JOIN agents ON agents.id = interactions.agent
WHERE interactions.organization_id = :organization_id AND interactions.id = :id
"""


def get(tx: Transaction, organization_id: str, id: str) -> StoredInteraction | None:
    """The organization's interaction, or None."""
    row = tx.one(GET, organization_id=organization_id, id=id)
    return None if row is None else from_row(row)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interactions a list is of; None does not filter. Ids order by time of receipt."""

    agent_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    platform: str | None = None
    from_id: str | None = None
    before_id: str | None = None


# One text a filter, so that each is answered by its own index: with optional filters in one text a
# planner can only scan.
_PAGE = """
SELECT interactions.*, agents.agent_id FROM interactions JOIN agents ON agents.id = interactions.agent
WHERE interactions.organization_id = :organization_id {filters}
ORDER BY interactions.id DESC LIMIT :limit
"""
_FILTERS = {
    "agent_id": "AND interactions.agent = (SELECT id FROM agents"
    " WHERE organization_id = :organization_id AND agent_id = :agent_id)",
    "session_id": "AND interactions.session_id = :session_id",
    "user_id": "AND interactions.user_id = :user_id",
    "platform": "AND interactions.platform = :platform",
    "from_id": "AND interactions.id >= :from_id",
    "before_id": "AND interactions.id < :before_id",
}


def page(tx: Transaction, organization_id: str, only: Filter, *, limit: int) -> list[StoredInteraction]:
    """The organization's interactions that pass the filter, newest first."""
    wanted = {name: getattr(only, name) for name in _FILTERS if getattr(only, name) is not None}
    sql = _PAGE.format(filters=" ".join(_FILTERS[name] for name in wanted))
    rows = tx.all(sql, organization_id=organization_id, limit=limit, **wanted)
    return [from_row(row) for row in rows]
