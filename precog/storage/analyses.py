"""Interactions that are still to be analyzed: whose turn each is, and what was found in it.

A claim is the time at which it ends; whoever stores by it must be who made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from .engine import Transaction


@dataclass(frozen=True, slots=True)
class Key:
    """What tells a row from all others."""

    organization_id: str
    id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claimed row, with what there is to look at. `tool_calls`, `metadata` and `extra` are JSON."""

    organization_id: str
    id: str
    agent_id: str | None
    system_id: str | None
    event_category: str | None
    prompt: str
    response: str
    prompt_sent: str | None
    tool_calls: str | None
    metadata: str | None
    extra: str | None
    action: str | None
    guarded_at: int | None


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What was found in a row, as JSON; of one that could not be analyzed the risk is None."""

    key: Key
    findings: str
    risk_score: float | None
    guarded_at: int | None


# The condition stands in the outer statement too: on PostgreSQL it is looked at again when the row was
# locked by another claim meanwhile, the inner one is not. Only the keys come back: a row may be as long as
# a whole batch, so that each is read when its turn comes.
CLAIM = """
UPDATE interactions SET claimed_until = :claimed_until
WHERE analyzed_at IS NULL AND (claimed_until IS NULL OR claimed_until < :now)
  AND (organization_id, id) IN (
      SELECT waiting.organization_id, waiting.id FROM interactions AS waiting
      WHERE waiting.analyzed_at IS NULL AND (waiting.claimed_until IS NULL OR waiting.claimed_until < :now)
      ORDER BY waiting.id LIMIT :limit)
RETURNING organization_id, id
"""


def claim(tx: Transaction, *, now: int, lease_ms: int, limit: int) -> list[Key]:
    """Claim the oldest rows that nobody has; the claim is `now + lease_ms`, and ends then."""
    rows = tx.all(CLAIM, now=now, claimed_until=now + lease_ms, limit=limit)
    return sorted((Key(row["organization_id"], row["id"]) for row in rows), key=lambda key: key.id)


IS_WAITING = """
SELECT 1 AS found FROM interactions
WHERE analyzed_at IS NULL AND (claimed_until IS NULL OR claimed_until < :now)
ORDER BY id LIMIT 1
"""


def is_waiting(tx: Transaction, *, now: int) -> bool:
    """Whether there is a row that could be claimed."""
    return tx.one(IS_WAITING, now=now) is not None


READ = """
SELECT interactions.organization_id, interactions.id, agents.agent_id, interactions.system_id,
       interactions.event_category, interactions.prompt, interactions.response, interactions.prompt_sent,
       interactions.tool_calls, interactions.metadata, interactions.extra, interactions.action,
       interactions.guarded_at
FROM interactions LEFT JOIN agents ON agents.id = interactions.agent
WHERE interactions.organization_id = :organization_id AND interactions.id = :id
  AND interactions.analyzed_at IS NULL AND interactions.claimed_until = :claimed_until
"""
_READ = tuple(entry.name for entry in fields(Waiting))


def read(tx: Transaction, key: Key, *, claimed_until: int) -> Waiting | None:
    """The row, or None when the claim on it is no longer this one."""
    row = tx.one(READ, organization_id=key.organization_id, id=key.id, claimed_until=claimed_until)
    return None if row is None else Waiting(*(row[name] for name in _READ))


# A verdict that joined the row after it was read changes what there is to look at.
@cache
def store_sql(rows: int) -> str:
    """The statement that stores what was found in so many rows."""
    return f"""
{_incoming(("organization_id", "id", "findings", "risk_score", "guarded_at"), rows)}
UPDATE interactions
SET findings = incoming.findings, analyzed_at = :now, claimed_until = NULL,
    risk_score = CASE
        WHEN incoming.risk_score IS NULL
          OR interactions.risk_score > CAST(incoming.risk_score AS DOUBLE PRECISION)
        THEN interactions.risk_score ELSE CAST(incoming.risk_score AS DOUBLE PRECISION) END
FROM incoming
WHERE interactions.organization_id = incoming.organization_id AND interactions.id = incoming.id
  AND interactions.analyzed_at IS NULL AND interactions.claimed_until = :claimed_until
  AND COALESCE(interactions.guarded_at, -1) = COALESCE(CAST(incoming.guarded_at AS BIGINT), -1)
RETURNING interactions.organization_id AS organization_id, interactions.id AS id
"""  # noqa: S608, made of our own column names


def store(tx: Transaction, done: Sequence[Analyzed], *, claimed_until: int, now: int) -> set[Key]:
    """Store what was found; the rows on which the claim still held. The greater risk of two stays."""
    if not done:
        return set()
    values: dict[str, Any] = {}
    for index, one in enumerate(done):
        values |= {
            f"organization_id_{index}": one.key.organization_id,
            f"id_{index}": one.key.id,
            f"findings_{index}": one.findings,
            f"risk_score_{index}": one.risk_score,
            f"guarded_at_{index}": one.guarded_at,
        }
    rows = tx.all(store_sql(len(done)), claimed_until=claimed_until, now=now, **values)
    return {Key(row["organization_id"], row["id"]) for row in rows}


@cache
def release_sql(rows: int) -> str:
    """The statement that gives so many rows back."""
    return f"""
{_incoming(("organization_id", "id"), rows)}
UPDATE interactions SET claimed_until = NULL FROM incoming
WHERE interactions.organization_id = incoming.organization_id AND interactions.id = incoming.id
  AND interactions.analyzed_at IS NULL AND interactions.claimed_until = :claimed_until
"""  # noqa: S608, made of our own column names


def release(tx: Transaction, keys: Sequence[Key], *, claimed_until: int) -> None:
    """Give claimed rows back before the claim ends, so that others need not wait for it."""
    if not keys:
        return
    values: dict[str, Any] = {}
    for index, key in enumerate(keys):
        values |= {f"organization_id_{index}": key.organization_id, f"id_{index}": key.id}
    tx.run(release_sql(len(keys)), claimed_until=claimed_until, **values)


def _incoming(columns: Sequence[str], rows: int) -> str:
    """A table of that name with so many rows; the parameters of row n end in _n."""
    values = ", ".join(f"(:{f'_{row}, :'.join(columns)}_{row})" for row in range(rows))
    return f"WITH incoming ({', '.join(columns)}) AS (VALUES {values})"
