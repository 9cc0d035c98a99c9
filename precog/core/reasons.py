"""Says why a product fits: by words, attributes and a price that are there, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import money
from .catalogs import Catalog
from .constraints import Constraints
from .product import Product, of_attribute
from .words import lacking, said, told

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """The goal's stems with their words, the constraints, and the stems that the catalogue has at all."""

    words: Mapping[str, str]
    held: Constraints
    known: frozenset[str]

    @property
    def stems(self) -> frozenset[str]:
        """What a product can match."""
        return frozenset(self.words) | frozenset(self.held.every)


def why(asked: Asked, product: Product) -> str:
    """Why the product fits."""
    wanted = asked.stems
    parts = []
    places = (("name", product.name), ("notes", product.notes or ""))
    found = [(place, _found(wanted, text)) for place, text in places]
    if told := [f"{_named(words)} in its {place}" for place, words in found if words]:
        parts.append(f"Matches {', '.join(told)}")
    attributes = [
        f"{name}: {text}"
        for name, text in product.attributes.items()
        if wanted & set(of_attribute(name, text))
    ]
    if attributes:
        parts.append("; ".join(attributes[:MOST_NAMED]))
    parts += _without(asked, product)
    parts.append(_price(asked, product))
    return ". ".join(parts) + "."


def reasoning(asked: Asked, catalog: Catalog, found: int) -> str:
    """How the products were chosen, or why there is none."""
    business = catalog.about.business
    known = [word for stem, word in asked.words.items() if stem in asked.known]
    missing = [word for stem, word in asked.words.items() if stem not in asked.known]
    if not asked.words:
        start = "The goal names nothing to look for."
    elif found:
        start = (
            f"{found} of the products of {business}, best first: by {_named(known)}, the rarest word most."
        )
    else:
        start = f"No product of {business} fits."
    parts = [start]
    if missing:
        parts.append(f"None has {_named(missing)}.")
    if asked.held.every:
        parts.append(f"Each must have {_named(asked.held.wanted)}.")
    if asked.held.excluded:
        parts.append(f"None may have {_named(asked.held.excluded)}.")
    if asked.held.cap is not None:
        parts.append(f"The price is {asked.held.cap}.")
    if asked.held.unclear:
        parts.append(f"Not understood: {_named(asked.held.unclear)}.")
    return " ".join(parts)


def _found(wanted: frozenset[str], text: str) -> list[str]:
    """The words of a text that are wanted, once each, as they stand there."""
    found = said(text)
    words = {**found.has, **found.free}
    words |= {lacking(one): f"without {word}" for run in found.denied for one, word in run.items()}
    return [words[one] for one in dict.fromkeys(found.order) if one in wanted and one in words]


def _without(asked: Asked, product: Product) -> list[str]:
    """What is excluded: the product says that it is without it, or says nothing of it."""
    if not asked.held.excluded:
        return []
    attributes = (stem for name, text in product.attributes.items() for stem in of_attribute(name, text))
    says = {*told(product.name), *told(product.notes or ""), *attributes}
    pairs = list(zip(asked.held.never, asked.held.excluded, strict=True))
    denied = [text for stems, text in pairs if any(lacking(one) in says for one in stems)]
    silent = [text for _, text in pairs if text not in denied]
    parts = [f"Says it is without {_named(denied)}"] if denied else []
    return [*parts, f"Says nothing of {_named(silent)}"] if silent else parts


def _named(words: Iterable[str]) -> str:
    quoted = [f'"{word}"' for word in words]
    return ", ".join(quoted[:MOST_NAMED]) + (" and more" if len(quoted) > MOST_NAMED else "")


def _price(asked: Asked, product: Product) -> str:
    price = f"{money.to_text(product.price_e4, product.currency)} {product.currency}"
    return f"Costs {price}" + (f", {asked.held.cap}" if asked.held.cap is not None else "")
