"""Full-text search: what is asked, which database's own answers, and how common each word is on both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from .engine import Transaction

ROWS_A_STATEMENT = 50

MOST_SEEN, MOST_RANKED = 15_000, 3_000
"""How many products with a question's words are looked at, and how many of those that its price lets through
are ranked, in the fixed order of the index: more share only words that tell hardly anything."""

# How much a word counts by where it stands; `bm25` and `ts_rank` both take them.
NAME_WEIGHT, ATTRIBUTES_WEIGHT, NOTES_WEIGHT = 1.0, 0.4, 0.2


@dataclass(frozen=True, slots=True)
class Entry:
    """What one product is found by: stems without anything but letters and digits, by field."""

    product: str
    name: Sequence[str]
    attributes: Sequence[str]
    notes: Sequence[str]
    price_e4: int
    currency: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for among the products that carry a catalogue's mark.

    A product must have one of `some`, all of `every`, and of none of `never` all; it ranks by `words`, whose
    values say how much each counts. `some` must not be empty. Of many it ranks the first.
    """

    mark: str
    words: Mapping[str, float]
    some: Sequence[str]
    every: Sequence[str]
    never: Sequence[Sequence[str]]
    most_e4: int
    currency: str | None
    limit: int


class Index(Protocol):
    """A database's own full-text index."""

    def put(self, tx: Transaction, mark: str, entries: Sequence[Entry]) -> None:
        """Have the products found by these entries and no others; no product may come twice."""

    def forget(self, tx: Transaction, product: str) -> None:
        """Have the product not be found any more."""

    def find(self, tx: Transaction, question: Question) -> list[str]:
        """The ids of the best products: by rank, then price, then id."""


def index_of(engine_name: str) -> Index:
    """The index of a kind of database."""
    if engine_name == "postgres":
        from .search_postgres import PostgresIndex

        return PostgresIndex()
    from .search_sqlite import SqliteIndex

    return SqliteIndex()


# --- in how many products a word stands


@cache
def count_sql(rows: int) -> str:
    """The statement that adds to the counts of so many words; the parameters of word n end in _n."""
    values = ", ".join(f"(:catalog, :word_{row}, :products_{row})" for row in range(rows))
    return f"""
INSERT INTO catalog_words (catalog, word, products) VALUES {values}
ON CONFLICT (catalog, word) DO UPDATE SET products = catalog_words.products + excluded.products
"""  # noqa: S608, of parameters alone


def count(tx: Transaction, catalog: str, changes: Mapping[str, int]) -> None:
    """Add to the numbers of the catalogue's products that have each word."""
    rows = sorted((word, change) for word, change in changes.items() if change)
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        part = rows[start : start + ROWS_A_STATEMENT]
        given = {f"word_{at}": word for at, (word, _) in enumerate(part)}
        given |= {f"products_{at}": change for at, (_, change) in enumerate(part)}  # type: ignore[misc]
        tx.run(count_sql(len(part)), catalog=catalog, **given)


@cache
def counts_sql(words: int) -> str:
    """The statement that reads the counts of so many words."""
    names = ", ".join(f":word_{index}" for index in range(words))
    return f"""
SELECT word, products FROM catalog_words WHERE catalog = :catalog AND word IN ({names}) AND products > 0
"""  # noqa: S608, of parameters alone


def counts(tx: Transaction, catalog: str, words: Sequence[str]) -> dict[str, int]:
    """How many of the catalogue's products have each word; those that none has are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(words), ROWS_A_STATEMENT):
        part = words[start : start + ROWS_A_STATEMENT]
        given = {f"word_{at}": word for at, word in enumerate(part)}
        rows = tx.all(counts_sql(len(part)), catalog=catalog, **given)
        found |= {row["word"]: row["products"] for row in rows}
    return found
