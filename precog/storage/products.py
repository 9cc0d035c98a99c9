"""The products of catalogues, one row a SKU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from .engine import Row, Transaction

ROWS_A_STATEMENT = 50


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product; `attributes` is a JSON object of texts, or None."""

    id: str
    catalog: str
    sku: str
    name: str
    price_e4: int
    currency: str
    url: str | None
    image_url: str | None
    notes: str | None
    attributes: str | None
    updated_at: int


_COLUMNS = ProductRow.__slots__


def from_row(row: Row) -> ProductRow:
    """The product in a row that has its columns."""
    return ProductRow(
        row["id"],
        row["catalog"],
        row["sku"],
        row["name"],
        row["price_e4"],
        row["currency"],
        row["url"],
        row["image_url"],
        row["notes"],
        row["attributes"],
        row["updated_at"],
    )


@cache
def put_sql(rows: int) -> str:
    """The statement that stores so many products; the parameters of row n end in _n."""
    values = ", ".join(f"(:{f'_{row}, :'.join(_COLUMNS)}_{row})" for row in range(rows))
    return f"""
INSERT INTO products ({", ".join(_COLUMNS)}) VALUES {values}
ON CONFLICT (catalog, sku) DO UPDATE
SET name = excluded.name, price_e4 = excluded.price_e4, currency = excluded.currency, url = excluded.url,
    image_url = excluded.image_url, notes = excluded.notes, attributes = excluded.attributes,
    updated_at = excluded.updated_at
"""  # noqa: S608, made of our own column names


def put(tx: Transaction, rows: Sequence[ProductRow]) -> None:
    """Store products, each in the place of what its catalogue had under its SKU; no SKU may come twice."""
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        part = rows[start : start + ROWS_A_STATEMENT]
        tx.run(
            put_sql(len(part)),
            **{f"{name}_{at}": getattr(row, name) for at, row in enumerate(part) for name in _COLUMNS},
        )


@cache
def by_ids_sql(count: int) -> str:
    """The statement that finds so many products by their ids."""
    ids = ", ".join(f":id_{index}" for index in range(count))
    return f"SELECT * FROM products WHERE id IN ({ids})"  # noqa: S608, of parameters alone


def by_ids(tx: Transaction, ids: Sequence[str]) -> list[ProductRow]:
    """The products that there are of these ids, in no order."""
    found: list[Row] = []
    for start in range(0, len(ids), ROWS_A_STATEMENT):
        part = ids[start : start + ROWS_A_STATEMENT]
        found += tx.all(by_ids_sql(len(part)), **{f"id_{at}": id for at, id in enumerate(part)})
    return [from_row(row) for row in found]


REMOVE = "DELETE FROM products WHERE id = :id"


def remove(tx: Transaction, id: str) -> None:
    """Take a product out of its catalogue; the conversions of it keep its id."""
    tx.run(REMOVE, id=id)


PAGE = "SELECT * FROM products WHERE catalog = :catalog AND sku > :after ORDER BY sku LIMIT :limit"


def page(tx: Transaction, catalog: str, *, after: str, limit: int) -> list[ProductRow]:
    """The catalogue's products by SKU, behind `after`."""
    return [from_row(row) for row in tx.all(PAGE, catalog=catalog, after=after, limit=limit)]


COUNT = "SELECT count(*) AS n FROM products WHERE catalog = :catalog"


def count(tx: Transaction, catalog: str) -> int:
    """How many products the catalogue has."""
    row = tx.one(COUNT, catalog=catalog)
    return 0 if row is None else int(row["n"])


def parameters(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The parameters of many rows in one statement: those of row n end in _n."""
    return {
        f"{name}_{at}": value for at, row in enumerate(rows) for name, value in zip(names, row, strict=True)
    }
