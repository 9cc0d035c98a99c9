"""Ranks a catalogue's products by what a buyer wants, and says why each fits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import NotFound
from ..storage import catalogs, products, search
from ..storage.engine import Transaction
from ..storage.search import Index, Question
from . import pitch
from . import product as one_product
from .catalogs import ALL_PRODUCTS, Catalog, from_row, is_slug, mark
from .constraints import Constraints, understood
from .pitch import B2C, Pitch
from .product import Listed, Product
from .reasons import Asked, reasoning, why
from .services import Services
from .words import first, said

MOST_WORDS = 64
ENOUGH = 3_000
"""A search begins with the goal's rarest words, as many as so many products have, and takes all words only
when those found too few."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants; the budget is in ten-thousandths of whatever currency a product is priced in."""

    goal: str
    budget_e4: int | None = None
    constraints: Sequence[str] = ()
    limit: int = 5
    mode: str = B2C


@dataclass(frozen=True, slots=True)
class Pick:
    """A product that fits, and why."""

    id: str
    product: Product
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The best products first; none when nothing fits."""

    catalog: Catalog
    picks: tuple[Pick, ...]
    reasoning: str
    pitch: Pitch


def recommend(services: Services, slug: str, wish: Wish) -> Recommendation:
    """The products of a catalogue that fit a wish. Raises NotFound."""
    goal = said(wish.goal, runs=True)
    held = understood(wish.constraints, budget_e4=wish.budget_e4, denied=goal.denied[:MOST_WORDS])
    words = first([*goal.has.items(), *goal.free.items()], most=MOST_WORDS)
    index = search.index_of(services.db.name)
    catalog, found, counts = services.db.read(_find, index, slug, list(words), held, wish.limit)
    asked = Asked(words, held, frozenset(counts))
    picks = tuple(Pick(one.id, one.product, why(asked, one.product)) for one in found)
    return Recommendation(catalog, picks, reasoning(asked, catalog, len(picks)), pitch.of(catalog, wish.mode))


def _find(
    tx: Transaction, index: Index, slug: str, words: Sequence[str], held: Constraints, limit: int
) -> tuple[Catalog, list[Listed], Mapping[str, int]]:
    row = catalogs.live(tx, slug) if is_slug(slug) else None
    if row is None:
        raise NotFound("agent")
    constrained = {word for phrase in held.never for word in phrase} | set(held.every)
    counts = search.counts(tx, slug, [ALL_PRODUCTS, *{*words, *constrained}])
    ids: list[str] = []
    for question in _questions(slug, words, held, counts, limit):
        more = index.find(tx, question)
        # Of very many the index ranks some alone, perhaps not those that the rarest words found.
        ids = ([id for id in ids if id not in more] + more)[:limit]
        if len(ids) == limit:
            break
    found = {listed.id: listed for listed in map(one_product.from_row, products.by_ids(tx, ids))}
    return from_row(row), [found[id] for id in ids if id in found], counts


def _questions(
    slug: str, words: Sequence[str], held: Constraints, counts: Mapping[str, int], limit: int
) -> list[Question]:
    """What to look for: first by the rarest words, then by all; nothing when nothing can fit."""
    known = sorted((word for word in words if word in counts), key=lambda word: (counts[word], word))
    if not known or len(held.currencies) > 1 or any(word not in counts for word in held.every):
        return []
    few = any(counts[word] <= ENOUGH for word in held.every)  # then those bound the search by themselves
    starts = [known] if few else _starts(known, counts)
    total = counts.get(ALL_PRODUCTS, 0)
    return [
        Question(
            mark=mark(slug),
            words={word: _worth(counts[word], total) for word in known},
            some=some,
            every=held.every,
            never=[phrase for phrase in held.never if all(word in counts for word in phrase)],
            most_e4=held.most_e4,
            currency=next(iter(held.currencies), None),
            limit=limit,
        )
        for some in starts
    ]


def _starts(known: Sequence[str], counts: Mapping[str, int]) -> list[Sequence[str]]:
    taken, products_at_most = 0, 0
    for word in known:
        products_at_most += counts[word]
        if taken and products_at_most > ENOUGH:
            break
        taken += 1
    return [known] if taken == len(known) else [known[:taken], known]


def _worth(count: int, total: int) -> float:
    """How much a word tells: the rarer, the more; as BM25 has it, and never nothing."""
    return math.log(1 + (max(total - count, 0) + 0.5) / (count + 0.5))
