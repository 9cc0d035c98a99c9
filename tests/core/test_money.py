"""Amounts of money keep the digits that they came with."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core import money

AMOUNTS = st.integers(0, money.MOST)


@pytest.mark.parametrize(
    ("amount", "e4"),
    [
        ("19.99", 199_900),
        (Decimal("19.99"), 199_900),
        (Decimal("0.1"), 1_000),
        ("0.0001", 1),
        ("0", 0),
        (0, 0),
        (80, 800_000),
        ("007", 70_000),
        (Decimal("1E+2"), 1_000_000),
        (Decimal("1.5e1"), 150_000),
        (Decimal("-0.0"), 0),
        ("999999999999.9999", money.MOST),
        (Decimal("999999999999.9999"), money.MOST),
        (999_999_999_999, money.MOST - 9_999),
    ],
)
def test_an_amount_is_read_exactly(amount, e4):
    assert money.to_e4(amount) == e4


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "-1",
        "+1",
        " 1",
        "1\n",
        "1.",
        ".5",
        "1,5",
        "1e3",
        "NaN",
        "Infinity",
        "1.00001",
        "1.00000",
        "1000000000000",
        "٣",
        "\udc00",
        "9" * 100_000,
        -1,
        10**12,
        10**4_000,
        Decimal("-0.01"),
        Decimal("1.00001"),
        Decimal("1E-5"),
        Decimal("1E+12"),
        Decimal("1E+400"),
        Decimal("0E+400"),
        Decimal("1E+999999999999999999"),
        Decimal("NaN"),
        Decimal("-Infinity"),
    ],
)
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError, match="not an amount of money"):
        money.to_e4(amount)


@given(AMOUNTS)
def test_an_amount_comes_back_as_it_was_told(e4):
    text = money.to_text(e4)
    assert money.to_e4(text) == e4
    assert money.to_e4(Decimal(text)) == e4
    assert Decimal(text) * 10_000 == e4


@pytest.mark.parametrize(
    ("e4", "currency", "text"),
    [
        (199_900, "USD", "19.99"),
        (199_000, "USD", "19.90"),
        (199_000, None, "19.9"),
        (200_000, "USD", "20.00"),
        (200_000, None, "20"),
        (200_000, "JPY", "20"),
        (205_000, "JPY", "20.5"),
        (1, "USD", "0.0001"),
        (10_000, "BHD", "1.000"),
        (0, "EUR", "0.00"),
        (-15_000, "EUR", "-1.50"),
    ],
)
def test_an_amount_has_the_places_of_its_currency(e4, currency, text):
    assert money.to_text(e4, currency) == text


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "BHD", "UYW", "CLF"])
def test_a_currency_is_known(code):
    assert money.is_currency(code)


@pytest.mark.parametrize(
    "code", ["", "usd", "US", "USDT", "BTC", "ZZZ", "XXX", "XTS", "XAU", "\udc00", "__len__"]
)
def test_what_one_cannot_pay_with_is_no_currency(code):
    assert not money.is_currency(code)


@given(AMOUNTS, st.integers(0, 10_000))
def test_a_share_is_rounded_half_to_even(e4, percent_e2):
    exact = Decimal(e4) * percent_e2 / 10_000
    assert money.share(e4, percent_e2) == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


def test_a_share_of_half_a_step_goes_to_the_even_one():
    assert [money.share(e4, 5_000) for e4 in (1, 2, 3, 5, 7)] == [0, 1, 2, 2, 4]
