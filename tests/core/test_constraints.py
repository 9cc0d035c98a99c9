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
        ("under 10 inches", ("10", "inch")),
        ("max 5 xyz", ("max", "5", "xyz")),
        ("$5 max 3 EUR", ("5", "max", "3", "eur")),
        ("nothing red", ("noth", "red")),
        ("noble wood", ("nobl", "wood")),
        ("max 1.23456", ("max", "1", "23456")),
        ("for me", ()),
        ("no", ()),
        ("", ()),
    ],
)
def test_anything_else_must_be_there(phrase: str, every: tuple[str, ...]) -> None:
    found = understood([phrase])
    assert found.every == every
    assert (found.never, found.most_e4) == ((), money.MOST)
