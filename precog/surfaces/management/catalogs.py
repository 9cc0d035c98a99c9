"""An organization's catalogues and their products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from ...core import catalogs, money, times
from ...core import product as one_product
from ...core.catalogs import About, Catalog
from ...core.product import Listed, Product
from ...errors import InvalidField, NotFound, WrongType
from .. import auth
from ..base import problem_from, services
from ..blueprint import RATE_LIMIT_HEADERS
from ..coded import ERROR, error_body
from ..fields import json_type
from . import convert
from .catalog_schemas import (
    CatalogPage,
    CatalogPatch,
    CatalogSchema,
    NewCatalog,
    ProductBatch,
    ProductPage,
    ProductSchema,
    PutResults,
)
from .routes import blueprint
from .schemas import PageQuery

_ERRORS = (401, 403, 429, 500, 503)


_PAGE_QUERY = PageQuery()
_NEW = NewCatalog()
_PATCH = CatalogPatch()
_CATALOG = CatalogSchema()
_PAGE = CatalogPage()
_BATCH = ProductBatch()
_RESULTS = PutResults()
_PRODUCT = ProductSchema()
_PRODUCT_PAGE = ProductPage()


@blueprint.route("/catalogs", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_PAGE_QUERY, location="query")
@blueprint.response(200, _PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, headers=RATE_LIMIT_HEADERS)
def list_catalogs(query: dict[str, Any]) -> dict[str, Any]:
    """The organization's catalogues by slug, removed ones too."""
    after = convert.from_cursor(query["cursor"]) if query["cursor"] else ""
    owner = auth.charged_caller().organization_id
    found = catalogs.page(services(), owner, after=after, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "catalogs": [_from_catalog(catalog) for catalog in page],
        "next_cursor": convert.to_cursor(page[-1].slug) if len(found) > len(page) else None,
    }


@blueprint.route("/catalogs", methods=["POST"])
@auth.needs("admin")
@blueprint.arguments(_NEW)
@blueprint.response(201, _CATALOG, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 409, 413, 415, headers=RATE_LIMIT_HEADERS)
def create_catalog(new: dict[str, Any]) -> dict[str, Any]:
    """Make a catalogue, or bring back a removed one with its products."""
    slug = new.pop("slug")
    owner = auth.charged_caller().organization_id
    return _from_catalog(catalogs.create(services(), owner, slug, About(**new)))


@blueprint.route("/catalogs/<slug>", methods=["GET"])
@auth.needs("read")
@blueprint.response(200, _CATALOG, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_catalog(slug: str) -> dict[str, Any]:
    """A catalogue."""
    return _from_catalog(catalogs.get(services(), auth.charged_caller().organization_id, slug))


@blueprint.route("/catalogs/<slug>", methods=["PATCH"])
@auth.needs("admin")
@blueprint.arguments(_PATCH)
@blueprint.response(200, _CATALOG, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, 413, 415, headers=RATE_LIMIT_HEADERS)
def change_catalog(changes: dict[str, Any], slug: str) -> dict[str, Any]:
    """Change what is said of a catalogue."""
    owner = auth.charged_caller().organization_id
    return _from_catalog(catalogs.change(services(), owner, slug, changes))


@blueprint.route("/catalogs/<slug>", methods=["DELETE"])
@auth.needs("admin")
@blueprint.response(200, _CATALOG, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def remove_catalog(slug: str) -> dict[str, Any]:
    """Take a catalogue off the public side; what was attributed to it stays."""
    owner = auth.charged_caller().organization_id
    catalogs.remove(services(), owner, slug)
    return _from_catalog(catalogs.get(services(), owner, slug))


@blueprint.route("/catalogs/<slug>/products", methods=["POST"])
@auth.needs("admin")
@blueprint.arguments(_BATCH)
@blueprint.response(200, _RESULTS, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, 413, 415, headers=RATE_LIMIT_HEADERS)
def put_products(batch: dict[str, Any], slug: str) -> Response:
    """Store up to 1,000 products, each in the place of its SKU's; wrong ones do not sink the others.

    When nothing was stored the answer is 400, with the same `results`.
    """
    owner = auth.charged_caller().organization_id
    read = [_to_product(one) for one in batch["products"]]
    good = [one for one in read if isinstance(one, Product)]
    ids = iter(catalogs.put_products(services(), owner, slug, good))
    results = [
        {"index": index, **(_stored(next(ids)) if isinstance(one, Product) else _refused(one))}
        for index, one in enumerate(read)
    ]
    answer = jsonify(_from_results(results, accepted=len(good)))
    answer.status_code = 200 if good else 400
    return answer


@blueprint.route("/catalogs/<slug>/products", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_PAGE_QUERY, location="query")
@blueprint.response(200, _PRODUCT_PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, headers=RATE_LIMIT_HEADERS)
def list_products(query: dict[str, Any], slug: str) -> dict[str, Any]:
    """A catalogue's products by SKU."""
    after = convert.from_cursor(query["cursor"]) if query["cursor"] else ""
    owner = auth.charged_caller().organization_id
    found = catalogs.products_page(services(), owner, slug, after=after, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "products": [_from_listed(listed) for listed in page],
        "next_cursor": convert.to_cursor(page[-1].product.sku) if len(found) > len(page) else None,
    }


@blueprint.route("/catalogs/<slug>/products/<path:sku>", methods=["DELETE"])
@auth.needs("admin")
@blueprint.response(200, _PRODUCT, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def remove_product(slug: str, sku: str) -> Mapping[str, Any]:
    """Take a product out of a catalogue; what was sold of it keeps its id."""
    removed = catalogs.remove_products(services(), auth.charged_caller().organization_id, slug, [sku])
    if not removed:
        raise NotFound("product")
    return _from_listed(removed[0])


def _to_product(data: Any) -> Product | InvalidField:
    if not isinstance(data, dict):
        return WrongType("product", expected="object", received=json_type(data))
    try:
        return one_product.from_fields(data)
    except InvalidField as error:
        return error


def _stored(product_id: str) -> dict[str, Any]:
    return {"status": "success", "product_id": product_id}


def _refused(error: InvalidField) -> dict[str, Any]:
    return {"status": "error", "error": error_body(problem_from(error))}


def _from_results(results: list[dict[str, Any]], *, accepted: int) -> dict[str, Any]:
    rejected = len(results) - accepted
    status = "error" if not accepted else "partial" if rejected else "success"
    return {"status": status, "accepted": accepted, "rejected": rejected, "results": results}


def _from_catalog(catalog: Catalog) -> dict[str, Any]:
    about = catalog.about
    return {
        "slug": catalog.slug,
        "name": about.name,
        "business": about.business,
        "description": about.description,
        "industry": about.industry,
        "claims": catalogs.from_claims(about.claims),
        "status": "live" if catalog.removed_at is None else "removed",
        "createdAt": times.to_rfc3339(catalog.created_at),
        "updatedAt": times.to_rfc3339(catalog.updated_at),
        "removedAt": None if catalog.removed_at is None else times.to_rfc3339(catalog.removed_at),
    }


def _from_listed(listed: Listed) -> Mapping[str, Any]:
    product = listed.product
    return {
        "product_id": listed.id,
        "sku": product.sku,
        "name": product.name,
        "price": money.to_text(product.price_e4, product.currency),
        "currency": product.currency,
        "url": product.url,
        "image_url": product.image_url,
        "notes": product.notes,
        "attributes": dict(product.attributes),
        "updatedAt": times.to_rfc3339(listed.updated_at),
    }
