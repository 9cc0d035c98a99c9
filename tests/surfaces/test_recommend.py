"""Recommendations over HTTP: what is answered, in which session and mode, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from precog.core import catalogs, conversions
from tests.conftest import NOW, Sandbox
from tests.shop import SLUG, id_of, open_shop, product
from tests.surfaces.outside import carries_all, partner, quota, stranger

PATH = f"/api/public/agents/{SLUG}/recommend"


@pytest.fixture
def shop(sandbox: Sandbox) -> Sandbox:
    open_shop(sandbox)
    return sandbox


@pytest.fixture
def alone(sqlite_sandbox: Sandbox) -> Sandbox:
    open_shop(sqlite_sandbox)
    return sqlite_sandbox


def ask(sandbox: Sandbox, body: Any, **headers: str) -> TestResponse:
    return partner(sandbox).post(PATH, json=body, headers=headers)


def refused(sandbox: Sandbox, body: Any, **headers: str) -> tuple[int, str]:
    answer = ask(sandbox, body, **headers)
    assert answer.json.keys() == {"error", "message"}
    carries_all(answer)
    return answer.status_code, answer.json["error"]


def test_products_are_recommended_without_any_key(shop: Sandbox) -> None:
    answer = stranger(shop).post(
        PATH, json={"goal": "waterproof boots for hiking", "budget": 80, "maxResults": 1}
    )
    assert answer.status_code == 200
    assert quota(answer)[:2] == (12, 11)
    carries_all(answer)
    assert answer.json.keys() == {
        "sessionId",
        "products",
        "reasoning",
        "pitchContext",
        "conversionToken",
        "conversionTokenExpiresAt",
    }
    assert answer.json["products"] == [
        {
            "product_id": id_of("shoes"),
            "Product_Name": "Meadow shoes",
            "Price": 79.5,
            "Currency": "EUR",
            "URL": None,
            "Img_URL": None,
            "Notes": "Light, for hiking on dry paths.",
            "Why_It_Fits": 'Matches "hiking" in its notes. Costs 79.50 EUR, at most 80.',
        }
    ]
    assert answer.json["pitchContext"].keys() == {"mode", "tone", "trustClaims", "callerCta"}
    assert answer.json["conversionTokenExpiresAt"] == "2026-01-16T10:30:00.000Z"


def test_a_price_is_a_number_with_the_digits_that_were_imported(shop: Sandbox) -> None:
    exact = product("exact", "Zeppelin")
    exact = type(exact)("exact", "Zeppelin", 1_234_567_890_123_401, "EUR", url="https://x.example/z")
    catalogs.put_products(shop.services, shop.organization_id, SLUG, [exact])
    answer = ask(shop, {"goal": "zeppelin"})
    assert '"Price":123456789012.3401,' in answer.text
    assert answer.json["products"][0]["URL"] == "https://x.example/z"


def test_nothing_that_fits_is_an_empty_list(shop: Sandbox) -> None:
    answer = ask(shop, {"goal": "..."})
    assert (answer.status_code, answer.json["products"]) == (200, [])
    assert answer.json["conversionToken"]


def test_the_token_is_good_for_the_session_and_the_agent(shop: Sandbox) -> None:
    answer = ask(shop, {"goal": "boots"}, **{"X-Session-Id": "chat|1.2"})
    assert answer.json["sessionId"] == "chat|1.2"
    token = answer.json["conversionToken"]
    conversions.verify(shop.services, token, session_id="chat|1.2", slug=SLUG, now=NOW)
    made = [ask(shop, {"goal": "boots"}).json["sessionId"] for _ in range(2)]
    assert len({*made, ""}) == 3
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in made)


@pytest.mark.parametrize(
    ("body", "header", "mode"),
    [
        (None, None, "b2c"),
        (None, "b2b", "b2b"),
        (None, "B2C", "b2c"),
        ("b2b", None, "b2b"),
        ("b2b", "b2c", "b2b"),
    ],
)
def test_the_mode_is_the_bodys_else_the_headers(
    alone: Sandbox, body: Any, header: str | None, mode: str
) -> None:
    headers = {} if header is None else {"X-Caller-Mode": header}
    pitch = ask(alone, {"goal": "boots", "callerMode": body}, **headers).json["pitchContext"]
    assert pitch["mode"] == mode
    assert ("evidence" in pitch["trustClaims"][1]) == (mode == "b2b")


def test_budget_and_constraints_are_held(alone: Sandbox) -> None:
    body = {"goal": "warm gloves mittens", "budget": "39.99", "constraints": ["no leather"], "maxResults": 20}
    assert [one["product_id"] for one in ask(alone, body).json["products"]] == [id_of("mittens")]
    assert ask(alone, {**body, "budget": 29.99}).json["products"] == []
    assert ask(alone, {**body, "constraints": None, "budget": None, "maxResults": None}).json["products"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MISSING_REQUIRED_FIELD"),
        ({"goal": None}, "MISSING_REQUIRED_FIELD"),
        ({"goal": "  "}, "INVALID_FIELD_VALUE"),
        ({"goal": "x" * 2_001}, "INVALID_FIELD_VALUE"),
        ({"goal": 7}, "INVALID_FIELD_TYPE"),
        ({"goal": "a\0b"}, "INVALID_REQUEST"),
        ({"goal": "x", "budget": -1}, "INVALID_FIELD_VALUE"),
        ({"goal": "x", "budget": 1.00001}, "INVALID_FIELD_VALUE"),
        ({"goal": "x", "budget": True}, "INVALID_FIELD_TYPE"),
        ({"goal": "x", "budget": {"amount": 1}}, "INVALID_FIELD_TYPE"),
        ({"goal": "x", "constraints": "red"}, "INVALID_FIELD_TYPE"),
        ({"goal": "x", "constraints": ["red"] * 21}, "INVALID_FIELD_VALUE"),
        ({"goal": "x", "constraints": ["x" * 201]}, "INVALID_FIELD_VALUE"),
        ({"goal": "x", "constraints": [1]}, "INVALID_FIELD_TYPE"),
        ({"goal": "x", "constraints": [None]}, "MISSING_REQUIRED_FIELD"),
        ({"goal": "x", "maxResults": 0}, "INVALID_FIELD_VALUE"),
        ({"goal": "x", "maxResults": 21}, "INVALID_FIELD_VALUE"),
        ({"goal": "x", "maxResults": 2.5}, "INVALID_FIELD_TYPE"),
        ({"goal": "x", "maxResults": "3"}, "INVALID_FIELD_TYPE"),
        ({"goal": "x", "callerMode": "b2x"}, "INVALID_FIELD_VALUE"),
        ([], "INVALID_REQUEST"),
    ],
    ids=str,
)
def test_a_body_that_is_wrong_is_refused(alone: Sandbox, body: Any, code: str) -> None:
    assert refused(alone, body) == (400, code)


@pytest.mark.parametrize(
    "headers", [{"X-Caller-Mode": "b2x"}, {"X-Session-Id": "a b"}, {"X-Session-Id": "x" * 201}], ids=str
)
def test_a_header_that_is_wrong_is_refused(alone: Sandbox, headers: dict[str, str]) -> None:
    assert refused(alone, {"goal": "boots"}, **headers) == (400, "INVALID_FIELD_VALUE")


@pytest.mark.parametrize("slug", ["nobody", "trail%00", "Trail", "a%27b", "x" * 300])
def test_an_unknown_agent_is_not_there(alone: Sandbox, slug: str) -> None:
    answer = partner(alone).post(f"/api/public/agents/{slug}/recommend", json={"goal": "boots"})
    assert (answer.status_code, answer.json) == (404, {"error": "NOT_FOUND", "message": "No such agent"})
    carries_all(answer)


def test_a_removed_agent_is_not_there(shop: Sandbox) -> None:
    catalogs.remove(shop.services, shop.organization_id, SLUG)
    assert refused(shop, {"goal": "boots"}) == (404, "NOT_FOUND")
