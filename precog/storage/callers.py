"""Outside agents that registered themselves, and the tiers that they were given."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class OutsideCaller:
    """One registered outside agent; `revenue_share_e2` is percent x 100, and a partner's alone."""

    id: str
    organization_id: str
    name: str
    contact_email: str | None
    description: str | None
    key_display: str
    tier: str
    revenue_share_e2: int | None
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A tier that a caller was given; by a key, or by the operator when that is None."""

    caller_id: str
    id: int
    tier: str
    revenue_share_e2: int | None
    granted_at: int
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """What a request must know of the caller behind its key."""

    id: str
    tier: str


def from_row(row: Row) -> OutsideCaller:
    """The caller in a row that has its columns."""
    return OutsideCaller(
        row["id"],
        row["organization_id"],
        row["name"],
        row["contact_email"],
        row["description"],
        row["key_display"],
        row["tier"],
        row["revenue_share_e2"],
        row["created_at"],
        row["revoked_at"],
    )


ADD = """
INSERT INTO callers (id, organization_id, name, contact_email, description, key_display, key_digest, tier,
                     revenue_share_e2, created_at, revoked_at)
VALUES (:id, :organization_id, :name, :contact_email, :description, :key_display, :key_digest, :tier,
        :revenue_share_e2, :created_at, :revoked_at)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""


def add(tx: Transaction, caller: OutsideCaller, *, key_digest: str) -> bool:
    """Store a new caller; False when another has its id."""
    row = tx.one(
        ADD,
        id=caller.id,
        organization_id=caller.organization_id,
        name=caller.name,
        contact_email=caller.contact_email,
        description=caller.description,
        key_display=caller.key_display,
        key_digest=key_digest,
        tier=caller.tier,
        revenue_share_e2=caller.revenue_share_e2,
        created_at=caller.created_at,
        revoked_at=caller.revoked_at,
    )
    return row is not None


BY_KEY = "SELECT id, tier FROM callers WHERE key_digest = :key_digest AND revoked_at IS NULL"


def by_key(tx: Transaction, key_digest: str) -> Live | None:
    """The caller whose key has this digest, unless it is revoked."""
    row = tx.one(BY_KEY, key_digest=key_digest)
    return None if row is None else Live(row["id"], row["tier"])


GET = "SELECT * FROM callers WHERE id = :id"


def get(tx: Transaction, id: str) -> OutsideCaller | None:
    """The caller of this id, revoked or not, or None."""
    row = tx.one(GET, id=id)
    return None if row is None else from_row(row)


PAGE = """
SELECT * FROM callers WHERE organization_id = :organization_id AND id > :after ORDER BY id LIMIT :limit
"""


def page(tx: Transaction, organization_id: str, *, after: str, limit: int) -> list[OutsideCaller]:
    """The organization's callers by id, behind `after`."""
    rows = tx.all(PAGE, organization_id=organization_id, after=after, limit=limit)
    return [from_row(row) for row in rows]


LOCK = "UPDATE callers SET tier = tier WHERE id = :id AND revoked_at IS NULL RETURNING *"


def lock(tx: Transaction, id: str) -> OutsideCaller | None:
    """The caller, which no other transaction changes until the end of this one; None when it is revoked."""
    row = tx.one(LOCK, id=id)
    return None if row is None else from_row(row)


SET_TIER = """
UPDATE callers SET tier = :tier, revenue_share_e2 = :revenue_share_e2
WHERE id = :id
"""


def set_tier(tx: Transaction, id: str, *, tier: str, revenue_share_e2: int | None) -> None:
    """Change the tier of a caller that this transaction has locked."""
    tx.run(SET_TIER, id=id, tier=tier, revenue_share_e2=revenue_share_e2)


# Numbered by how many there are: whoever adds one has the caller's row locked.
ADD_GRANT = """
INSERT INTO caller_grants (caller_id, id, tier, revenue_share_e2, granted_at, key_id)
SELECT CAST(:caller_id AS TEXT), COUNT(*) + 1, CAST(:tier AS TEXT), CAST(:revenue_share_e2 AS BIGINT),
       CAST(:granted_at AS BIGINT), CAST(:key_id AS TEXT)
FROM caller_grants WHERE caller_id = :caller_id
"""


def add_grant(
    tx: Transaction,
    caller_id: str,
    *,
    tier: str,
    revenue_share_e2: int | None,
    granted_at: int,
    key_id: str | None,
) -> None:
    """Add to the history of a caller whose row this transaction has locked."""
    tx.run(
        ADD_GRANT,
        caller_id=caller_id,
        tier=tier,
        revenue_share_e2=revenue_share_e2,
        granted_at=granted_at,
        key_id=key_id,
    )


GRANTS = "SELECT * FROM caller_grants WHERE caller_id = :caller_id ORDER BY id DESC LIMIT :limit"


def grants(tx: Transaction, caller_id: str, *, limit: int) -> list[Grant]:
    """The tiers that the caller was given, newest first."""
    return [_grant(row) for row in tx.all(GRANTS, caller_id=caller_id, limit=limit)]


def _grant(row: Row) -> Grant:
    return Grant(
        row["caller_id"],
        row["id"],
        row["tier"],
        row["revenue_share_e2"],
        row["granted_at"],
        row["key_id"],
    )


REVOKE = "UPDATE callers SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL"


def revoke(tx: Transaction, id: str, *, now: int) -> bool:
    """Refuse the caller's key from now on; False when nothing changed."""
    return tx.run(REVOKE, id=id, now=now) > 0
