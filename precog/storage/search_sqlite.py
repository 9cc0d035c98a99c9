"""Full-text search by SQLite's FTS5, each word weighted by how rare it is in its catalogue."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence

from .engine import Row, Transaction
from .search import ATTRIBUTES_WEIGHT, MOST_RANKED, MOST_SEEN, NAME_WEIGHT, NOTES_WEIGHT, Entry, Question

_WEIGHTS = (("name", NAME_WEIGHT), ("attributes", ATTRIBUTES_WEIGHT), ("notes", NOTES_WEIGHT))

FORGET = "DELETE FROM product_search WHERE rowid = :number"

ADD = """
INSERT INTO product_search (rowid, words, name, attributes, notes, product, price_e4, currency)
VALUES (:number, :words, :name, :attributes, :notes, :product, :price_e4, :currency)
"""

# Ranked elsewhere: what bm25 counts would be of all catalogues, and it reads every row of a common word.
FIND = """
SELECT product, price_e4, name, attributes, notes FROM (
    SELECT product, price_e4, currency, name, attributes, notes FROM product_search
    WHERE product_search MATCH :question LIMIT :most_seen
) AS seen
WHERE price_e4 <= :most_e4 AND (:currency IS NULL OR currency = :currency)
LIMIT :most_ranked
"""


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

    def forget(self, tx: Transaction, product: str) -> None:
        """Have the product not be found any more."""
        tx.run(FORGET, number=_number(product))

    def find(self, tx: Transaction, question: Question) -> list[str]:
        """The ids of the best products: by rank, then price, then id."""
        rows = tx.all(
            FIND,
            question=f"words : {_eligible(question)}",
            most_e4=question.most_e4,
            currency=question.currency,
            most_seen=MOST_SEEN,
            most_ranked=MOST_RANKED,
        )
        worths = {question.mark + word: worth for word, worth in question.words.items()}
        wanted = frozenset(worths)
        ranked = ((-_score(row, wanted, worths), row["price_e4"], row["product"]) for row in rows)
        return [product for _, _, product in heapq.nsmallest(question.limit, ranked)]


def _score(row: Row, wanted: frozenset[str], worths: Mapping[str, float]) -> float:
    score = 0.0
    for field, weight in _WEIGHTS:
        words = row[field].split()
        if found := wanted.intersection(words):
            # In a long text a word counts less, and fsum has equal products equal to the last bit.
            score += weight / (1 + math.log1p(len(words))) * math.fsum(worths[word] for word in found)
    return score


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
