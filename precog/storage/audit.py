"""Audit entries, one chain an organization: each names the one before it by its hash."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction, Undecodable

GENESIS = "0" * 64
"""The hash that the first entry names: there is none before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `metadata` is JSON as RFC 8785 writes it."""

    organization_id: str
    sequence_number: int
    id: str
    previous_hash: str
    entry_hash: str
    event_type: str
    agent_id: str | None
    session_id: str | None
    transaction_id: str | None
    metadata: str
    created_at: int


def from_row(row: Row) -> Entry:
    """The entry in a row that has its columns."""
    return Entry(
        row["organization_id"],
        row["sequence_number"],
        row["id"],
        row["previous_hash"],
        row["entry_hash"],
        row["event_type"],
        row["agent"],
        row["session_id"],
        row["transaction_id"],
        row["metadata"],
        row["created_at"],
    )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry with something that is no text in the place of one."""

    sequence_number: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: its newest entry's number and hash, 0 and GENESIS when it has none."""

    sequence_number: int
    entry_hash: str


NO_HEAD = Head(0, GENESIS)

# One statement gives the next number and the hash that comes before it, and keeps other transactions from
# the chain until this one's end: they wait for the row and see what was left there, on PostgreSQL as well. A
# row of its own, since the organization's is held by whoever takes agent slots; and waiting, since of many
# who insert behind one entry all but one have worked in vain: with 16 threads that was half as fast.
TAKE = """
INSERT INTO audit_heads (organization_id, sequence_number, entry_hash)
VALUES (:organization_id, 1, :genesis)
ON CONFLICT (organization_id) DO UPDATE SET sequence_number = audit_heads.sequence_number + 1
RETURNING sequence_number, entry_hash
"""


def take(tx: Transaction, organization_id: str) -> Head:
    """The place of a new entry: its number, and the hash of the one before it. `add` must follow."""
    row = tx.one(TAKE, organization_id=organization_id, genesis=GENESIS)
    assert row is not None  # noqa: S101 - it inserts or updates
    return Head(row["sequence_number"], row["entry_hash"])


ADD = """
INSERT INTO audit_entries (organization_id, sequence_number, id, previous_hash, entry_hash, event_type, agent,
                           session_id, transaction_id, metadata, created_at)
VALUES (:organization_id, :sequence_number, :id, :previous_hash, :entry_hash, :event_type, :agent,
        :session_id, :transaction_id, :metadata, :created_at)
ON CONFLICT DO NOTHING
"""

SET_HEAD = "UPDATE audit_heads SET entry_hash = :entry_hash WHERE organization_id = :organization_id"


def add(tx: Transaction, entry: Entry) -> bool:
    """Store an entry in the place that was taken for it; False when another stands there."""
    added = tx.run(
        ADD,
        organization_id=entry.organization_id,
        sequence_number=entry.sequence_number,
        id=entry.id,
        previous_hash=entry.previous_hash,
        entry_hash=entry.entry_hash,
        event_type=entry.event_type,
        agent=entry.agent_id,
        session_id=entry.session_id,
        transaction_id=entry.transaction_id,
        metadata=entry.metadata,
        created_at=entry.created_at,
    )
    tx.run(SET_HEAD, organization_id=entry.organization_id, entry_hash=entry.entry_hash)
    return added > 0


HEAD = "SELECT sequence_number, entry_hash FROM audit_heads WHERE organization_id = :organization_id"
HEAD_NUMBER = "SELECT sequence_number FROM audit_heads WHERE organization_id = :organization_id"


def head(tx: Transaction, organization_id: str) -> Head:
    """Where the chain ends by what was noted at its last entry; the hash is '' where none can be read."""
    return _end(tx, organization_id, HEAD, HEAD_NUMBER)


def _end(tx: Transaction, organization_id: str, sql: str, number_alone: str) -> Head:
    try:
        row = tx.one(sql, organization_id=organization_id)
    except Undecodable:
        row = tx.one(number_alone, organization_id=organization_id)
        return NO_HEAD if row is None else Head(row["sequence_number"], "")
    return NO_HEAD if row is None else Head(row["sequence_number"], row["entry_hash"])


