"""Catalogues as their operators make, fill and remove them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from ..errors import AlreadyExists, NotFound, WrongType, WrongValue
from ..storage import catalogs, products, search
from ..storage.catalogs import CatalogRow
from ..storage.engine import Transaction
from ..storage.products import ProductRow
from ..storage.search import Index
from . import product as one_product
from .product import Listed, Product
from .services import Services

ROWS_A_TRANSACTION = 200
ALL_PRODUCTS = ""
"""The word that stands for every product where words are counted."""

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 2_000
LONGEST_CLAIM = 500
MOST_CLAIMS = 20
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an operator vouches for, and what shows it."""

    claim: str
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What an operator says of a catalogue."""

    name: str
    business: str
    description: str | None = None
    industry: str | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """A recommending agent's catalogue; its slug is its name in every address."""

    slug: str
    organization_id: str
    about: About
    created_at: int
    updated_at: int
    removed_at: int | None


# --- what it says of itself


def to_claims(value: Any) -> tuple[Claim, ...]:
    """The claims in JSON: a list of texts, or of objects with `claim` and perhaps `evidence`.

    Raises InvalidField.
    """
    if not isinstance(value, list):
        raise WrongType("claims", expected="array", received="another type")
    if len(value) > MOST_CLAIMS:
        raise WrongValue("claims", expected=f"at most {MOST_CLAIMS}", received=str(len(value)))
    return tuple(_to_claim(f"claims[{index}]", one) for index, one in enumerate(value))


def _to_claim(place: str, value: Any) -> Claim:
    if isinstance(value, str):
        value = {"claim": value}
    if not isinstance(value, dict) or not {"claim"} <= value.keys() <= {"claim", "evidence"}:
        raise WrongValue(place, expected="text, or object of claim and evidence", received="another value")
    claim, evidence = value["claim"], value.get("evidence")
    if not isinstance(claim, str) or not isinstance(evidence, str | None):
        raise WrongType(place, expected="texts", received="another type")
    _check_text(f"{place}.claim", claim, LONGEST_CLAIM)
    if evidence is not None:
        _check_text(f"{place}.evidence", evidence, LONGEST_CLAIM)
    return Claim(claim.strip(), evidence.strip() if evidence else None)


def from_claims(claims: Sequence[Claim]) -> list[dict[str, str]]:
    """The claims as JSON has them."""
    return [
        {"claim": one.claim, **({"evidence": one.evidence} if one.evidence is not None else {})}
        for one in claims
    ]


def _check_text(name: str, text: str, longest: int) -> None:
    if not text.strip() or len(text) > longest or _NOT_TEXT.search(text):
        raise WrongValue(
            name, expected=f"1 to {longest} characters, one of them visible", received="another string"
        )


def _check(about: About) -> None:
    _check_text("name", about.name, LONGEST_NAME)
    _check_text("business", about.business, LONGEST_NAME)
    if about.description is not None:
        _check_text("description", about.description, LONGEST_DESCRIPTION)
    if about.industry is not None:
        _check_text("industry", about.industry, LONGEST_NAME)


# --- catalogues


def is_slug(text: str) -> bool:
    """Whether a catalogue could be called so; what could not is looked up nowhere."""
    return _SLUG.fullmatch(text) is not None


def create(services: Services, organization_id: str, slug: str, about: About) -> Catalog:
    """Make a catalogue, or bring back the organization's removed one of this slug, with its products.

    Raises WrongValue for an impossible slug or text, AlreadyExists for a slug that is taken by anybody.
    """
    if not is_slug(slug):
        raise WrongValue(
            "slug", expected="1 to 64 of a-z, 0-9 and -, the ends without -", received="another string"
        )
    _check(about)
    return services.db.write(_create, organization_id, slug, about, now=services.clock())


def _create(tx: Transaction, organization_id: str, slug: str, about: About, *, now: int) -> Catalog:
    row = catalogs.add(tx, slug=slug, organization_id=organization_id, now=now, **_columns(about))
    if row is None:
        raise AlreadyExists("catalogue")
    return from_row(row)


def _columns(about: About) -> dict[str, Any]:
    return {
        "name": about.name.strip(),
        "business": about.business.strip(),
        "description": about.description,
        "industry": about.industry,
        "claims": orjson.dumps(from_claims(about.claims)).decode() if about.claims else None,
    }


def from_row(row: CatalogRow) -> Catalog:
    """The catalogue that was stored."""
    claims = tuple(Claim(one["claim"], one.get("evidence")) for one in orjson.loads(row.claims or "[]"))
    about = About(row.name, row.business, row.description, row.industry, claims)
    return Catalog(row.slug, row.organization_id, about, row.created_at, row.updated_at, row.removed_at)


def live(services: Services, slug: str) -> Catalog:
    """The catalogue that everybody sees under this slug. Raises NotFound."""
    row = services.db.read(catalogs.live, slug) if is_slug(slug) else None
    if row is None:
        raise NotFound("agent")
    return from_row(row)


def all_live(services: Services, *, after: str, limit: int) -> list[Catalog]:
    """The catalogues that everybody sees, by slug, behind `after`."""
    return [from_row(row) for row in services.db.read(catalogs.all_live, after=after, limit=limit)]


def get(services: Services, organization_id: str, slug: str) -> Catalog:
    """The organization's catalogue, removed or not. Raises NotFound."""
    row = services.db.read(catalogs.own, organization_id, slug) if is_slug(slug) else None
    if row is None:
        raise NotFound("catalogue")
    return from_row(row)


