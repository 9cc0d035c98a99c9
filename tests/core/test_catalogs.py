"""Catalogues: whose they are, what they say, and products that keep their ids."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from precog.core import administration, catalogs
from precog.core.catalogs import About, Claim
from precog.core.product import from_fields
from precog.errors import AlreadyExists, InvalidField, NotFound, WrongValue
from precog.storage import search
from tests.conftest import Sandbox
from tests.shop import ABOUT, GOODS, SLUG, id_of, open_shop, product

NEW = About("Shop", "A shop")


def listed(sandbox: Sandbox, slug: str = SLUG) -> dict[str, str]:
    found = catalogs.products_page(sandbox.services, sandbox.organization_id, slug, after="", limit=1_000)
    return {one.product.sku: one.product.name for one in found}


def words(sandbox: Sandbox, *asked: str, slug: str = SLUG) -> dict[str, int]:
    return sandbox.services.db.read(search.counts, slug, asked)


# --- catalogues


def test_a_catalogue_is_kept_as_it_was_told(sandbox: Sandbox) -> None:
    made = open_shop(sandbox)
    assert made.about == ABOUT
    assert catalogs.live(sandbox.services, SLUG).about == ABOUT
    assert catalogs.count_products(sandbox.services, SLUG) == len(GOODS)


def test_a_slug_is_of_one_organization_alone(sandbox: Sandbox) -> None:
    other = administration.create_organization(sandbox.services, "Other", "FREE").id
    catalogs.create(sandbox.services, other, SLUG, NEW)
    for owner in (other, sandbox.organization_id):
        with pytest.raises(AlreadyExists):
            catalogs.create(sandbox.services, owner, SLUG, NEW)
    catalogs.remove(sandbox.services, other, SLUG)
    with pytest.raises(AlreadyExists):
        catalogs.create(sandbox.services, sandbox.organization_id, SLUG, NEW)


def test_a_removed_catalogue_is_gone_and_comes_back_with_its_products(sandbox: Sandbox) -> None:
    open_shop(sandbox)
    catalogs.remove(sandbox.services, sandbox.organization_id, SLUG)
    with pytest.raises(NotFound):
        catalogs.live(sandbox.services, SLUG)
    assert catalogs.all_live(sandbox.services, after="", limit=9) == []
    assert catalogs.get(sandbox.services, sandbox.organization_id, SLUG).removed_at == sandbox.clock()
    with pytest.raises(NotFound):
        catalogs.put_products(sandbox.services, sandbox.organization_id, SLUG, GOODS)
    with pytest.raises(NotFound):
        catalogs.remove(sandbox.services, sandbox.organization_id, SLUG)
    back = catalogs.create(sandbox.services, sandbox.organization_id, SLUG, NEW)
    assert (back.about, back.removed_at) == (NEW, None)
    assert len(listed(sandbox)) == len(GOODS)


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a_b", "a" * 65, "a\0", "ä", "a\n"])
def test_a_slug_is_what_an_address_can_hold(sandbox: Sandbox, slug: str) -> None:
    with pytest.raises(WrongValue):
        catalogs.create(sandbox.services, sandbox.organization_id, slug, NEW)
    with pytest.raises(NotFound):
        catalogs.live(sandbox.services, slug)
    with pytest.raises(NotFound):
        catalogs.remove(sandbox.services, sandbox.organization_id, slug)


def test_another_organizations_catalogue_is_not_there(sandbox: Sandbox) -> None:
    open_shop(sandbox)
    other = administration.create_organization(sandbox.services, "Other", "FREE").id
    for call in (
        lambda: catalogs.get(sandbox.services, other, SLUG),
        lambda: catalogs.remove(sandbox.services, other, SLUG),
        lambda: catalogs.change(sandbox.services, other, SLUG, {"name": "x"}),
        lambda: catalogs.put_products(sandbox.services, other, SLUG, GOODS),
        lambda: catalogs.products_page(sandbox.services, other, SLUG, after="", limit=1),
    ):
        with pytest.raises(NotFound):
            call()
    assert catalogs.page(sandbox.services, other, after="", limit=9) == []


def test_a_change_is_of_what_it_names(sandbox: Sandbox) -> None:
    open_shop(sandbox)
    changed = catalogs.change(
        sandbox.services, sandbox.organization_id, SLUG, {"name": "Guide", "description": None}
    )
    assert changed.about == replace(ABOUT, name="Guide", description=None)
    with pytest.raises(WrongValue):
        catalogs.change(sandbox.services, sandbox.organization_id, SLUG, {"business": " "})
    assert catalogs.live(sandbox.services, SLUG) == changed


@pytest.mark.parametrize(
    "value",
    [
        {},
        "x",
        [1],
        [""],
        [{"evidence": "x"}],
        [{"claim": "x", "more": 1}],
        [{"claim": 1}],
        [{"claim": "x", "evidence": ""}],
        ["x" * 501],
        ["x"] * 21,
        ["\0"],
    ],
)
def test_claims_of_another_form_are_refused(value: object) -> None:
    with pytest.raises(InvalidField):
        catalogs.to_claims(value)


def test_a_claim_is_a_text_or_has_evidence() -> None:
    found = catalogs.to_claims(
        ["Fair", {"claim": "Rated 5", "evidence": "https://x.example"}, {"claim": "Old"}]
    )
    assert found == (Claim("Fair"), Claim("Rated 5", "https://x.example"), Claim("Old"))


# --- products


def test_an_id_outlives_every_import(sandbox: Sandbox) -> None:
    open_shop(sandbox)
    put = [product("boots", "Other boots", 1), product("hat", "Hat")]
    assert catalogs.put_products(sandbox.services, sandbox.organization_id, SLUG, put) == [
        id_of("boots"),
        id_of("hat"),
    ]
    assert listed(sandbox)["boots"] == "Other boots"
    assert len(listed(sandbox)) == len(GOODS) + 1


def test_ids_differ_by_slug_and_by_sku() -> None:
    assert len({id_of("a", "b"), id_of("b", "a"), id_of("ab", "a"), id_of("b", "aa"), id_of("a", "b-")}) == 5
    assert id_of("a").startswith("p_") and len(id_of("a")) == 22


def test_of_one_sku_twice_the_last_holds(sandbox: Sandbox) -> None:
    open_shop(sandbox, product("hat", "First"), product("hat", "Second"))
    assert listed(sandbox) == {"hat": "Second"}
    assert words(sandbox, "first", "second", catalogs.ALL_PRODUCTS) == {"second": 1, "": 1}


def test_words_are_counted_once_a_product_and_follow_its_changes(sandbox: Sandbox) -> None:
    open_shop(sandbox, product("a", "Red hat", notes="red"), product("b", "Red scarf"))
    assert words(sandbox, "red", "hat", catalogs.ALL_PRODUCTS) == {"red": 2, "hat": 1, "": 2}
    again = [product("a", "Blue hat"), product("b", "Red scarf")]
    for _ in range(2):
        catalogs.put_products(sandbox.services, sandbox.organization_id, SLUG, again)
    assert words(sandbox, "red", "blue", "hat", catalogs.ALL_PRODUCTS) == {
        "red": 1,
        "blue": 1,
        "hat": 1,
        "": 2,
    }


def test_imports_at_once_count_every_word_once(sandbox: Sandbox) -> None:
    open_shop(sandbox, product("0", "Hat"))
    goods = [product(str(number), f"Hat {number}") for number in range(60)]

    def put(part: int) -> None:
        for start in range(0, 60, 20):
            given = goods[start : start + 20]
            catalogs.put_products(
                sandbox.services, sandbox.organization_id, SLUG, given if part % 2 else given[::-1]
            )

    threads = [threading.Thread(target=put, args=(part,)) for part in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert words(sandbox, "hat", catalogs.ALL_PRODUCTS) == {"hat": 60, "": 60}


GOOD = {"sku": "a", "name": "Hat", "price": "19.90", "currency": "eur", "size": "XL"}


def test_fields_become_a_product() -> None:
    found = from_fields(
        {**GOOD, "url": "https://x.example/a?b=c#d", "image_url": "", "notes": " n ", "led": True}
    )
    assert found == product(
        "a", "Hat", 19.9, url="https://x.example/a?b=c#d", notes="n", attributes={"size": "XL", "led": "yes"}
    )
    assert from_fields({**GOOD, "sizes": ["S", 3], "none": None}).attributes == {
        "size": "XL",
        "sizes": "S, 3",
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sku": ""}, "sku"),
        ({"sku": "x" * 101}, "sku"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 301}, "name"),
        ({"name": "\0"}, "name"),
        ({"name": "\udcff"}, "name"),
        ({"price": ""}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "1.00001"}, "price"),
        ({"price": "1e3"}, "price"),
        ({"price": "1,50"}, "price"),
        ({"price": True}, "price"),
        ({"price": 1.5}, "price"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "ftp://x.example"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "https://x.example/a b"}, "url"),
        ({"url": "https://user@x.example/"}, "url"),
        ({"image_url": "data:image/png;base64,AA"}, "image_url"),
        ({"notes": "x" * 5_001}, "notes"),
        ({"size": {"a": 1}}, "size"),
        ({"size": "x" * 1_001}, "size"),
        ({f"a{number}": "x" for number in range(64)}, "attributes"),
    ],
)
def test_a_field_that_is_wrong_is_named(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        from_fields({**GOOD, **wrong})
    assert refused.value.field == field
