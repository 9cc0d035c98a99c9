"""Catalogues: what each recommending agent is called and what its operator vouches for."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One catalogue; `claims` is JSON, or None where nothing is vouched for."""

    slug: str
    organization_id: str
    name: str
    business: str
    description: str | None
    industry: str | None
    claims: str | None
    created_at: int
    updated_at: int
    removed_at: int | None


def from_row(row: Row) -> CatalogRow:
    """The catalogue in a row that has its columns."""
    return CatalogRow(
        row["slug"],
        row["organization_id"],
        row["name"],
        row["business"],
        row["description"],
        row["industry"],
        row["claims"],
        row["created_at"],
        row["updated_at"],
        row["removed_at"],
    )


# A removed catalogue keeps its slug for its organization, and comes back under it.
ADD = """
INSERT INTO catalogs
    (slug, organization_id, name, business, description, industry, claims, created_at, updated_at)
VALUES (:slug, :organization_id, :name, :business, :description, :industry, :claims, :now, :now)
ON CONFLICT (slug) DO UPDATE
SET name = excluded.name, business = excluded.business, description = excluded.description,
    industry = excluded.industry, claims = excluded.claims, updated_at = excluded.updated_at,
    removed_at = NULL
WHERE catalogs.removed_at IS NOT NULL AND catalogs.organization_id = excluded.organization_id
RETURNING *
"""


def add(
    tx: Transaction,
    *,
    slug: str,
    organization_id: str,
    name: str,
    business: str,
    description: str | None,
    industry: str | None,
    claims: str | None,
    now: int,
) -> CatalogRow | None:
    """Store a catalogue, or bring back the organization's removed one; None when the slug is taken."""
    row = tx.one(
        ADD,
        slug=slug,
        organization_id=organization_id,
        name=name,
        business=business,
        description=description,
        industry=industry,
        claims=claims,
        now=now,
    )
    return None if row is None else from_row(row)


LIVE = "SELECT * FROM catalogs WHERE slug = :slug AND removed_at IS NULL"


def live(tx: Transaction, slug: str) -> CatalogRow | None:
    """The catalogue of this slug, whosever it is, unless it was removed."""
    row = tx.one(LIVE, slug=slug)
    return None if row is None else from_row(row)


OWN = "SELECT * FROM catalogs WHERE slug = :slug AND organization_id = :organization_id"


def own(tx: Transaction, organization_id: str, slug: str) -> CatalogRow | None:
    """The organization's catalogue of this slug, removed or not, or None."""
    row = tx.one(OWN, organization_id=organization_id, slug=slug)
    return None if row is None else from_row(row)


PAGE = """
SELECT * FROM catalogs WHERE organization_id = :organization_id AND slug > :after ORDER BY slug LIMIT :limit
"""


def page(tx: Transaction, organization_id: str, *, after: str, limit: int) -> list[CatalogRow]:
    """The organization's catalogues by slug, behind `after`, removed ones too."""
    rows = tx.all(PAGE, organization_id=organization_id, after=after, limit=limit)
    return [from_row(row) for row in rows]


ALL_LIVE = "SELECT * FROM catalogs WHERE removed_at IS NULL AND slug > :after ORDER BY slug LIMIT :limit"


def all_live(tx: Transaction, *, after: str, limit: int) -> list[CatalogRow]:
    """Everybody's catalogues that are not removed, by slug, behind `after`."""
    return [from_row(row) for row in tx.all(ALL_LIVE, after=after, limit=limit)]


CHANGE = """
UPDATE catalogs
SET name = :name, business = :business, description = :description, industry = :industry, claims = :claims,
    updated_at = :now
WHERE slug = :slug AND organization_id = :organization_id AND removed_at IS NULL
"""


def change(tx: Transaction, row: CatalogRow, *, now: int) -> bool:
    """Store what the row says of its catalogue; False when it was removed."""
    changed = tx.run(
        CHANGE,
        slug=row.slug,
        organization_id=row.organization_id,
        name=row.name,
        business=row.business,
        description=row.description,
        industry=row.industry,
        claims=row.claims,
        now=now,
    )
    return changed == 1


LOCK = """
UPDATE catalogs SET updated_at = :now
WHERE slug = :slug AND organization_id = :organization_id AND removed_at IS NULL
RETURNING *
"""


def lock(tx: Transaction, organization_id: str, slug: str, *, now: int) -> CatalogRow | None:
    """The organization's catalogue, which nobody else changes until the end of the transaction; None when
    there is none or it was removed."""
    row = tx.one(LOCK, organization_id=organization_id, slug=slug, now=now)
    return None if row is None else from_row(row)


REMOVE = """
UPDATE catalogs SET removed_at = :now
WHERE slug = :slug AND organization_id = :organization_id AND removed_at IS NULL
"""


def remove(tx: Transaction, organization_id: str, slug: str, *, now: int) -> bool:
    """Take the catalogue off the public side; False when it was not there."""
    return tx.run(REMOVE, organization_id=organization_id, slug=slug, now=now) == 1
