"""Transactions: what an agent did, and what it was like before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .engine import Row
from .engine import Transaction as Tx


@dataclass(frozen=True, slots=True)
class Listed:
    """A transaction without its states, which may be large."""

    id: str
    organization_id: str
    agent_id: str
    session_id: str | None
    sequence_number: int | None
    action_type: str | None
    value_e4: int | None
    rollback_confidence: str
    status: str
    created_at: int
    committed_at: int | None
    rolled_back_at: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Transaction(Listed):
    """A whole transaction; both states and the procedure are JSON."""

    pre_state: str
    post_state: str | None
    rollback_procedure: str | None


_SAME = (
    "id",
    "organization_id",
    "sequence_number",
    "action_type",
    "value_e4",
    "rollback_confidence",
    "status",
    "created_at",
    "committed_at",
    "rolled_back_at",
    "reason",
)


def _facts(row: Row) -> dict[str, Any]:
    same = {column: row[column] for column in _SAME}
    return {"agent_id": row["agent"], "session_id": row["session"], **same}


def _from_row(row: Row) -> Transaction:
    return Transaction(
        **_facts(row),
        pre_state=row["pre_state"],
        post_state=row["post_state"],
        rollback_procedure=row["rollback_procedure"],
    )


ADD = """
INSERT INTO transactions (id, organization_id, agent, session, sequence_number, action_type, value_e4,
                          pre_state, rollback_procedure, rollback_confidence, status, created_at)
VALUES (:id, :organization_id, :agent_id, :session_id, :sequence_number, :action_type, :value_e4, :pre_state,
        :rollback_procedure, :rollback_confidence, 'pending', :created_at)
RETURNING *
"""


def add(
    tx: Tx,
    *,
    id: str,
    organization_id: str,
    agent_id: str,
    session_id: str | None,
    sequence_number: int | None,
    action_type: str | None,
    value_e4: int | None,
    pre_state: str,
    rollback_procedure: str | None,
    rollback_confidence: str,
    created_at: int,
) -> Transaction:
    """Store a new transaction, which is pending."""
    row = tx.one(
        ADD,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        session_id=session_id,
        sequence_number=sequence_number,
        action_type=action_type,
        value_e4=value_e4,
        pre_state=pre_state,
        rollback_procedure=rollback_procedure,
        rollback_confidence=rollback_confidence,
        created_at=created_at,
    )
    assert row is not None  # noqa: S101 - it inserts or raises
    return _from_row(row)


GET = "SELECT * FROM transactions WHERE id = :id AND organization_id = :organization_id"


def get(tx: Tx, organization_id: str, id: str) -> Transaction | None:
    """The organization's transaction, or None."""
    row = tx.one(GET, id=id, organization_id=organization_id)
    return None if row is None else _from_row(row)


# Which steps are allowed is in the statement that takes one, so of two at once the second finds the first.
COMMIT = """
UPDATE transactions SET status = 'committed', post_state = :post_state, committed_at = :now
WHERE id = :id AND organization_id = :organization_id AND agent = :agent_id AND status = 'pending'
RETURNING *
"""


def commit(
    tx: Tx, organization_id: str, id: str, *, agent_id: str, post_state: str, now: int
) -> Transaction | None:
    """Commit the agent's pending transaction; None when there is none of that id."""
    row = tx.one(
        COMMIT,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        post_state=post_state,
        now=now,
    )
    return None if row is None else _from_row(row)


ROLL_BACK = """
UPDATE transactions SET status = 'rolled_back', reason = :reason, rolled_back_at = :now
WHERE id = :id AND organization_id = :organization_id AND agent = :agent_id
  AND status IN ('pending', 'committed')
RETURNING *
"""


def roll_back(
    tx: Tx, organization_id: str, id: str, *, agent_id: str, reason: str | None, now: int
) -> Transaction | None:
    """Roll back the agent's pending or committed transaction; None when there is none of that id."""
    row = tx.one(ROLL_BACK, id=id, organization_id=organization_id, agent_id=agent_id, reason=reason, now=now)
    return None if row is None else _from_row(row)


STATUSES = ("pending", "committed", "rolled_back")

# One text a filter, so that each is answered by its own index.
_FILTERS = {"session_id": "AND session = :session_id", "status": "AND status = :status"}

_PAGE = """
SELECT {columns} FROM transactions WHERE organization_id = :organization_id {filters}
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
"""


def page(
    tx: Tx, organization_id: str, *, session_id: str | None, status: str | None, limit: int, offset: int
) -> list[Listed]:
    """The organization's transactions, newest first; a filter of None does not filter."""
    given = {"session_id": session_id, "status": status}
    wanted = {name: value for name, value in given.items() if value is not None}
    sql = _PAGE.format(
        columns=", ".join(("agent", "session", *_SAME)), filters=" ".join(_FILTERS[name] for name in wanted)
    )
    rows = tx.all(sql, organization_id=organization_id, limit=limit, offset=offset, **wanted)
    return [Listed(**_facts(row)) for row in rows]
