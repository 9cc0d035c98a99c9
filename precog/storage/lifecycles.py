"""What systems report of one event: the verdict before it, what happened, and how long it took to tell.

The rows are those of `interactions`, so that they are listed and analyzed with all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from .engine import Transaction

Some = TypeVar("Some")

ROWS_A_STATEMENT = 50


@dataclass(frozen=True, slots=True)
class GuardRow:
    """A verdict to keep. `guard` is JSON; `event_id` is None for one that no other report can join."""

    id: str
    system_id: str
    event_id: str | None
    agent_id: str | None
    user_id: str | None
    event_category: str | None
    workflow_run_id: str | None
    prompt: str
    guard: str
    action: str
    risk_score: float
    received_at: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """What happened, to be kept. `metadata` and `extra` are JSON."""

    id: str
    system_id: str
    event_id: str
    agent_id: str | None
    user_id: str | None
    event_category: str | None
    workflow_run_id: str | None
    prompt: str
    response: str
    metadata: str | None
    extra: str | None
    occurred_at: int | None
    received_at: int


_GUARD = (
    "id",
    "system_id",
    "event_id",
    "agent_id",
    "user_id",
    "event_category",
    "workflow_run_id",
    "prompt",
    "guard",
    "action",
    "risk_score",
    "received_at",
)
_EVENT = (
    "id",
    "system_id",
    "event_id",
    "agent_id",
    "user_id",
    "event_category",
    "workflow_run_id",
    "prompt",
    "response",
    "metadata",
    "extra",
    "occurred_at",
    "received_at",
)

# The agent is told by its name, and left out where there is none: only telemetry makes agents.
_AGENT = """(SELECT agents.id FROM agents
        WHERE agents.organization_id = :organization_id AND agents.agent_id = incoming.agent_id)"""


def _values(columns: Sequence[str], rows: int) -> str:
    """A table named incoming with so many rows; the parameters of row n end in _n."""
    values = ", ".join(f"(:{f'_{row}, :'.join(columns)}_{row})" for row in range(rows))
    return f"WITH incoming ({', '.join(columns)}) AS (VALUES {values})"


# A verdict that comes after what it was asked about joins it; a second verdict on one event does not
# replace the first.
@cache
def add_guards_sql(rows: int) -> str:
    """The statement that keeps so many verdicts."""
    return f"""
INSERT INTO interactions (organization_id, id, agent, system_id, event_id, user_id, event_category,
                          workflow_run_id, prompt, response, guard, action, guarded_at, risk_score,
                          analyzed_at, received_at)
{_values(_GUARD, rows)}
SELECT :organization_id, incoming.id, {_AGENT}, incoming.system_id, CAST(incoming.event_id AS TEXT),
       CAST(incoming.user_id AS TEXT), CAST(incoming.event_category AS TEXT),
       CAST(incoming.workflow_run_id AS TEXT), incoming.prompt, '', incoming.guard, incoming.action,
       CAST(incoming.received_at AS BIGINT), CAST(incoming.risk_score AS DOUBLE PRECISION),
       CAST(incoming.received_at AS BIGINT), CAST(incoming.received_at AS BIGINT)
FROM incoming WHERE true
ON CONFLICT (event_id, system_id) WHERE event_id IS NOT NULL DO UPDATE
SET guard = excluded.guard, action = excluded.action, guarded_at = excluded.guarded_at,
    user_id = COALESCE(interactions.user_id, excluded.user_id),
    agent = COALESCE(interactions.agent, excluded.agent),
    workflow_run_id = COALESCE(interactions.workflow_run_id, excluded.workflow_run_id),
    event_category = COALESCE(interactions.event_category, excluded.event_category),
    analyzed_at = CASE WHEN interactions.prompt = excluded.prompt THEN interactions.analyzed_at END,
    risk_score = CASE WHEN interactions.risk_score > excluded.risk_score THEN interactions.risk_score
                      ELSE excluded.risk_score END,
    prompt = excluded.prompt,
    prompt_sent = CASE WHEN interactions.prompt = excluded.prompt THEN NULL ELSE interactions.prompt END
