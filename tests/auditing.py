"""Audit chains for tests: to write them, and to tamper with them behind the server's back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson

from precog.core import audit
from precog.core.ids import random_id
from precog.storage import organizations
from precog.storage.audit import Entry
from precog.storage.engine import Database, Transaction
from tests.conftest import NOW


def organization(db: Database) -> str:
    """A new organization's id."""
    id = random_id("org-")
    db.write(
        lambda tx: organizations.add(
            tx,
            id=id,
            name="Audited",
            plan="ENTERPRISE",
            agent_limit=None,
            impact_events_per_month=None,
            requests_per_minute=None,
            burst=None,
            created_at=NOW,
        )
    )
    return id


def write(db: Database, organization_id: str, count: int = 1, **facts: Any) -> None:
    """Append entries, each in a transaction of its own."""
    for number in range(count):
        db.write(
            audit.append,
            organization_id,
            **{"event_type": "agent.created", "now": NOW + number, "metadata": {"n": number}, **facts},
        )


def entries(db: Database, organization_id: str) -> list[Entry]:
    """The whole chain, oldest first."""
    found = db.read(audit.audit.stretch, organization_id, after=-(2**62), last=2**62, limit=10_000)
    return [entry for entry in found if isinstance(entry, Entry)]


def change(db: Database, sql: str, **params: Any) -> None:
    """Do something to the tables that no code of ours does."""
    db.write(lambda tx: tx.run(sql, **params))


def set_column(db: Database, organization_id: str, number: int, column: str, value: Any) -> None:
    """Alter one column of one entry."""
    change(
        db,
        f"UPDATE audit_entries SET {column} = :value"
        " WHERE organization_id = :id AND sequence_number = :number",
        id=organization_id,
        number=number,
        value=value,
    )


def remove(db: Database, organization_id: str, first: int, last: int) -> None:
    """Remove entries."""
    change(
        db,
        "DELETE FROM audit_entries WHERE organization_id = :id AND sequence_number BETWEEN :first AND :last",
        id=organization_id,
        first=first,
        last=last,
    )


def set_head(db: Database, organization_id: str, number: int, entry_hash: str) -> None:
    """Note another end of the chain."""
    change(
        db,
        "UPDATE audit_heads SET sequence_number = :number, entry_hash = :hash WHERE organization_id = :id",
        id=organization_id,
        number=number,
        hash=entry_hash,
    )


def forged(organization_id: str, number: int, previous_hash: str, event_type: str = "forged") -> Entry:
    """An entry that is whole by itself."""
    facts = {
        "id": "forged",
        "event_type": event_type,
        "agent_id": None,
        "session_id": None,
        "transaction_id": None,
        "metadata": "{}",
        "created_at": NOW,
    }
    return audit.sealed(organization_id, number, previous_hash, facts)


def put(db: Database, entry: Entry) -> None:
    """Put an entry into the table, and leave the end of the chain as it is noted."""
    db.write(_put, entry)


def _put(tx: Transaction, entry: Entry) -> None:
    head = audit.audit.head(tx, entry.organization_id)
    audit.audit.add(tx, entry)
    tx.run(audit.audit.SET_HEAD, organization_id=entry.organization_id, entry_hash=head.entry_hash)


def begin_anew(db: Database) -> None:
    """Forget every chain: what was written while the test was prepared is not its own."""
    for table in ("audit_entries", "audit_heads"):
        change(db, f"DELETE FROM {table}")


def told(db: Database, organization_id: str) -> list[tuple[str, dict[str, Any]]]:
    """What the chain tells, oldest first: event and metadata."""
    return [(entry.event_type, orjson.loads(entry.metadata)) for entry in entries(db, organization_id)]


def only_with(db: Database) -> Any:
    """Services of which nothing but the database is asked."""
    return SimpleNamespace(db=db)
