"""Full-text search by SQLite's FTS5, ranked by BM25."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .engine import Transaction
from .search import ATTRIBUTES_WEIGHT, NAME_WEIGHT, NOTES_WEIGHT, Entry, Question

FORGET = "DELETE FROM product_search WHERE rowid = :number"

ADD = """
INSERT INTO product_search (rowid, name, attributes, notes, product, price_e4, currency)
VALUES (:number, :name, :attributes, :notes, :product, :price_e4, :currency)
"""

# Who may be found is settled first: a score costs ten times what a match does. The plus sign keeps SQLite
# from asking the index once for each of them.
FIND = f"""
WITH eligible (number) AS MATERIALIZED (
    SELECT rowid FROM product_search
    WHERE product_search MATCH :eligible AND price_e4 <= :most_e4
      AND (:currency IS NULL OR currency = :currency)
)
SELECT product FROM product_search
WHERE product_search MATCH :words AND +rowid IN (SELECT number FROM eligible)
ORDER BY bm25(product_search, {NAME_WEIGHT}, {ATTRIBUTES_WEIGHT}, {NOTES_WEIGHT}), price_e4, product
LIMIT :limit
"""  # noqa: S608, of our own numbers


class SqliteIndex:
    """The FTS5 table `product_search`."""

    def put(self, tx: Transaction, mark: str, entries: Sequence[Entry]) -> None:
        """Have the products found by these entries and no others."""
        for entry in entries:
            number = _number(entry.product)
            tx.run(FORGET, number=number)
            tx.run(
                ADD,
                number=number,
                name=_text(mark, entry.name),
                attributes=_text(mark, entry.attributes),
                notes=_text(mark, entry.notes),
                product=entry.product,
                price_e4=entry.price_e4,
                currency=entry.currency,
            )

    def find(self, tx: Transaction, question: Question) -> list[str]:
        """The ids of the best products: by rank, then price, then id."""
        rows = tx.all(
            FIND,
            eligible=_eligible(question),
            words=_any(question.mark, question.words),
            most_e4=question.most_e4,
            currency=question.currency,
            limit=question.limit,
        )
        return [row["product"] for row in rows]


def _number(product: str) -> int:
    # 60 bits of the id's hash, since a rowid is a number of 63.
    return int(product[-15:], 16)


def _text(mark: str, words: Iterable[str]) -> str:
    return " ".join(mark + word for word in words)


def _any(mark: str, words: Iterable[str]) -> str:
    return " OR ".join(_all_quoted(mark, words))


def _all_quoted(mark: str, words: Iterable[str]) -> list[str]:
    return [f'"{mark}{word}"' for word in words]


def _eligible(question: Question) -> str:
    mark = question.mark
    found = f"({_any(mark, question.some)})"
    for word in _all_quoted(mark, question.every):
        found = f"({found} AND {word})"
    for words in question.never:
        found = f"({found} NOT ({' AND '.join(_all_quoted(mark, words))}))"
    return found
