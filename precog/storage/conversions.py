"""Conversions, one row a product, session and sender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class Conversion:
    """Something that was bought; money in ten-thousandths, `revenue_share_e2` in percent x 100.

    `caller_agent_id` is the caller's id, or `agent:` and what the sender called itself, or '' when that is
    nothing.
    """

    id: str
    organization_id: str
    catalog: str
    session_id: str
    product_id: str
    caller_agent_id: str
    caller_id: str | None
    value_e4: int
    currency: str
    tier: str
    revenue_share_e2: int | None
    share_e4: int | None
    created_at: int


def _from_row(row: Row) -> Conversion:
    return Conversion(
        row["id"],
        row["organization_id"],
        row["catalog"],
        row["session_id"],
        row["product_id"],
        row["caller_agent_id"],
        row["caller_id"],
        row["value_e4"],
        row["currency"],
        row["tier"],
        row["revenue_share_e2"],
        row["share_e4"],
        row["created_at"],
    )


# Whether there is such a product, whose it is, and whether it was told before: one statement decides it all.
ADD = """
INSERT INTO conversions (id, organization_id, catalog, session_id, product_id, caller_agent_id, caller_id,
                         value_e4, currency, tier, revenue_share_e2, share_e4, created_at)
SELECT CAST(:id AS TEXT), catalogs.organization_id, catalogs.slug, CAST(:session_id AS TEXT), products.id,
       CAST(:caller_agent_id AS TEXT), CAST(:caller_id AS TEXT), CAST(:value_e4 AS BIGINT),
       CAST(:currency AS TEXT), CAST(:tier AS TEXT),
       CASE WHEN catalogs.organization_id = :granted_by THEN CAST(:revenue_share_e2 AS BIGINT) END,
       CASE WHEN catalogs.organization_id = :granted_by THEN CAST(:share_e4 AS BIGINT) END,
       CAST(:created_at AS BIGINT)
FROM products JOIN catalogs ON catalogs.slug = products.catalog
WHERE products.id = :product_id AND catalogs.slug = :catalog
ON CONFLICT (session_id, product_id, caller_agent_id) DO NOTHING
RETURNING id
"""


def add(
    tx: Transaction,
    *,
    id: str,
    catalog: str,
    session_id: str,
    product_id: str,
    caller_agent_id: str,
    caller_id: str | None,
    value_e4: int,
    currency: str,
    tier: str,
    granted_by: str | None,
    revenue_share_e2: int | None,
    share_e4: int | None,
    created_at: int,
) -> bool:
    """Store the conversion; False when it was told before, or the catalogue has no such product.

    The share is kept when the catalogue belongs to `granted_by`, the organization that granted it. A
    catalogue that was removed has its products still: what it recommended before may be sold after.
    """
    row = tx.one(
        ADD,
        id=id,
        catalog=catalog,
        session_id=session_id,
        product_id=product_id,
        caller_agent_id=caller_agent_id,
        caller_id=caller_id,
        value_e4=value_e4,
        currency=currency,
        tier=tier,
        granted_by=granted_by,
        revenue_share_e2=revenue_share_e2,
        share_e4=share_e4,
        created_at=created_at,
    )
    return row is not None


FIRST = """
SELECT id FROM conversions
WHERE session_id = :session_id AND product_id = :product_id AND caller_agent_id = :caller_agent_id
  AND catalog = :catalog
"""


def first(
    tx: Transaction, *, catalog: str, session_id: str, product_id: str, caller_agent_id: str
) -> str | None:
    """The id of what was told first, or None."""
    row = tx.one(
        FIRST,
        catalog=catalog,
        session_id=session_id,
        product_id=product_id,
        caller_agent_id=caller_agent_id,
    )
    return None if row is None else str(row["id"])


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversions are meant; None does not filter. Ids order by time."""

    caller_id: str | None = None
    catalog: str | None = None
    product_id: str | None = None
    from_id: str | None = None
    before_id: str | None = None