def page(services: Services, organization_id: str, *, after: str, limit: int) -> list[Catalog]:
    """The organization's catalogues by slug, behind `after`, removed ones too."""
    found = services.db.read(catalogs.page, organization_id, after=after, limit=limit)
    return [from_row(row) for row in found]


def change(services: Services, organization_id: str, slug: str, changes: Mapping[str, Any]) -> Catalog:
    """Set fields of `About` by name. Raises NotFound, WrongValue."""
    return services.db.write(_change, organization_id, slug, changes, now=services.clock())


def _change(
    tx: Transaction, organization_id: str, slug: str, changes: Mapping[str, Any], *, now: int
) -> Catalog:
    about = replace(_locked(tx, organization_id, slug, now=now).about, **changes)
    _check(about)
    row = CatalogRow(slug, organization_id, created_at=0, updated_at=now, removed_at=None, **_columns(about))
    catalogs.change(tx, row, now=now)
    return _locked(tx, organization_id, slug, now=now)


def _locked(tx: Transaction, organization_id: str, slug: str, *, now: int) -> Catalog:
    row = catalogs.lock(tx, organization_id, slug, now=now) if is_slug(slug) else None
    if row is None:
        raise NotFound("catalogue")
    return from_row(row)


def remove(services: Services, organization_id: str, slug: str) -> None:
    """Take the catalogue off the public side; what was attributed to it stays. Raises NotFound."""
    if not is_slug(slug) or not services.db.write(
        catalogs.remove, organization_id, slug, now=services.clock()
    ):
        raise NotFound("catalogue")


# --- products


def products_page(
    services: Services, organization_id: str, slug: str, *, after: str, limit: int
) -> list[Listed]:
    """The catalogue's products by SKU, behind `after`. Raises NotFound."""
    get(services, organization_id, slug)
    found = services.db.read(products.page, slug, after=after, limit=limit)
    return [one_product.from_row(row) for row in found]


def count_products(services: Services, slug: str) -> int:
    """How many products the catalogue has."""
    return services.db.read(products.count, slug)


def put_products(services: Services, organization_id: str, slug: str, given: Sequence[Product]) -> list[str]:
    """Store products, each in the place of its SKU's, all or none; their ids.

    Of one SKU that comes twice the last holds. Raises NotFound.
    """
    now = services.clock()
    rows = [one_product.to_row(slug, product, now=now) for product in given]
    unique = {row.id: row for row in rows}
    services.db.write(_put, search.index_of(services.db.name), organization_id, slug, unique, now=now)
    return [row.id for row in rows]


def _put(
    tx: Transaction,
    index: Index,
    organization_id: str,
    slug: str,
    rows: Mapping[str, ProductRow],
    *,
    now: int,
) -> None:
    _locked(tx, organization_id, slug, now=now)  # or two imports at once would count a word twice or never
    before = {row.id: row for row in products.by_ids(tx, list(rows))}
    changed = [row for row in rows.values() if row.id not in before or _differ(row, before[row.id])]
    products.put(tx, changed)
    entries = [one_product.entry(row) for row in changed]
    index.put(tx, mark(slug), entries)
    counts = Counter[str]()
    for found in entries:
        counts.update(_counted(found))
    for row in changed:
        if row.id in before:
            counts.subtract(_counted(one_product.entry(before[row.id])))
    search.count(tx, slug, counts)


def remove_products(services: Services, organization_id: str, slug: str, skus: Sequence[str]) -> list[Listed]:
    """Take products out of the catalogue; those of them that were there. Conversions keep their ids.

    Raises NotFound for a catalogue there is not.
    """
    index = search.index_of(services.db.name)
    return services.db.write(_remove_products, index, organization_id, slug, skus, now=services.clock())


def _remove_products(
    tx: Transaction, index: Index, organization_id: str, slug: str, skus: Sequence[str], *, now: int
) -> list[Listed]:
    _locked(tx, organization_id, slug, now=now)  # as an import does, or a word would be counted wrongly
    found = products.by_ids(tx, [one_product.product_id(slug, sku) for sku in dict.fromkeys(skus)])
    counts = Counter[str]()
    for row in found:
        counts.subtract(_counted(one_product.entry(row)))
        index.forget(tx, row.id)
        products.remove(tx, row.id)
    search.count(tx, slug, counts)
    return [one_product.from_row(row) for row in found]


def keep_products(services: Services, organization_id: str, slug: str, ids: Collection[str]) -> int:
    """Take out of the catalogue what is none of these; how many that were. Raises NotFound."""
    removed, after = 0, ""
    while page := products_page(services, organization_id, slug, after=after, limit=ROWS_A_TRANSACTION):
        after = page[-1].product.sku
        gone = [one.product.sku for one in page if one.id not in ids]
        removed += len(remove_products(services, organization_id, slug, gone)) if gone else 0
    return removed


def _differ(row: ProductRow, before: ProductRow) -> bool:
    return replace(row, updated_at=0) != replace(before, updated_at=0)


def _counted(found: search.Entry) -> set[str]:
    return {*found.name, *found.attributes, *found.notes, ALL_PRODUCTS}


def mark(slug: str) -> str:
    """What stands before each word of the catalogue's products, so that a search sees no other's."""
    return hashlib.sha256(slug.encode()).hexdigest()[:12]
