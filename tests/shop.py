"""A small shop whose catalogue tests search."""

from __future__ import annotations

from typing import Any

from precog.core import catalogs
from precog.core.catalogs import About, Catalog, Claim
from precog.core.product import Product, product_id
from tests.conftest import Sandbox

SLUG = "trail"
ABOUT = About(
    "Trail guide",
    "Trail & Tent",
    description="Finds what a walk needs.",
    industry="outdoor",
    claims=(Claim("Free returns within 60 days"), Claim("Rated 4.8 of 5", "https://reviews.example/trail")),
)


def product(sku: str, name: str, price: float = 10, currency: str = "EUR", **fields: Any) -> Product:
    """A product; the price is in whole units or halves of them."""
    return Product(sku, name, round(price * 10_000), currency, **fields)


GOODS = (
    product(
        "boots",
        "Ridge hiking boots",
        129,
        notes="Waterproof, for rocky paths.",
        attributes={"color": "brown"},
    ),
    product(
        "shoes", "Meadow shoes", 79.5, notes="Light, for hiking on dry paths.", attributes={"color": "green"}
    ),
    product("jacket", "Drizzle rain jacket", 98, notes="Waterproof.", attributes={"color": "blue"}),
    product("gloves", "Leather gloves", 40, notes="Warm, for cold mornings.", attributes={"color": "brown"}),
    product("mittens", "Wool mittens", 30, notes="Warm, for cold mornings.", attributes={"color": "red"}),
)


def open_shop(sandbox: Sandbox, *products: Product, slug: str = SLUG, about: About = ABOUT) -> Catalog:
    """A catalogue of the sandbox's organization with these products, else the usual ones."""
    made = catalogs.create(sandbox.services, sandbox.organization_id, slug, about)
    catalogs.put_products(sandbox.services, sandbox.organization_id, slug, products or GOODS)
    return made


def id_of(sku: str, slug: str = SLUG) -> str:
    return product_id(slug, sku)