# One text a filter, so that each is answered by its own index.
_FILTERS = {
    "caller_id": "AND caller_id = :caller_id",
    "catalog": "AND catalog = :catalog",
    "product_id": "AND product_id = :product_id",
    "from_id": "AND id >= :from_id",
    "before_id": "AND id < :before_id",
}

_PAGE = """
SELECT * FROM conversions WHERE organization_id = :organization_id {filters} ORDER BY id DESC LIMIT :limit
"""


def page(tx: Transaction, organization_id: str, only: Filter, *, limit: int) -> list[Conversion]:
    """The organization's conversions that pass the filter, newest first."""
    filters, wanted = _where(only)
    rows = tx.all(_PAGE.format(filters=filters), organization_id=organization_id, limit=limit, **wanted)
    return [_from_row(row) for row in rows]


def _where(only: Filter) -> tuple[str, dict[str, Any]]:
    wanted = {name: getattr(only, name) for name in _FILTERS if getattr(only, name) is not None}
    return " ".join(_FILTERS[name] for name in wanted), wanted


@dataclass(frozen=True, slots=True)
class Total:
    """What one group has in one currency; `group` is '' where there is no caller, and when all are one.

    What registered callers told with their keys is `attributed`; the rest nobody answers for, and is apart.
    """

    group: str
    currency: str
    attributed: bool
    conversions: int
    value_e4: int
    share_e4: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The total after which a page of them begins; without fields, the first page."""

    group: str = ""
    currency: str = ""
    attributed: bool = True


# A day is that of created_at, UTC, counted from 1970 and written with five digits, so that it sorts as text.
# With `|| ''` SQLite does not take the page's beginning for a reason to use another index than the filter's.
_GROUPS = {
    "all": "''",
    "caller": "COALESCE(caller_id, '')",
    "agent": "catalog || ''",
    "product": "product_id || ''",
    "day": "CAST(created_at / 86400000 AS TEXT)",
}
GROUPS = tuple(_GROUPS)

# SQLite's sums have 63 bits, which a thousand of the largest amounts would fill: halves do not.
_HALF = 10**8
_TOTALS = """
SELECT * FROM (
    SELECT {group} AS grouped, currency, CASE WHEN caller_id IS NULL THEN 1 ELSE 0 END AS unattributed,
           COUNT(*) AS conversions, SUM(value_e4 / {half}) AS value_high, SUM(value_e4 % {half}) AS value_low,
           SUM(COALESCE(share_e4, 0) / {half}) AS share_high, SUM(COALESCE(share_e4, 0) % {half}) AS share_low
    FROM conversions WHERE organization_id = :organization_id {filters}
    GROUP BY grouped, currency, unattributed
) AS totals
WHERE grouped > :after_group OR (grouped = :after_group AND (
    currency > :after_currency OR (currency = :after_currency AND unattributed > :after_unattributed)))
ORDER BY grouped, currency, unattributed LIMIT :limit
"""


def totals(
    tx: Transaction,
    organization_id: str,
    only: Filter,
    *,
    by: str,
    after: Behind,
    limit: int,
) -> list[Total]:
    """Counts and sums of what passes the filter, by group, currency and attribution, behind `after`."""
    filters, wanted = _where(only)
    sql = _TOTALS.format(group=_GROUPS[by], half=_HALF, filters=filters)
    rows = tx.all(
        sql,
        organization_id=organization_id,
        after_group=after.group,
        after_currency=after.currency,
        after_unattributed=0 if after.attributed else 1,
        limit=limit,
        **wanted,
    )
    return list(_totals(rows))


def _totals(rows: Any) -> Iterator[Total]:
    for row in rows:
        # PostgreSQL sums whole numbers to a decimal.
        value = int(row["value_high"]) * _HALF + int(row["value_low"])
        share = int(row["share_high"]) * _HALF + int(row["share_low"])
        attributed = row["unattributed"] == 0
        yield Total(row["grouped"], row["currency"], attributed, row["conversions"], value, share)