NEWEST = """
SELECT sequence_number, entry_hash FROM audit_entries WHERE organization_id = :organization_id
ORDER BY sequence_number DESC LIMIT 1
"""
NEWEST_NUMBER = """
SELECT sequence_number FROM audit_entries WHERE organization_id = :organization_id
ORDER BY sequence_number DESC LIMIT 1
"""


def newest(tx: Transaction, organization_id: str) -> Head:
    """Where the chain ends by its entries; the hash is '' where none can be read."""
    return _end(tx, organization_id, NEWEST, NEWEST_NUMBER)


GET = """
SELECT * FROM audit_entries WHERE organization_id = :organization_id AND sequence_number = :sequence_number
"""


def get(tx: Transaction, organization_id: str, sequence_number: int) -> Entry | Unreadable | None:
    """The entry of this number, or None."""
    try:
        row = tx.one(GET, organization_id=organization_id, sequence_number=sequence_number)
    except Undecodable:
        return Unreadable(sequence_number)
    return None if row is None else from_row(row)


STRETCH = """
SELECT * FROM audit_entries
WHERE organization_id = :organization_id AND sequence_number > :after AND sequence_number <= :last
ORDER BY sequence_number LIMIT :limit
"""


NUMBERS = """
SELECT sequence_number FROM audit_entries
WHERE organization_id = :organization_id AND sequence_number > :after AND sequence_number <= :last
ORDER BY sequence_number LIMIT :limit
"""


def stretch(
    tx: Transaction, organization_id: str, *, after: int, last: int, limit: int
) -> list[Entry | Unreadable]:
    """The entries behind `after` up to `last`, oldest first."""
    bounds = {"organization_id": organization_id, "after": after, "last": last, "limit": limit}
    try:
        return [from_row(row) for row in tx.all(STRETCH, **bounds)]
    except Undecodable:  # which does not tell where
        found = (get(tx, organization_id, row["sequence_number"]) for row in tx.all(NUMBERS, **bounds))
        return [one for one in found if one is not None]


# Only the filters that are asked for stand in a statement, so that each is answered by its own index.
def _where(event_type: bool, agent: bool) -> str:
    texts = ("event_type = :event_type" if event_type else "", "agent = :agent" if agent else "")
    return " AND ".join(["organization_id = :organization_id", *filter(None, texts)])


def page_sql(*, event_type: bool, agent: bool) -> str:
    """The statement that lists entries by these filters."""
    return (
        f"SELECT * FROM audit_entries WHERE {_where(event_type, agent)} "  # noqa: S608 - texts of this module
        "ORDER BY sequence_number DESC LIMIT :limit OFFSET :skip"
    )


def count_sql(*, event_type: bool, agent: bool) -> str:
    """The statement that counts entries by these filters."""
    where = _where(event_type, agent)
    return f"SELECT COUNT(*) AS entries FROM audit_entries WHERE {where}"  # noqa: S608 - texts of this module


def page(
    tx: Transaction,
    organization_id: str,
    *,
    event_type: str | None,
    agent_id: str | None,
    skip: int,
    limit: int,
) -> list[Entry]:
    """The organization's entries, newest first, without the first `skip`; a filter of None is none."""
    sql = page_sql(event_type=event_type is not None, agent=agent_id is not None)
    only = _only(event_type, agent_id)
    return [
        from_row(row) for row in tx.all(sql, organization_id=organization_id, skip=skip, limit=limit, **only)
    ]


def count(tx: Transaction, organization_id: str, *, event_type: str | None, agent_id: str | None) -> int:
    """How many entries of the organization pass the filters."""
    sql = count_sql(event_type=event_type is not None, agent=agent_id is not None)
    row = tx.one(sql, organization_id=organization_id, **_only(event_type, agent_id))
    return 0 if row is None else int(row["entries"])


def _only(event_type: str | None, agent_id: str | None) -> dict[str, str]:
    only = {"event_type": event_type, "agent": agent_id}
    return {name: value for name, value in only.items() if value is not None}
