"""Systems: the applications that an organization runs."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class System:
    """One application of an organization."""

    id: str
    organization_id: str
    name: str
    created_at: int


def from_row(row: Row) -> System:
    """The system in a row that has its columns."""
    return System(row["id"], row["organization_id"], row["name"], row["created_at"])


ADD = """
INSERT INTO systems (id, organization_id, name, created_at) VALUES (:id, :organization_id, :name, :created_at)
ON CONFLICT (organization_id, name) DO NOTHING
RETURNING id
"""


def add(tx: Transaction, *, id: str, organization_id: str, name: str, created_at: int) -> bool:
    """Store a new system; False when the organization has one of that name."""
    row = tx.one(ADD, id=id, organization_id=organization_id, name=name, created_at=created_at)
    return row is not None


FIND = "SELECT * FROM systems WHERE organization_id = :organization_id AND (id = :wanted OR name = :wanted)"


def find(tx: Transaction, organization_id: str, wanted: str) -> System | None:
    """The organization's system with this id or name, or None."""
    row = tx.one(FIND, organization_id=organization_id, wanted=wanted)
    return None if row is None else from_row(row)