WHERE interactions.guarded_at IS NULL
"""  # noqa: S608, made of our own column names


def add_guards(tx: Transaction, organization_id: str, rows: Sequence[GuardRow]) -> int:
    """Keep verdicts, of one system; how many were kept, without those on events that have one already."""
    # Not their ids: to hand a row over is a step more, and after each step another thread's turn may come.
    return sum(
        tx.run(add_guards_sql(len(part)), **_params(organization_id, part, _GUARD)) for part in _parts(rows)
    )


@cache
def add_events_sql(rows: int) -> str:
    """The statement that keeps so many reports of what happened."""
    return f"""
INSERT INTO interactions (organization_id, id, agent, system_id, event_id, user_id, event_category,
                          workflow_run_id, prompt, response, metadata, extra, ingested_at, occurred_at,
                          received_at)
{_values(_EVENT, rows)}
SELECT :organization_id, incoming.id, {_AGENT}, incoming.system_id, incoming.event_id,
       CAST(incoming.user_id AS TEXT), CAST(incoming.event_category AS TEXT),
       CAST(incoming.workflow_run_id AS TEXT), incoming.prompt, incoming.response,
       CAST(incoming.metadata AS TEXT), CAST(incoming.extra AS TEXT), CAST(incoming.received_at AS BIGINT),
       CAST(incoming.occurred_at AS BIGINT), CAST(incoming.received_at AS BIGINT)
FROM incoming WHERE true
ON CONFLICT (event_id, system_id) WHERE event_id IS NOT NULL DO UPDATE
SET response = excluded.response, metadata = excluded.metadata, extra = excluded.extra,
    ingested_at = excluded.ingested_at, occurred_at = excluded.occurred_at,
    user_id = COALESCE(interactions.user_id, excluded.user_id),
    agent = COALESCE(interactions.agent, excluded.agent),
    event_category = COALESCE(excluded.event_category, interactions.event_category),
    workflow_run_id = COALESCE(interactions.workflow_run_id, excluded.workflow_run_id),
    prompt_sent = CASE WHEN interactions.prompt = excluded.prompt THEN NULL ELSE excluded.prompt END,
    analyzed_at = NULL, claimed_until = NULL
WHERE interactions.ingested_at IS NULL
RETURNING id, event_id
"""  # noqa: S608, made of our own column names


def add_events(tx: Transaction, organization_id: str, rows: Sequence[EventRow]) -> dict[str, str]:
    """Keep reports of what happened, of one system; the ids of their rows by event, without those of
    events that had been told before."""
    found: dict[str, str] = {}
    for part in _parts(rows):
        stored = tx.all(add_events_sql(len(part)), **_params(organization_id, part, _EVENT))
        found |= {row["event_id"]: row["id"] for row in stored}
    return found


def _parts(rows: Sequence[Some]) -> Iterator[Sequence[Some]]:
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        yield rows[start : start + ROWS_A_STATEMENT]


def _params(organization_id: str, rows: Sequence[Any], columns: Sequence[str]) -> dict[str, Any]:
    values = {
        f"{column}_{index}": getattr(row, column) for index, row in enumerate(rows) for column in columns
    }
    return {"organization_id": organization_id, **values}


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is of an event."""

    id: str
    prompt: str
    guard: str | None


FIND = "SELECT id, prompt, guard FROM interactions WHERE system_id = :system_id AND event_id = :event_id"


def find(tx: Transaction, system_id: str, event_id: str) -> Kept | None:
    """The event's row, or None."""
    row = tx.one(FIND, system_id=system_id, event_id=event_id)
    return None if row is None else Kept(row["id"], row["prompt"], row["guard"])


FINALIZE = """
UPDATE interactions SET sdk_ingest_ms = CAST(:sdk_ingest_ms AS DOUBLE PRECISION), finalized_at = :now
WHERE system_id = :system_id AND event_id = :event_id AND finalized_at IS NULL
"""


def finalize(
    tx: Transaction, system_id: str, event_id: str, *, sdk_ingest_ms: float | None, now: int
) -> bool:
    """Add the timing; False when the event is not there or has one."""
    return tx.run(FINALIZE, system_id=system_id, event_id=event_id, sdk_ingest_ms=sdk_ingest_ms, now=now) > 0
