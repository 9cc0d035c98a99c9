"""Checks of national numbers that python-stdnum has none for, or too narrow a one.

They take the number in capitals, without separators, in the shape that it was found by.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from stdnum.iso7064 import mod_11_2

_NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]\Z")
_SINGAPORE = {
    "ST": "JZIHGFEDCBA",
    "FG": "XWUTRQPNMLK",
    "M": "XWUTRQPNJLK",
}
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def uk_nino(number: str) -> bool:
    """The letters that are given out; there is no checksum."""
    return _NINO.match(number) is not None


def ru_snils(number: str) -> bool:
    """Weights 9 to 1, and the sum's remainder by 101, with 100 written as 00."""
    weighted = sum(weight * int(digit) for weight, digit in zip(range(9, 0, -1), number, strict=False))
    return int(number[9:]) == weighted % 101 % 100


def sg_nric(number: str) -> bool:
    """Seven weighted digits choose the last letter, in another order for each series."""
    weighted = sum(
        weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), number[1:8], strict=True)
    )
    weighted += {"T": 4, "G": 4, "M": 3}.get(number[0], 0)
    letters = next((letters for series, letters in _SINGAPORE.items() if number[0] in series), None)
    if letters is None:
        return False
    return letters[weighted % 11] == number[8]


def tw_id(number: str) -> bool:
    """The letter counts as two digits; all nine weights and the check digit add up to a multiple of ten."""
    if number[0] not in _TAIWAN_LETTERS or number[1] not in "1289":
        return False
    letter = _TAIWAN_LETTERS.index(number[0]) + 10
    weighted = letter // 10 + letter % 10 * 9
    weighted += sum(weight * int(digit) for weight, digit in zip(range(8, 0, -1), number[1:9], strict=True))
    return (weighted + int(number[9])) % 10 == 0


def cn_resident_id(number: str) -> bool:
    """A province, a date and ISO 7064: not every county that there was, as stdnum's list ends somewhere."""
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return 11 <= int(number[:2]) <= 82 and born.year > 1900 and mod_11_2.is_valid(number)


OWN: dict[str, Callable[[str], bool]] = {
    check.__name__: check for check in (uk_nino, ru_snils, sg_nric, tw_id, cn_resident_id)
}
