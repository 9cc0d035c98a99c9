"""Systems: the applications that an organization runs, and the versions of their policies."""

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


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One version of a system's policy: JSON, and the key that made it, None for the operator."""

    system_id: str
    version: int
    policy: str
    key_id: str | None
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


# A name may be another system's id; the id is then what is meant.
FIND = """
SELECT * FROM systems WHERE organization_id = :organization_id AND (id = :wanted OR name = :wanted)
ORDER BY CASE WHEN id = :wanted THEN 0 ELSE 1 END LIMIT 1
"""


def find(tx: Transaction, organization_id: str, wanted: str) -> System | None:
    """The organization's system with this id or name, or None."""
    row = tx.one(FIND, organization_id=organization_id, wanted=wanted)
    return None if row is None else from_row(row)


GET = "SELECT * FROM systems WHERE id = :id"


def get(tx: Transaction, id: str) -> System | None:
    """The system of this id, whosever it is, or None."""
    row = tx.one(GET, id=id)
    return None if row is None else from_row(row)


PAGE = """
SELECT * FROM systems WHERE organization_id = :organization_id AND name > :after ORDER BY name LIMIT :limit
"""


def page(tx: Transaction, organization_id: str, *, after: str, limit: int) -> list[System]:
    """The organization's systems by name, behind `after`."""
    rows = tx.all(PAGE, organization_id=organization_id, after=after, limit=limit)
    return [from_row(row) for row in rows]


ADD_POLICY = """
INSERT INTO system_policies (system_id, version, policy, key_id, created_at)
VALUES (:system_id, :version, :policy, :key_id, :created_at)
ON CONFLICT (system_id, version) DO NOTHING
RETURNING version
"""


def add_policy(tx: Transaction, row: PolicyRow) -> bool:
    """Store a version of a policy; False when there is one of that number."""
    added = tx.one(
        ADD_POLICY,
        system_id=row.system_id,
        version=row.version,
        policy=row.policy,
        key_id=row.key_id,
        created_at=row.created_at,
    )
    return added is not None


LATEST_POLICY = """
SELECT * FROM system_policies WHERE system_id = :system_id ORDER BY version DESC LIMIT 1
"""


def latest_policy(tx: Transaction, system_id: str) -> PolicyRow | None:
    """The newest version of the system's policy, or None when it was never changed."""
    row = tx.one(LATEST_POLICY, system_id=system_id)
    return None if row is None else _policy(row)


POLICY = "SELECT * FROM system_policies WHERE system_id = :system_id AND version = :version"


def policy(tx: Transaction, system_id: str, version: int) -> PolicyRow | None:
    """One version of the system's policy, or None."""
    row = tx.one(POLICY, system_id=system_id, version=version)
    return None if row is None else _policy(row)


POLICIES = """
SELECT * FROM system_policies WHERE system_id = :system_id AND version < :before
ORDER BY version DESC LIMIT :limit
"""


def policies(tx: Transaction, system_id: str, *, before: int, limit: int) -> list[PolicyRow]:
    """Versions of the system's policy below `before`, newest first."""
    return [_policy(row) for row in tx.all(POLICIES, system_id=system_id, before=before, limit=limit)]


def _policy(row: Row) -> PolicyRow:
    return PolicyRow(row["system_id"], row["version"], row["policy"], row["key_id"], row["created_at"])
