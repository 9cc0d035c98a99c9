"""Catalogues and products as the management JSON has them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core import catalogs
from ...errors import InvalidField, WrongType, WrongValue
from ..coded import ErrorBodySchema
from ..fields import Checked, Text, fault, json_type

MOST_PRODUCTS = 1_000


class Claims(Checked, ma.fields.List[Any]):
    """What an operator vouches for: texts, or objects of `claim` and perhaps `evidence`."""

    expected = "array"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"maxItems": catalogs.MOST_CLAIMS, **kwargs.get("metadata", {})}
        super().__init__(ma.fields.Raw(metadata={"type": ["string", "object"]}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return catalogs.to_claims(value)
        except InvalidField as error:
            raise fault(type(error), error.expected, error.received) from None


class CatalogPatch(ma.Schema):
    """What may be said of a catalogue; null takes back what need not be there."""

    class Meta:
        unknown = ma.EXCLUDE

    name = Text(
        shortest=1, longest=catalogs.LONGEST_NAME, trim=True, allow_none=False, load_default=ma.missing
    )
    business = Text(
        shortest=1, longest=catalogs.LONGEST_NAME, trim=True, allow_none=False, load_default=ma.missing
    )
    description = Text(
        shortest=1, longest=catalogs.LONGEST_DESCRIPTION, trim=True, allow_none=True, load_default=ma.missing
    )
    industry = Text(
        shortest=1, longest=catalogs.LONGEST_NAME, trim=True, allow_none=True, load_default=ma.missing
    )
    claims = Claims(allow_none=False, load_default=ma.missing)


class NewCatalog(CatalogPatch):
    """A catalogue to make."""

    slug = Text(
        required=True,
        metadata={"pattern": "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", "example": "trail-and-tent"},
    )
    name = Text(
        required=True,
        shortest=1,
        longest=catalogs.LONGEST_NAME,
        trim=True,
        metadata={"description": "What the recommending agent is called.", "example": "Trail guide"},
    )
    business = Text(
        required=True,
        shortest=1,
        longest=catalogs.LONGEST_NAME,
        trim=True,
        metadata={"description": "Whose products they are.", "example": "Trail & Tent"},
    )


class ClaimSchema(ma.Schema):
    """What an operator vouches for."""

    claim = ma.fields.String(required=True)
    evidence = ma.fields.String()


class CatalogSchema(ma.Schema):
    """A recommending agent's catalogue."""

    slug = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    business = ma.fields.String(required=True)
    description = ma.fields.String(required=True, allow_none=True)
    industry = ma.fields.String(required=True, allow_none=True)
    claims = ma.fields.List(ma.fields.Nested(ClaimSchema), required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["live", "removed"]})
    createdAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    updatedAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    removedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class CatalogPage(ma.Schema):
    """Catalogues by slug."""

    catalogs = ma.fields.List(ma.fields.Nested(CatalogSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class Products(Checked, ma.fields.List[Any]):
    """Products as they were sent; each is looked at by itself."""

    expected = "array"

    def __init__(self, **kwargs: Any) -> None:
        example = {
            "sku": "TT-001",
            "name": "Hiking boots",
            "price": "129.00",
            "currency": "EUR",
            "color": "brown",
        }
        kwargs["metadata"] = {"minItems": 1, "maxItems": MOST_PRODUCTS, "example": [example]}
        super().__init__(ma.fields.Dict(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        if not 1 <= len(value) <= MOST_PRODUCTS:
            raise fault(
                WrongValue, f"array of 1 to {MOST_PRODUCTS} products", f"array of {len(value)} products"
            )
        return value


class ProductBatch(ma.Schema):
    """Products to store; what has no name of its own here is an attribute."""

    IS_BATCH = True
    EXACT_NUMBERS = True

    class Meta:
        unknown = ma.EXCLUDE

    products = Products(required=True)


class PutResult(ma.Schema):
    """What became of one product."""

    index = ma.fields.Integer(required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["success", "error"]})
    product_id = ma.fields.String()
    error = ma.fields.Nested(ErrorBodySchema)


class PutResults(ma.Schema):
    """What became of each product."""

    status = ma.fields.String(required=True, metadata={"enum": ["success", "partial", "error"]})
    accepted = ma.fields.Integer(required=True)
    rejected = ma.fields.Integer(required=True)
    results = ma.fields.List(ma.fields.Nested(PutResult), required=True)


class ProductSchema(ma.Schema):
    """A product in a catalogue; the price is text, exact."""

    product_id = ma.fields.String(required=True)
    sku = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    price = ma.fields.String(required=True, metadata={"example": "129.00"})
    currency = ma.fields.String(required=True, metadata={"example": "EUR"})
    url = ma.fields.String(required=True, allow_none=True)
    image_url = ma.fields.String(required=True, allow_none=True)
    notes = ma.fields.String(required=True, allow_none=True)
    attributes = ma.fields.Dict(required=True)
    updatedAt = ma.fields.String(required=True, metadata={"format": "date-time"})


class ProductPage(ma.Schema):
    """Products by SKU."""

    products = ma.fields.List(ma.fields.Nested(ProductSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
