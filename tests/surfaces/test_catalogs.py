"""Catalogues over HTTP, as their operator keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from precog.core import administration, catalogs
from tests.conftest import Sandbox
from tests.shop import ABOUT, GOODS, SLUG, id_of, open_shop
from tests.surfaces.calls import field_fault, pages, refusal

CATALOGS = "/api/v1/catalogs"
ONE = f"{CATALOGS}/{SLUG}"
NEW = {"slug": SLUG, "name": "Guide", "business": "Trail & Tent"}
HAT = {"sku": "hat", "name": "Hat", "price": 19.90, "currency": "EUR", "size": "XL"}


def admin_of(sandbox: Sandbox) -> FlaskClient:
    client = sandbox.client
    client.environ_base["HTTP_X_API_KEY"] = sandbox.key("admin", "read")
    return client


@pytest.fixture
def admin(sandbox: Sandbox) -> FlaskClient:
    return admin_of(sandbox)


@pytest.fixture
def alone(sqlite_sandbox: Sandbox) -> FlaskClient:
    return admin_of(sqlite_sandbox)


def test_a_catalogue_is_made_changed_and_removed(admin: FlaskClient) -> None:
    made = admin.post(CATALOGS, json={**NEW, "claims": ["Fair", {"claim": "Rated 5", "evidence": "x"}]})
    assert made.status_code == 201
    assert made.json == {
        "slug": SLUG,
        "name": "Guide",
        "business": "Trail & Tent",
        "description": None,
        "industry": None,
        "claims": [{"claim": "Fair"}, {"claim": "Rated 5", "evidence": "x"}],
        "status": "live",
        "createdAt": "2026-01-15T10:30:00.000Z",
        "updatedAt": "2026-01-15T10:30:00.000Z",
        "removedAt": None,
    }
    assert admin.get(ONE).json == made.json
    changed = admin.patch(ONE, json={"description": "Hats", "claims": []})
    assert changed.json == {**made.json, "description": "Hats", "claims": []}
    assert admin.patch(ONE, json={"description": None}).json["description"] is None
    removed = admin.delete(ONE)
    assert (removed.status_code, removed.json["status"]) == (200, "removed")
    assert refusal(admin.patch(ONE, json={"name": "x"})) == (404, "NOT_FOUND")
    assert refusal(admin.delete(ONE)) == (404, "NOT_FOUND")
    assert admin.post(CATALOGS, json=NEW).json["status"] == "live"


def test_a_slug_that_is_taken_is_a_conflict(admin: FlaskClient) -> None:
    admin.post(CATALOGS, json=NEW)
    assert refusal(admin.post(CATALOGS, json=NEW)) == (409, "ALREADY_EXISTS")


def test_catalogues_and_products_come_in_pages(admin: FlaskClient, sandbox: Sandbox) -> None:
    for slug in ("c", "a", "b"):
        open_shop(sandbox, slug=slug)
    found = pages(admin, CATALOGS, limit=2)
    assert [[one["slug"] for one in page] for page in found] == [["a", "b"], ["c"]]
    listed = [one for page in pages(admin, f"{CATALOGS}/a/products", limit=2) for one in page]
    assert [one["sku"] for one in listed] == sorted(one.sku for one in GOODS)
    boots = next(one for one in listed if one["sku"] == "boots")
    assert boots == {
        "product_id": id_of("boots", "a"),
        "sku": "boots",
        "name": "Ridge hiking boots",
        "price": "129.00",
        "currency": "EUR",
        "url": None,
        "image_url": None,
        "notes": "Waterproof, for rocky paths.",
        "attributes": {"color": "brown"},
        "updatedAt": "2026-01-15T10:30:00.000Z",
    }


def test_products_are_stored_and_those_that_are_wrong_are_told_by_index(admin: FlaskClient) -> None:
    admin.post(CATALOGS, json=NEW)
    body = {"products": [HAT, {**HAT, "sku": "x", "price": "free"}, 7, {**HAT, "sku": "cap"}]}
    answer = admin.post(f"{ONE}/products", json=body)
    assert answer.status_code == 200
    told = answer.json
    assert (told["status"], told["accepted"], told["rejected"]) == ("partial", 2, 2)
    assert told["results"][0] == {"index": 0, "status": "success", "product_id": id_of("hat")}
    assert told["results"][3] == {"index": 3, "status": "success", "product_id": id_of("cap")}
    assert told["results"][1]["error"]["code"] == "INVALID_FIELD_VALUE"
    assert told["results"][1]["error"]["details"]["field"] == "price"
    assert told["results"][2]["error"]["code"] == "INVALID_FIELD_TYPE"
    assert admin.post(f"{ONE}/products", json={"products": [HAT]}).json["status"] == "success"
    listed = admin.get(f"{ONE}/products").json["products"]
    assert [(one["sku"], one["price"], one["attributes"]) for one in listed] == [
        ("cap", "19.90", {"size": "XL"}),
        ("hat", "19.90", {"size": "XL"}),
    ]


def test_when_nothing_was_stored_it_is_400(alone: FlaskClient) -> None:
    alone.post(CATALOGS, json=NEW)
    answer = alone.post(f"{ONE}/products", json={"products": [{**HAT, "currency": "X"}]})
    assert (answer.status_code, answer.json["status"], answer.json["accepted"]) == (400, "error", 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MISSING_REQUIRED_FIELD"),
        ({"products": {}}, "INVALID_FIELD_TYPE"),
        ({"products": []}, "INVALID_FIELD_VALUE"),
        ({"products": [HAT] * 1_001}, "INVALID_FIELD_VALUE"),
    ],
    ids=["none", "object", "empty", "too many"],
)
def test_a_batch_is_a_list_of_some(alone: FlaskClient, body: Any, code: str) -> None:
    alone.post(CATALOGS, json=NEW)
    assert field_fault(alone.post(f"{ONE}/products", json=body)) == (code, "products")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"slug": "A"}, "slug"),
        ({"name": " "}, "name"),
        ({"business": None}, "business"),
        ({"description": 7}, "description"),
        ({"claims": "x"}, "claims"),
        ({"claims": [7]}, "claims"),
        ({"industry": "x" * 201}, "industry"),
    ],
)
def test_a_field_that_is_wrong_is_named(alone: FlaskClient, wrong: dict[str, Any], field: str) -> None:
    _, named = field_fault(alone.post(CATALOGS, json={**NEW, **wrong}))
    assert named == field
    assert refusal(alone.get(ONE)) == (404, "NOT_FOUND")


def test_another_organizations_catalogue_is_not_there(admin: FlaskClient, sandbox: Sandbox) -> None:
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    catalogs.create(sandbox.services, other.id, SLUG, ABOUT)
    for answer in (
        admin.get(ONE),
        admin.patch(ONE, json={"name": "x"}),
        admin.delete(ONE),
        admin.get(f"{ONE}/products"),
        admin.post(f"{ONE}/products", json={"products": [HAT]}),
    ):
        assert refusal(answer) == (404, "NOT_FOUND")
    assert admin.get(CATALOGS).json["catalogs"] == []
    assert refusal(admin.post(CATALOGS, json=NEW)) == (409, "ALREADY_EXISTS")


def test_reading_needs_read_and_changing_needs_admin(sqlite_sandbox: Sandbox) -> None:
    open_shop(sqlite_sandbox)
    client = sqlite_sandbox.client
    client.environ_base["HTTP_X_API_KEY"] = sqlite_sandbox.key("read")
    assert client.get(ONE).status_code == 200
    for answer in (
        client.post(CATALOGS, json=NEW),
        client.patch(ONE, json={}),
        client.delete(ONE),
        client.post(f"{ONE}/products", json={"products": [HAT]}),
    ):
        assert refusal(answer) == (403, "INSUFFICIENT_SCOPE")


def test_a_product_is_taken_out_and_is_out(sandbox: Sandbox) -> None:
    open_shop(sandbox)
    admin = admin_of(sandbox)
    catalogs.put_products(
        sandbox.services, sandbox.organization_id, SLUG, [replace(GOODS[0], sku="a/b c", name="Odd thing")]
    )
    for sku in ("boots", "a%2Fb%20c"):
        assert admin.delete(f"{ONE}/products/{sku}").json["product_id"] == id_of(unquote(sku))
        assert admin.delete(f"{ONE}/products/{sku}").status_code == 404
    left = {one["sku"] for one in admin.get(f"{ONE}/products").json["products"]}
    assert left == {one.sku for one in GOODS} - {"boots"}
    assert admin.delete(f"{CATALOGS}/nobody/products/boots").status_code == 404
