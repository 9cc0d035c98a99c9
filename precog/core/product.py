"""One product as its operator tells of it: checked field by field, and the words that it is found by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from ..errors import MissingField, WrongType, WrongValue
from ..storage.products import ProductRow
from ..storage.search import Entry
from . import money
from .words import lacking, told

FIELDS = ("sku", "name", "price", "currency", "url", "image_url", "notes")
"""The columns that have a name of their own; all others are attributes."""

LONGEST_SKU = 100
LONGEST_NAME = 300
LONGEST_NOTES = 5_000
LONGEST_URL = 2_000
LONGEST_ATTRIBUTE = 1_000
MOST_ATTRIBUTES = 64
_WEB = re.compile(r"https?://[^\s/?#\\@]+(?:[/?#][^\s\\]*)?", re.IGNORECASE)
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")
_ID_DIGITS = 20
_NO = frozenset({"no", "none", "false", "0", "without", "n/a", "-", "\u2013", "\u2014", "never"})


@dataclass(frozen=True, slots=True)
class Product:
    """What is offered under an SKU; the price is in ten-thousandths of the currency."""

    sku: str
    name: str
    price_e4: int
    currency: str
    url: str | None = None
    image_url: str | None = None
    notes: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """A product as it stands in a catalogue."""

    id: str
    product: Product
    updated_at: int


def product_id(slug: str, sku: str) -> str:
    """The id under which everybody knows the product: of slug and SKU alone, so it outlives imports."""
    # A slug has no NUL, so no other slug and SKU make the same text.
    return "p_" + hashlib.sha256(f"{slug}\0{sku}".encode()).hexdigest()[:_ID_DIGITS]


# --- from fields


def from_fields(fields: Mapping[str, Any]) -> Product:
    """The product that the fields tell of. Raises InvalidField for the first that is wrong."""
    price = fields.get("price")
    return Product(
        sku=_required(fields, "sku", LONGEST_SKU),
        name=_required(fields, "name", LONGEST_NAME),
        price_e4=_price(price.strip() if isinstance(price, str) else price),
        currency=_currency(fields),
        url=_url(fields, "url"),
        image_url=_url(fields, "image_url"),
        notes=_text(fields, "notes", LONGEST_NOTES),
        attributes=_attributes(fields),
    )


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise WrongType(name, expected="string", received="another type")
    return _checked(name, value, longest) or None


def _checked(name: str, value: str, longest: int) -> str:
    text = value.strip()
    if _NOT_TEXT.search(text):
        raise WrongValue(name, expected="text in UTF-8 without NUL", received="other bytes")
    if len(text) > longest:
        raise WrongValue(
            name, expected=f"at most {longest} characters", received=f"string of {len(text)} characters"
        )
    return text


def _required(fields: Mapping[str, Any], name: str, longest: int) -> str:
    text = _text(fields, name, longest)
    if text is None:
        raise MissingField(name, expected=f"string of 1 to {longest} characters", received="nothing")
    return text


def _price(value: Any) -> int:
    expected = "decimal number, 0 or more, of at most 4 places"
    if value is None or value == "":
        raise MissingField("price", expected=expected, received="nothing")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise WrongType("price", expected=expected, received="another type")
    try:
        return money.to_e4(value)
    except ValueError:
        raise WrongValue("price", expected=expected, received="another value") from None


def _currency(fields: Mapping[str, Any]) -> str:
    code = _required(fields, "currency", 20).upper()
    if not money.is_currency(code):
        raise WrongValue("currency", expected="ISO 4217 code such as EUR", received="another string")
    return code


def _url(fields: Mapping[str, Any], name: str) -> str | None:
    text = _text(fields, name, LONGEST_URL)
    if text is None or (_WEB.fullmatch(text) and text.isprintable()):
        return text
    raise WrongValue(name, expected="http or https URL", received="another string")


def _attributes(fields: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in fields.items():
        if name not in FIELDS and (
            text := _checked(str(name), _as_text(str(name), value), LONGEST_ATTRIBUTE)
        ):
            found[_attribute_name(str(name))] = text
    if len(found) > MOST_ATTRIBUTES:
        raise WrongValue("attributes", expected=f"at most {MOST_ATTRIBUTES}", received=str(len(found)))
    return found


def _attribute_name(name: str) -> str:
    if not name.strip().isprintable():
        raise WrongValue("attribute", expected="a name without control characters", received="another string")
    return _checked("attribute", name, LONGEST_SKU)


def _as_text(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str() | int() | float() | Decimal():
            return str(value)
        case list() if all(isinstance(one, str | int | float | Decimal) for one in value):
            return ", ".join(_as_text(name, one) for one in value)
    raise WrongType(name, expected="string, number, boolean, or list of these", received="another type")


# --- rows, and what they are found by


def to_row(slug: str, product: Product, *, now: int) -> ProductRow:
    """The product as it is stored."""
    return ProductRow(
        id=product_id(slug, product.sku),
        catalog=slug,
        sku=product.sku,
        name=product.name,
        price_e4=product.price_e4,
        currency=product.currency,
        url=product.url,
        image_url=product.image_url,
        notes=product.notes,
        attributes=orjson.dumps(product.attributes).decode() if product.attributes else None,
        updated_at=now,
    )


def from_row(row: ProductRow) -> Listed:
    """The product that was stored."""
    product = Product(
        row.sku,
        row.name,
        row.price_e4,
        row.currency,
        row.url,
        row.image_url,
        row.notes,
        orjson.loads(row.attributes) if row.attributes else {},
    )
    return Listed(row.id, product, row.updated_at)


def entry(row: ProductRow) -> Entry:
    """What the product is found by."""
    attributes = orjson.loads(row.attributes) if row.attributes else {}
    return Entry(
        product=row.id,
        name=told(row.name),
        attributes=[stem for name, text in attributes.items() for stem in of_attribute(name, text)],
        notes=told(row.notes or ""),
        price_e4=row.price_e4,
        currency=row.currency,
    )


def of_attribute(name: str, text: str) -> list[str]:
    """What an attribute is found by; one whose value is a no says what the product is without."""
    if text.strip().casefold().rstrip(".") in _NO:
        return [lacking(stem) for stem in told(name)]
    return [*told(name), *told(text)]
