"""Plain phrases are understood as what they exclude, cap or ask for."""

from __future__ import annotations

import pytest

from precog.core import money
from precog.core.constraints import understood


@pytest.mark.parametrize(
    ("phrase", "most", "currency"),
    [
        ("under 80", "79.9999", None),
        ("Under $80", "79.9999", None),
        ("max 50 EUR", "50", "EUR"),
        ("max. 49,90 €", "49.90", "EUR"),
        ("maximum: £1,200.50", "1200.50", "GBP"),
        ("at most CHF 20", "20", "CHF"),
        ("price up to 99.95", "99.95", None),
        ("no more than 30", "30", None),
        ("less than 1,000,000", "999999.9999", None),
        ("under 0", None, None),
        ("max 50 euros", "50", "EUR"),
        ("under 80 dollars", "79.9999", None),
        ("under US$80", "79.9999", "USD"),
        ("at most 20 pounds", "20", "GBP"),
        ("below 8000 yen", "7999.9999", "JPY"),
        ("under 80 EUR.", "79.9999", "EUR"),
        ("80 EUR max", "80", "EUR"),
        ("80 euros or less", "80", "EUR"),
        ("<= 80", "80", None),
        ("max 1.200 EUR", "1200", "EUR"),
        ("max 1,200 EUR", "1200", "EUR"),
        ("max 1.200,50 EUR", "1200.50", "EUR"),
        ("max 1.200 KWD", "1.2", "KWD"),
    ],
)
def test_a_phrase_caps_the_price(phrase: str, most: str | None, currency: str | None) -> None:
    found = understood([phrase])
    assert found.most_e4 == (-1 if most is None else money.to_e4(most))
    assert found.currencies == ({currency} if currency else set())
    assert (found.every, found.never) == ((), ())


def test_the_lowest_cap_holds() -> None:
    found = understood(["max 50", "under 40", "max 90"], budget_e4=money.to_e4("45"))
    assert (found.most_e4, found.cap) == (money.to_e4("39.9999"), "under 40")
    assert understood([], budget_e4=7).most_e4 == 7
    assert understood([]).most_e4 == money.MOST


@pytest.mark.parametrize("phrase", ["no leather", "Not  LEATHER", "without any leather"])
def test_a_phrase_excludes(phrase: str) -> None:
    found = understood([phrase])
    assert found.never == (("leather",),)
    assert found.every == ()


def test_two_words_are_excluded_together() -> None:
    assert understood(["no artificial sweeteners"]).never == (("artifici", "sweeten"),)


@pytest.mark.parametrize(
    ("phrase", "every"),
    [
        ("red", ("red",)),
        ("$5 max 3 EUR", ("5", "max", "3", "eur")),
        ("nothing red", ("noth", "red")),
        ("noble wood", ("nobl", "wood")),
        ("for me", ()),
        ("no", ()),
        ("", ()),
    ],
)
def test_anything_else_must_be_there(phrase: str, every: tuple[str, ...]) -> None:
    found = understood([phrase])
    assert found.every == every
    assert (found.never, found.most_e4) == ((), money.MOST)


@pytest.mark.parametrize(
    "phrase",
    [
        "no more than 2 kg",
        "max 5 kgs",
        "under 2 kg",
        "under 10 inches",
        "at most 3 all",
        "max 5 xyz",
        "max 1.23456",
        "not under 80",
    ],
)
def test_a_comparison_of_anything_but_a_price_asks_for_nothing_and_is_told(phrase: str) -> None:
    found = understood([phrase])
    assert (found.every, found.never, found.most_e4) == ((), (), money.MOST)
    assert found.unclear == (phrase,)


@pytest.mark.parametrize(
    ("phrase", "never"),
    [
        ("no peanuts or soy", (("peanut",), ("soy",))),
        ("without leather, wool", (("leather",), ("wool",))),
        ("no nuts/dairy and no soy", (("nut",), ("dairi",), ("soy",))),
        ("neither leather nor wool", (("leather",), ("wool",))),
        ("made without faux leather", (("faux", "leather"),)),
        ("no sugar-free gum", (("gum", "withoutsugar"),)),
    ],
)
def test_each_part_of_an_exclusion_excludes_by_itself(
    phrase: str, never: tuple[tuple[str, ...], ...]
) -> None:
    assert understood([phrase]).never == never
    assert understood([phrase]).every == ()


def test_what_is_excluded_ends_at_a_but() -> None:
    found = understood(["no leather but waterproof", "red, without wool"])
    assert (found.every, found.never) == (("waterproof", "red"), (("leather",), ("wool",)))


@pytest.mark.parametrize("phrase", ["gluten-free", "gluten free", "non-gluten"])
def test_what_is_to_be_free_of_something_must_say_so(phrase: str) -> None:
    assert understood([phrase]).every == ("withoutgluten",)
