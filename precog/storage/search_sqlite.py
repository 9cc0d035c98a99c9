"""Full-text search by SQLite's FTS5, ranked by BM25."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .engine import Transaction
from .search import ATTRIBUTES_WEIGHT, NAME_WEIGHT, NOTES_WEIGHT, Entry, Question

FORGET = "DELETE FROM product_search WHERE rowid = :number"

ADD = """
INSERT INTO product_search (rowid, words, name, attributes, notes, product, price_e4, currency)
VALUES (:number, :words, :name, :attributes, :notes, :product, :price_e4, :currency)
"""

# One question to the index, so that of a common word it looks only where a rarer one is.
FIND = f"""
SELECT product FROM product_search
WHERE product_search MATCH :question AND price_e4 <= :most_e4 AND (:currency IS NULL OR currency = :currency)
ORDER BY bm25(product_search, 0, {NAME_WEIGHT}, {ATTRIBUTES_WEIGHT}, {NOTES_WEIGHT}), price_e4, product
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
                words=_text(mark, dict.fromkeys((*entry.name, *entry.attributes, *entry.notes))),
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
            question=f"words : ({_eligible(question)}) AND ({_any(question.mark, question.words)})",
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
    parts = [f"({_any(mark, question.some)})", *_all_quoted(mark, question.every)]
    # One NOT of all: each of its own would nest them deeper than FTS5 reads.
    excluded = " OR ".join(f"({' AND '.join(_all_quoted(mark, words))})" for words in question.never)
    return f"({' AND '.join(parts)})" + (f" NOT ({excluded})" if excluded else "")
