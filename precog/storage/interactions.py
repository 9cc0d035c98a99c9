"""Interactions: what an agent was asked and what it answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class StoredInteraction:
    """One interaction as kept.

    metadata, tool_calls, extra, native, guard and findings are JSON texts, None when empty. What has a
    default belongs to systems' events, or is what detection found.
    """

    id: str
    agent_id: str | None
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
    system_id: str | None = None
    event_id: str | None = None
    event_category: str | None = None
    workflow_run_id: str | None = None
    prompt_sent: str | None = None
    guard: str | None = None
    action: str | None = None
    guarded_at: int | None = None
    ingested_at: int | None = None
    sdk_ingest_ms: float | None = None
    findings: str | None = None
    risk_score: float | None = None
    analyzed_at: int | None = None


_READ = tuple(entry.name for entry in fields(StoredInteraction))


def from_row(row: Row) -> StoredInteraction:
    """The interaction in a row that has its columns and the agent's name."""
    return StoredInteraction(*(row[name] for name in _READ))


_COLUMNS = (
    "organization_id",
    "id",
    "agent_id",
    "platform",
    "session_id",
    "user_id",
    "conversation_id",
    "prompt",
    "response",
    "metadata",
    "tool_calls",
    "extra",
    "native",
    "occurred_at",
    "received_at",
)
ROWS_A_STATEMENT = 50


# The agent must be there and active for a row to be stored, and the same statement stores it, so that
# nothing is stored for an agent that is being deactivated. Many rows go in one statement, since each
# statement costs a switch between threads.
@cache
def add_sql(rows: int) -> str:
    """The statement that stores so many rows; the parameters of row n end in _n."""
    names = ", ".join(_COLUMNS)
    values = ", ".join(f"(:{f'_{row}, :'.join(_COLUMNS)}_{row})" for row in range(rows))
    return f"""
INSERT INTO interactions (organization_id, id, agent, platform, session_id, user_id, conversation_id, prompt,
                          response, metadata, tool_calls, extra, native, occurred_at, received_at)
WITH incoming ({names}) AS (VALUES {values})
SELECT incoming.organization_id, incoming.id, agents.id, incoming.platform, incoming.session_id,
       incoming.user_id, incoming.conversation_id, incoming.prompt, incoming.response, incoming.metadata,
       incoming.tool_calls, incoming.extra, incoming.native, CAST(incoming.occurred_at AS BIGINT),
       CAST(incoming.received_at AS BIGINT)
FROM incoming JOIN agents ON agents.organization_id = incoming.organization_id
                         AND agents.agent_id = incoming.agent_id
WHERE agents.deactivated_at IS NULL AND agents.suspended_at IS NULL
"""  # noqa: S608, made of our own column names


def add(tx: Transaction, rows: Sequence[tuple[str, StoredInteraction]]) -> int:
    """Store interactions of organizations; how many, since those without an active agent are not."""
    stored = 0
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        part = rows[start : start + ROWS_A_STATEMENT]
        stored += tx.run(add_sql(len(part)), **_parameters(part))
    return stored


def _parameters(rows: Sequence[tuple[str, StoredInteraction]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for index, (organization_id, row) in enumerate(rows):
        found |= {
            f"organization_id_{index}": organization_id,
            f"id_{index}": row.id,
            f"agent_id_{index}": row.agent_id,
            f"platform_{index}": row.platform,
            f"session_id_{index}": row.session_id,
            f"user_id_{index}": row.user_id,
            f"conversation_id_{index}": row.conversation_id,
            f"prompt_{index}": row.prompt,
            f"response_{index}": row.response,
            f"metadata_{index}": row.metadata,
            f"tool_calls_{index}": row.tool_calls,
            f"extra_{index}": row.extra,
            f"native_{index}": row.native,
            f"occurred_at_{index}": row.occurred_at,
            f"received_at_{index}": row.received_at,
        }
    return found


GET = """
SELECT interactions.*, agents.agent_id FROM interactions
LEFT JOIN agents ON agents.id = interactions.agent
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
    system_id: str | None = None
    event_id: str | None = None
    workflow_run_id: str | None = None
    action: str | None = None
    from_id: str | None = None
    before_id: str | None = None


# One text a filter, so that each is answered by its own index: with optional filters in one text a
# planner can only scan.
_PAGE = """
SELECT interactions.*, agents.agent_id FROM interactions
LEFT JOIN agents ON agents.id = interactions.agent
WHERE interactions.organization_id = :organization_id {filters}
ORDER BY interactions.id DESC LIMIT :limit
"""
_FILTERS = {
    "agent_id": "AND interactions.agent = (SELECT id FROM agents"
    " WHERE organization_id = :organization_id AND agent_id = :agent_id)",
    "session_id": "AND interactions.session_id = :session_id",
    "user_id": "AND interactions.user_id = :user_id",
    "platform": "AND interactions.platform = :platform",
    "system_id": "AND interactions.system_id = :system_id",
    # Asked plainly, SQLite would walk through the organization's to have them in order.
    "event_id": "AND interactions.id IN"
    " (SELECT id FROM interactions AS told WHERE told.event_id = :event_id)",
    "workflow_run_id": "AND interactions.workflow_run_id = :workflow_run_id",
    "action": "AND interactions.action = :action",
    "from_id": "AND interactions.id >= :from_id",
    "before_id": "AND interactions.id < :before_id",
}


def page(tx: Transaction, organization_id: str, only: Filter, *, limit: int) -> list[StoredInteraction]:
    """The organization's interactions that pass the filter, newest first."""
    wanted = {name: getattr(only, name) for name in _FILTERS if getattr(only, name) is not None}
    sql = _PAGE.format(filters=" ".join(_FILTERS[name] for name in wanted))
    rows = tx.all(sql, organization_id=organization_id, limit=limit, **wanted)
    return [from_row(row) for row in rows]
