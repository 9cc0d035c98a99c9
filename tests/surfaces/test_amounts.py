"""Amounts of money in a body are the digits that were sent."""

from __future__ import annotations

import json
from decimal import Decimal

import marshmallow as ma
import pytest

from precog.core import money
from precog.errors import MalformedBody
from precog.surfaces import body
from precog.surfaces.amounts import Amount, Currency


class Paid(ma.Schema):
    value = Amount(required=True)
    currency = Currency()


def paid(written: str):
    return Paid().load(body.parse(f'{{"value":{written}}}'.encode(), exact=True))["value"]


@pytest.mark.parametrize(
    ("written", "e4"),
    [
        ("19.99", 199_900),
        ('"19.99"', 199_900),
        ("0.1", 1_000),
        ("1.5e1", 150_000),
        ("80", 800_000),
        ("0", 0),
        ("-0", 0),
        ("123456789012.3456", 1_234_567_890_123_456),
        ("999999999999.9999", money.MOST),
    ],
)
def test_an_amount_is_the_digits_that_were_sent(written, e4):
    assert paid(written) == e4


@pytest.mark.parametrize(
    "written",
    [
        *("-1", "-0.01", "1.00001", "1000000000000", "1e12", "1e-5", "1e300", "1e-400", "0e400"),
        *('"-1"', '"1e3"', '"NaN"', '"Infinity"', '""', '" 1"', '"1,5"', "null", "true", "[]", "{}"),
        *('"' + "9" * 5_000 + '"', "0." + "1" * 5_000, "9223372036854775807"),
    ],
)
def test_another_amount_is_refused(written):
    with pytest.raises(ma.ValidationError):
        paid(written)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5_000, "1e-" + "9" * 30])
def test_a_number_that_is_none_is_no_json(written):
    with pytest.raises(MalformedBody):
        paid(written)


def test_a_float_has_lost_its_digits():
    with pytest.raises(ma.ValidationError):
        Paid().load(json.loads('{"value":19.99}'))


def test_only_an_exact_body_has_decimals():
    assert body.parse(b"[19.99]", exact=True) == [Decimal("19.99")]
    assert isinstance(body.parse(b"[19.99]")[0], float)


@pytest.mark.parametrize("code", ["eur", "EURO", "XXX", "XAU", "", "€", 978])
def test_another_currency_is_refused(code):
    with pytest.raises(ma.ValidationError):
        Paid().load({"value": "1", "currency": code})
