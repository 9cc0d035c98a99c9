"""Full-text search by PostgreSQL's own, each word weighted by how rare it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from .engine import Transaction
from .search import ATTRIBUTES_WEIGHT, MOST_RANKED, NAME_WEIGHT, NOTES_WEIGHT, Entry, Question

ROWS_A_STATEMENT = 50
FORGET = "DELETE FROM product_search WHERE product = :product"


@cache
def put_sql(rows: int) -> str:
    """The statement that stores so many entries; the parameters of row n end in _n."""
    values = ", ".join(
        f"(:product_{row}, CAST(:words_{row} AS tsvector), :price_e4_{row}, :currency_{row})"
        for row in range(rows)
    )
    return f"""
INSERT INTO product_search (product, words, price_e4, currency) VALUES {values}
ON CONFLICT (product) DO UPDATE
SET words = excluded.words, price_e4 = excluded.price_e4, currency = excluded.currency
"""  # noqa: S608, of parameters alone


# ts_rank knows of no rarity, so each word is ranked by itself and counts as much as it is rare; the 1
# has long texts count less, as BM25 does.
_WEIGHTS = f"'{{0, {NOTES_WEIGHT}, {ATTRIBUTES_WEIGHT}, {NAME_WEIGHT}}}'"
FIND = f"""
SELECT product FROM (
    SELECT product, price_e4, (
        SELECT sum(word.worth * ts_rank({_WEIGHTS}, words, word.query, 1))
        FROM unnest(CAST(:queries AS tsquery[]), CAST(:worths AS double precision[])) AS word (query, worth)
    ) AS score
    FROM (
        SELECT product, price_e4, words FROM product_search
        WHERE words @@ CAST(:eligible AS tsquery) AND price_e4 <= :most_e4
          AND (CAST(:currency AS TEXT) IS NULL OR currency = :currency)
        LIMIT :most_ranked
    ) AS fitting
) AS ranked
ORDER BY score DESC, price_e4, product COLLATE "C"
LIMIT :limit
"""  # noqa: S608, of our own numbers


class PostgresIndex:
    """The table `product_search`, whose `words` is a tsvector."""

    def put(self, tx: Transaction, mark: str, entries: Sequence[Entry]) -> None:
        """Have the products found by these entries and no others."""
        for start in range(0, len(entries), ROWS_A_STATEMENT):
            part = entries[start : start + ROWS_A_STATEMENT]
            given: dict[str, str | int] = {}
            for at, entry in enumerate(part):
                given |= {
                    f"product_{at}": entry.product,
                    f"words_{at}": _vector(mark, entry),
                    f"price_e4_{at}": entry.price_e4,
                    f"currency_{at}": entry.currency,
                }
            tx.run(put_sql(len(part)), **given)

    def forget(self, tx: Transaction, product: str) -> None:
        """Have the product not be found any more."""
        tx.run(FORGET, product=product)

    def find(self, tx: Transaction, question: Question) -> list[str]:
        """The ids of the best products: by rank, then price, then id."""
        rows = tx.all(
            FIND,
            queries=_quoted(question.mark, question.words),
            worths=list(question.words.values()),
            eligible=_eligible(question),
            most_e4=question.most_e4,
            currency=question.currency,
            most_ranked=MOST_RANKED,
            limit=question.limit,
        )
        return [row["product"] for row in rows]


def _vector(mark: str, entry: Entry) -> str:
    """The entry as a tsvector is written: each word with its places and their weights."""
    places: dict[str, list[str]] = defaultdict(list)
    place = 0
    for words, weight in ((entry.name, "A"), (entry.attributes, "B"), (entry.notes, "C")):
        for word in words:
            place += 1
            places[word].append(f"{place}{weight}")
    return " ".join(f"'{mark}{word}':{','.join(found)}" for word, found in places.items())


def _quoted(mark: str, words: Iterable[str]) -> list[str]:
    return [f"'{mark}{word}'" for word in words]


def _eligible(question: Question) -> str:
    mark = question.mark
    parts = [f"({' | '.join(_quoted(mark, question.some))})", *_quoted(mark, question.every)]
    parts += [f"!({' & '.join(_quoted(mark, words))})" for words in question.never]
    return " & ".join(parts)
