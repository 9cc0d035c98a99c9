"""Sessions: what an agent may do in one go, and how much of it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class Session:
    """One session; money in ten-thousandths, and a limit of None is none."""

    id: str
    organization_id: str
    agent_id: str
    max_actions: int | None
    action_count: int
    max_value_e4: int | None
    value_used_e4: int
    expires_at: int | None
    created_at: int
    ended_at: int | None


def _from_row(row: Row) -> Session:
    return Session(
        row["id"],
        row["organization_id"],
        row["agent"],
        row["max_actions"],
        row["action_count"],
        row["max_value_e4"],
        row["value_used_e4"],
        row["expires_at"],
        row["created_at"],
        row["ended_at"],
    )


# Whether there is such an agent, and whether it may act at all, is decided by the statement that adds.
ADD = """
INSERT INTO sessions (id, organization_id, agent, max_actions, max_value_e4, expires_at, created_at)
SELECT CAST(:id AS TEXT), agents.organization_id, agents.id, CAST(:max_actions AS BIGINT),
       CAST(:max_value_e4 AS BIGINT), CAST(:expires_at AS BIGINT), CAST(:created_at AS BIGINT)
FROM agents
WHERE agents.id = :agent_id AND agents.organization_id = :organization_id AND agents.public_key IS NOT NULL
  AND agents.suspended_at IS NULL AND agents.deactivated_at IS NULL
RETURNING *
"""


def add(
    tx: Transaction,
    *,
    id: str,
    organization_id: str,
    agent_id: str,
    max_actions: int | None,
    max_value_e4: int | None,
    expires_at: int | None,
    created_at: int,
) -> Session | None:
    """Store a new session; None when the organization has no identity of that id that may act."""
    row = tx.one(
        ADD,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        max_actions=max_actions,
        max_value_e4=max_value_e4,
        expires_at=expires_at,
        created_at=created_at,
    )
    return None if row is None else _from_row(row)


GET = "SELECT * FROM sessions WHERE id = :id AND organization_id = :organization_id"


def get(tx: Transaction, organization_id: str, id: str) -> Session | None:
    """The organization's session, or None."""
    row = tx.one(GET, id=id, organization_id=organization_id)
    return None if row is None else _from_row(row)


# One statement counts and decides, so two transactions cannot both take the last action. The largest sum
# keeps a session without a limit within 63 bits.
TAKE = """
UPDATE sessions SET action_count = action_count + 1, value_used_e4 = value_used_e4 + :value_e4
WHERE id = :id AND organization_id = :organization_id AND agent = :agent_id
  AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
  AND (max_actions IS NULL OR action_count < max_actions)
  AND value_used_e4 + :value_e4 <= COALESCE(max_value_e4, 9000000000000000000)
RETURNING action_count
"""


def take(
    tx: Transaction, organization_id: str, id: str, *, agent_id: str, value_e4: int, now: int
) -> int | None:
    """Take one action of this value; how many there are now, or None when the session does not allow it."""
    row = tx.one(TAKE, id=id, organization_id=organization_id, agent_id=agent_id, value_e4=value_e4, now=now)
    return None if row is None else int(row["action_count"])


END = """
UPDATE sessions SET ended_at = :now
WHERE id = :id AND organization_id = :organization_id AND ended_at IS NULL
  AND (expires_at IS NULL OR expires_at > :now)
RETURNING *
"""


def end(tx: Transaction, organization_id: str, id: str, *, now: int) -> Session | None:
    """End an active session; None when there is none of that id."""
    row = tx.one(END, id=id, organization_id=organization_id, now=now)
    return None if row is None else _from_row(row)


ACTIVE, ENDED, EXPIRED = "active", "ended", "expired"

# One text a filter, so that each is answered by its own index.
_AGENT = "AND agent = :agent_id"
_STATUS = {
    ACTIVE: "AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > :now)",
    ENDED: "AND ended_at IS NOT NULL",
    EXPIRED: "AND ended_at IS NULL AND expires_at <= :now",
}
STATUSES = tuple(_STATUS)

_PAGE = """
SELECT * FROM sessions WHERE organization_id = :organization_id {filters}
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
"""


def page(
    tx: Transaction,
    organization_id: str,
    *,
    agent_id: str | None,
    status: str | None,
    now: int,
    limit: int,
    offset: int,
) -> list[Session]:
    """The organization's sessions, newest first; a filter of None does not filter."""
    filters, wanted = [], dict[str, Any]()
    if agent_id is not None:
        filters.append(_AGENT)
        wanted["agent_id"] = agent_id
    if status is not None:
        filters.append(_STATUS[status])
        wanted |= {"now": now} if status != ENDED else {}
    sql = _PAGE.format(filters=" ".join(filters))
    rows = tx.all(sql, organization_id=organization_id, limit=limit, offset=offset, **wanted)
    return [_from_row(row) for row in rows]
