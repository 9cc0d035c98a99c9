"""Recommending: what fits best first, within the budget and the constraints, and why."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from precog.core import administration, catalogs, money, recommend
from precog.core.recommend import Recommendation, Wish
from precog.errors import NotFound
from precog.storage import search_postgres, search_sqlite
from tests.conftest import Sandbox
from tests.shop import ABOUT, SLUG, id_of, open_shop, product


@pytest.fixture
def shop(sandbox: Sandbox) -> Sandbox:
    open_shop(sandbox)
    return sandbox


def ask(sandbox: Sandbox, goal: str, *constraints: str, slug: str = SLUG, **fields: Any) -> Recommendation:
    return recommend.recommend(sandbox.services, slug, Wish(goal, constraints=constraints, **fields))


def skus(found: Recommendation) -> list[str]:
    return [pick.product.sku for pick in found.picks]


# --- ranking


def test_more_of_the_goals_words_are_better_and_one_is_enough(shop: Sandbox) -> None:
    assert skus(ask(shop, "I need waterproof boots for hiking")) == ["boots", "jacket", "shoes"]


def test_the_name_counts_more_than_the_notes(sandbox: Sandbox) -> None:
    open_shop(
        sandbox,
        product("notes", "A thing to have", notes="lantern", price=1),
        product("attribute", "A thing to have", attributes={"kind": "lantern"}, price=2),
        product("name", "Lantern to have", price=3),
        *(product(f"other-{number}", "A thing to have") for number in range(5)),
    )
    assert skus(ask(sandbox, "lantern")) == ["name", "attribute", "notes"]


def test_rarer_words_count_more(sandbox: Sandbox) -> None:
    open_shop(
        sandbox,
        *(product(f"lamp-{number}", "Desk lamp", price=5) for number in range(9)),
        product("globe", "Brass globe", price=50),
    )
    assert skus(ask(sandbox, "lamp globe"))[0] == "globe"


def test_ties_go_to_the_lower_price_then_to_the_id(sandbox: Sandbox) -> None:
    open_shop(
        sandbox, *(product(sku, "Lamp", price) for sku, price in (("a", 7), ("b", 5), ("c", 5), ("d", 9)))
    )
    tied = sorted(("b", "c"), key=id_of)
    assert skus(ask(sandbox, "lamps")) == [*tied, "a", "d"]


def test_no_more_than_were_asked_for(shop: Sandbox) -> None:
    assert len(ask(shop, "brown green blue red", limit=2).picks) == 2


@pytest.mark.parametrize("goal", ["a good one for me, please", "zeppelin", "***", "\N{SNOWMAN}"])
def test_a_goal_that_matches_nothing_gets_nothing(shop: Sandbox, goal: str) -> None:
    found = ask(shop, goal)
    assert found.picks == ()
    assert found.reasoning


def test_a_search_of_many_begins_with_the_rarest_words_and_ends_with_all(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommend, "ENOUGH", 3)
    open_shop(
        sandbox,
        *(product(f"red-{number}", "Red chair", price=number + 1) for number in range(8)),
        product("globe", "Brass globe", 90),
        product("both", "Red globe", 95),
    )
    assert skus(ask(sandbox, "red globe", limit=2)) == ["both", "globe"]
    assert skus(ask(sandbox, "red globe", limit=4)) == ["both", "globe", "red-0", "red-1"]
    assert skus(ask(sandbox, "red globe", "no brass", limit=2)) == ["both", "red-0"]
    assert skus(ask(sandbox, "red chair", "globe", limit=2)) == ["both"]


# --- budget and constraints


def test_the_budget_is_the_highest_price(shop: Sandbox) -> None:
    goal = "brown green blue red"
    assert skus(ask(shop, goal, budget_e4=money.to_e4("40"))) == ["mittens", "gloves"]
    assert skus(ask(shop, goal, budget_e4=money.to_e4("39.9999"))) == ["mittens"]
    assert skus(ask(shop, goal, "under 40")) == ["mittens"]
    assert skus(ask(shop, goal, budget_e4=0)) == []


def test_a_currency_keeps_to_prices_in_it(sandbox: Sandbox) -> None:
    open_shop(sandbox, product("eur", "Lamp", 5), product("usd", "Lamp", 6, "USD"))
    assert skus(ask(sandbox, "lamp", "max 9")) == ["eur", "usd"]
    assert skus(ask(sandbox, "lamp", "max 9 USD")) == ["usd"]
    assert skus(ask(sandbox, "lamp", "max 9 USD", "max 9 EUR")) == []


def test_what_is_excluded_is_nowhere(shop: Sandbox) -> None:
    assert set(skus(ask(shop, "warm gloves mittens"))) == {"gloves", "mittens"}
    assert skus(ask(shop, "warm gloves mittens", "no leather")) == ["mittens"]
    assert skus(ask(shop, "warm gloves mittens", "without wool mornings")) == ["gloves"]
    assert set(skus(ask(shop, "warm gloves mittens", "not leather wool"))) == {"gloves", "mittens"}
    assert set(skus(ask(shop, "warm gloves mittens", "no zeppelin leather"))) == {"gloves", "mittens"}


def test_what_must_be_there_is_there(shop: Sandbox) -> None:
    assert skus(ask(shop, "warm gloves mittens", "red")) == ["mittens"]
    assert skus(ask(shop, "hiking", "light", "color green")) == ["shoes"]
    assert skus(ask(shop, "warm", "zeppelin")) == []


def test_each_of_what_is_excluded_is_nowhere(sandbox: Sandbox) -> None:
    open_shop(
        sandbox,
        product("peanuts", "Bar", notes="With peanuts."),
        product("soy", "Bar", attributes={"made of": "soy"}),
        product("plain", "Bar", price=20),
    )
    for phrase in ("no peanuts or soy", "without peanuts, soy", "no peanuts and soy"):
        (pick,) = ask(sandbox, "bar", phrase).picks
        assert pick.product.sku == "plain"
        assert 'Says nothing of "peanuts", "soy"' in pick.why


@pytest.mark.parametrize("no", ["no", "None", "FALSE", "0", "without", "n/a", "-"])
def test_an_attribute_that_says_no_is_not_had(sandbox: Sandbox, no: str) -> None:
    open_shop(
        sandbox,
        product("wet", "Canvas boots", 5, attributes={"waterproof": no, "leather": no}),
        product("dry", "Rubber boots", 9, attributes={"waterproof": "yes", "leather": "yes"}),
    )
    assert skus(ask(sandbox, "boots", "waterproof")) == ["dry"]
    assert skus(ask(sandbox, "waterproof boots"))[0] == "dry"
    (pick,) = ask(sandbox, "waterproof boots", "no leather").picks
    assert pick.product.sku == "wet"
    assert pick.why == 'Matches "boots" in its name. Says it is without "leather". Costs 5.00 EUR.'


def test_what_a_product_says_that_it_is_without_is_not_had(sandbox: Sandbox) -> None:
    open_shop(
        sandbox,
        product("made", "Trail shoes", 1, notes="Made without leather."),
        product("free", "Leather-free shoes", 2),
        product("leather", "Leather shoes", 3),
        product("silent", "Canvas shoes", 4),
    )
    assert set(skus(ask(sandbox, "shoes", "no leather"))) == {"made", "free", "silent"}
    assert set(skus(ask(sandbox, "shoes", "leather"))) == {"leather"}
    assert set(skus(ask(sandbox, "shoes", "leather-free"))) == {"made", "free"}
    assert set(skus(ask(sandbox, "leather-free shoes"))[:2]) == {"made", "free"}
    for goal in ("shoes without leather", "shoes, no leather", "shoes not of leather"):
        found = ask(sandbox, goal)
        assert set(skus(found)) == {"made", "free", "silent"}
        assert 'None may have "leather".' in found.reasoning


# --- reasons


def test_a_reason_has_words_and_no_stems(sandbox: Sandbox) -> None:
    open_shop(sandbox, product("lamp", "Lamp", notes="Rechargeable batteries."))
    found = ask(sandbox, "lamp", "rechargeable batteries", "not too expensive", "max 5 kgs")
    assert 'Each must have "rechargeable", "batteries".' in found.reasoning
    assert 'None may have "expensive".' in found.reasoning
    assert 'Not understood: "max 5 kgs".' in found.reasoning
    assert '"rechargeable", "batteries" in its notes' in found.picks[0].why


def test_many_exclusions_in_one_phrase_are_taken(shop: Sandbox) -> None:
    letters = [f"{one}{two}" for one in "abcdefghij" for two in "0123456789"] * 4
    catalogs.put_products(
        shop.services, shop.organization_id, SLUG, [product("all", "Lamp", notes=" ".join(letters))]
    )
    numbers = [",".join(letters[at : at + 60]) for at in range(0, 400, 60)]
    assert skus(ask(shop, "boots lamp", *(f"no {phrase}" for phrase in numbers))) == ["boots"]


def test_a_reason_says_what_matched_and_nothing_else(shop: Sandbox) -> None:
    (pick,) = ask(shop, "Waterproof hiking boots", "brown", "no wool", budget_e4=money.to_e4("150")).picks
    assert pick.id == id_of("boots")
    assert pick.why == (
        'Matches "hiking", "boots" in its name, "waterproof" in its notes. color: brown. '
        'Says nothing of "wool". Costs 129.00 EUR, at most 150.'
    )


def test_what_nothing_has_is_told(shop: Sandbox) -> None:
    found = ask(shop, "zeppelin boots")
    assert 'None has "zeppelin".' in found.reasoning
    assert "No product of Trail & Tent fits." in ask(shop, "zeppelin").reasoning


def test_a_mode_has_its_tone_and_its_call_and_only_the_operators_claims(shop: Sandbox) -> None:
    b2c, b2b = (ask(shop, "boots", mode=mode).pitch for mode in ("b2c", "b2b"))
    assert b2c.tone != b2b.tone
    assert b2c.call_to_action != b2b.call_to_action
    assert b2c.claims == ("Free returns within 60 days", "Rated 4.8 of 5")
    assert b2b.claims == (
        "Free returns within 60 days",
        "Rated 4.8 of 5 (evidence: https://reviews.example/trail)",
    )
    assert "Free returns within 60 days" in b2c.call_to_action
    assert "https://reviews.example/trail" in b2b.call_to_action


# --- whose products


def test_no_catalogue_sees_anothers_products(shop: Sandbox) -> None:
    other = administration.create_organization(shop.services, "Other", "FREE").id
    catalogs.create(shop.services, other, "other", ABOUT)
    catalogs.put_products(shop.services, other, "other", [product("boots", "Other boots")])
    assert skus(ask(shop, "boots", slug="other")) == ["boots"]
    assert ask(shop, "boots", slug="other").picks[0].product.name == "Other boots"
    assert ask(shop, "boots").picks[0].product.name == "Ridge hiking boots"


def test_a_changed_product_is_found_by_what_it_is_now(shop: Sandbox) -> None:
    catalogs.put_products(shop.services, shop.organization_id, SLUG, [product("boots", "Lamp", 3)])
    assert skus(ask(shop, "boots")) == []
    assert skus(ask(shop, "lamp", budget_e4=money.to_e4("3"))) == ["boots"]


@pytest.mark.parametrize("slug", ["nobody", "", "\0", "a' OR 1=1", "Trail"])
def test_an_unknown_or_removed_agent_is_not_there(shop: Sandbox, slug: str) -> None:
    with pytest.raises(NotFound):
        ask(shop, "boots", slug=slug)
    catalogs.remove(shop.services, shop.organization_id, SLUG)
    with pytest.raises(NotFound):
        ask(shop, "boots")


# --- goals that are no questions

HOSTILE = (
    '"boots" OR name:boots NOT (waterproof',
    "boots* AND NEAR(hiking, 3)",
    "'; DROP TABLE products; -- boots",
    "boots & !waterproof | <-> :*",
    "((((((((boots",
    "boots))))) -boots ^boots {name} : boots",
    "\\boots\\' %s %(x)s :x $1 ?",
    "boots " * 10_000,
    " ".join(f"word{number}" for number in range(10_000)) + " boots",
    "b\u0301oo\u0301ts \u202eboots \ufeffboots",
    "ブーツ boots 靴",
)


@pytest.mark.parametrize("goal", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_goal_says_is_words(shop: Sandbox, goal: str) -> None:
    assert skus(ask(shop, goal))[:1] == ([] if "word63" in goal else ["boots"])
    assert ask(shop, goal, goal[:200], f"no {goal[:190]}").picks == ()


# What no body can hold is refused before it comes here.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
PHRASES = st.sampled_from(["", "no ", "not ", "without ", "under ", "max ", "boots ", "no boots "])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(goal=TEXTS, phrases=st.lists(st.builds("{}{}".format, PHRASES, TEXTS), max_size=4))
@example(goal="BROWN", phrases=[])  # words of other products may be among them
def test_any_text_is_a_goal_and_a_constraint(shop: Sandbox, goal: str, phrases: list[str]) -> None:
    found = skus(ask(shop, f"{goal} boots", *phrases))
    assert len(found) == len(set(found))
    assert ask(shop, goal, *phrases).reasoning


def test_a_thousand_words_that_must_be_there_are_all_looked_for(shop: Sandbox) -> None:
    many = [f"{number:03}" for number in range(1_000)]
    phrases = [" ".join(many[start : start + 50]) for start in range(0, 1_000, 50)]
    goods = [
        product("all", "Boots", notes=" ".join(many)),
        product("most", "Boots", notes=" ".join(many[1:])),
    ]
    catalogs.put_products(shop.services, shop.organization_id, SLUG, goods)
    assert skus(ask(shop, "boots", *phrases)) == ["all"]
    assert set(skus(ask(shop, "boots", *(f"no {phrase}" for phrase in phrases[:1])))) == {"boots", "most"}


def test_many_phrases_of_many_words_are_taken(shop: Sandbox) -> None:
    letters = random.Random(7)
    phrases = [" ".join(letters.choices("abcdefghijklmnopq0123456789", k=100)) for _ in range(20)]
    goods = product("all", " ".join("abcdefghijklmnopq0123456789"), notes="boots")
    catalogs.put_products(shop.services, shop.organization_id, SLUG, [goods])
    assert skus(ask(shop, "boots", *phrases)) == ["all"]
    assert "all" not in skus(ask(shop, "boots", *(f"no {phrase}" for phrase in phrases)))


# --- many products


def test_of_very_many_only_some_are_ranked(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_SEEN", "MOST_RANKED"):
        for module in (search_sqlite, search_postgres):
            monkeypatch.setattr(module, name, 3, raising=False)
    open_shop(sandbox, *(product(f"lamp-{number}", "Lamp", price=number) for number in range(9)))
    assert len(ask(sandbox, "lamp", limit=9).picks) == 3
    catalogs.put_products(sandbox.services, sandbox.organization_id, SLUG, [product("globe", "Globe")])
    monkeypatch.setattr(recommend, "ENOUGH", 3)
    assert skus(ask(sandbox, "lamp globe", limit=9))[0] == "globe"
    assert skus(ask(sandbox, "lamp", limit=9)) == skus(ask(sandbox, "lamp", limit=9))


def test_anothers_products_do_not_change_the_order(sandbox: Sandbox) -> None:
    goods = [
        product("red", "Red thing", 3, notes="For tables, made by hand, with a long cord and a switch."),
        product("lamp", "Lamp of brass", 4),
        *(product(f"red-{number}", "Red table", 9) for number in range(5)),
    ]
    open_shop(sandbox, *goods)
    goals = ("red lamp", "red table", "brass thing", "hand lamp table")
    before = [skus(ask(sandbox, goal, limit=20)) for goal in goals]
    others = [product(f"lamp-{number}", "Lamp brass hand") for number in range(100)]
    open_shop(sandbox, *others, slug="other")
    assert [skus(ask(sandbox, goal, limit=20)) for goal in goals] == before


def test_a_removed_product_is_found_no_more_and_counts_no_more(shop: Sandbox) -> None:
    owner = shop.organization_id
    removed = catalogs.remove_products(shop.services, owner, SLUG, ["boots", "nothing"])
    assert [one.product.sku for one in removed] == ["boots"]
    assert skus(ask(shop, "boots")) == []
    assert 'None has "boots".' in ask(shop, "boots").reasoning
    assert catalogs.count_products(shop.services, SLUG) == 4
    catalogs.put_products(shop.services, owner, SLUG, [product("boots", "Boots")])
    assert skus(ask(shop, "boots")) == ["boots"]
