"""Money: decimal text or numbers outside, whole ten-thousandths inside; never binary floating point."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

PLACES = 4
ONE: int = 10**PLACES
WHOLE_DIGITS = 12
MOST: int = 10 ** (WHOLE_DIGITS + PLACES) - 1
"""The largest amount, in ten-thousandths: 999999999999.9999."""

PATTERN = rf"[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{PLACES}}})?"
"""What an amount looks like as text."""

_TEXT = re.compile(PATTERN)


def to_e4(amount: str | int | Decimal) -> int:
    """The amount in ten-thousandths.

    Raises ValueError for one that is negative, not finite, has more than four places or more than twelve
    digits before the point. There is no way in for a float, whose digits are not those that were written.
    """
    if isinstance(amount, str):
        if _TEXT.fullmatch(amount) is None:
            raise ValueError("not an amount of money")
        amount = Decimal(amount)
    elif isinstance(amount, int):
        if not 0 <= amount < 10**WHOLE_DIGITS:
            raise ValueError("not an amount of money")
        return amount * ONE
    return _of_decimal(amount)


def _of_decimal(amount: Decimal) -> int:
    sign, digits, exponent = amount.as_tuple()
    # By its exponents, before any arithmetic: 1e999999999 is a short text and a very long number.
    if not isinstance(exponent, int) or exponent < -PLACES or amount.adjusted() >= WHOLE_DIGITS:
        raise ValueError("not an amount of money")
    if sign and any(digits):
        raise ValueError("not an amount of money")
    factor: int = 10 ** (exponent + PLACES)
    return int("".join(map(str, digits))) * factor


def to_text(e4: int, currency: str | None = None) -> str:
    """The amount with as many places as it needs, and at least as many as its currency has: `19.90`."""
    whole, rest = divmod(abs(e4), ONE)
    shown = f"{rest:0{PLACES}d}".rstrip("0")
    shown = shown.ljust(0 if currency is None else (_places().get(currency) or 0), "0")
    return ("-" if e4 < 0 else "") + (f"{whole}.{shown}" if shown else str(whole))


def is_currency(code: str) -> bool:
    """Whether this is the ISO 4217 code of something one can pay with.

    The list also has metals, units of account and codes for tests; they have no minor unit.
    """
    return _places().get(code) is not None


@cache
def _places() -> dict[str, int | None]:
    # At the first use: the library reads its table, an XML file, when it is imported.
    from iso4217 import Currency

    return {currency.code: currency.exponent for currency in Currency}


def share(value_e4: int, percent_e2: int) -> int:
    """So many hundredths of a percent of the value, rounded half to even to a ten-thousandth."""
    quotient, rest = divmod(value_e4 * percent_e2, 10_000)
    return quotient + (rest * 2 > 10_000 or (rest * 2 == 10_000 and quotient % 2 == 1))
