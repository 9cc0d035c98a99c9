"""Payment cards and bank accounts: all but the bank's own code carry a checksum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from stdnum import numdb

from ..findings import Finding
from .page import Page, in_word, mentions, words

_CHECKS = 400

# A run of digits and single separators is entered only at its beginning and never given back: linear.
_RUN = re.compile(
    r"[0-9](?<![0-9A-Za-z_+].)(?<![0-9][ .,-].)(?<![0-9A-Fa-f]{4}-.)(?:[ -]?[0-9]){11}(?:[ -]?[0-9])*+"
)
# Within a run: at the beginning of every group, whatever its neighbour has taken.
_GROUPED = re.compile(
    r"(?<![0-9])(?=([2-6][0-9]{3}(?:[ -][0-9]{4}){3}(?:([ -][0-9]{3})(?![0-9]))?(?![0-9])"
    r"|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5}(?![0-9])"
    r"|[2-6][0-9]{12,18}(?![0-9])))"
)
_LONGEST_CARD = 19
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
_SINGLE = bytes.maketrans(b"0123456789", bytes(range(10)))
_ISSUERS = (
    # Prefixes from..to (of as many digits), lengths, and how much the prefix says.
    ("34", "34", (15,), 0.9),
    ("37", "37", (15,), 0.9),
    ("4", "4", (16,), 0.9),
    ("4", "4", (13, 19), 0.4),
    ("51", "55", (16,), 0.9),
    ("2221", "2720", (16,), 0.85),
    ("6011", "6011", (16, 19), 0.9),
    ("644", "659", (16, 19), 0.85),
    ("3528", "3589", (16, 17, 18, 19), 0.85),
    ("1800", "1800", (15,), 0.4),
    ("2131", "2131", (15,), 0.4),
    ("300", "305", (14, 16, 17, 18, 19), 0.55),
    ("3095", "3095", (14,), 0.55),
    ("36", "36", (14, 16, 17, 18, 19), 0.55),
    ("38", "39", (14, 16, 17, 18, 19), 0.55),
    ("2200", "2204", (16, 17, 18, 19), 0.8),
    ("62", "62", (16, 17, 18, 19), 0.8),
    ("60", "60", (16,), 0.7),
    ("81", "82", (16,), 0.6),
    ("9792", "9792", (16,), 0.7),
    ("5018", "5018", tuple(range(12, 20)), 0.45),
    ("5020", "5020", tuple(range(12, 20)), 0.45),
    ("5038", "5038", tuple(range(12, 20)), 0.45),
    ("5060", "5081", (16, 18, 19), 0.6),
    ("5893", "5893", tuple(range(12, 20)), 0.45),
    ("6304", "6304", tuple(range(12, 20)), 0.45),
    ("6759", "6763", tuple(range(12, 20)), 0.45),
    ("0604", "0604", tuple(range(12, 20)), 0.45),
)
_BY_LENGTH = {
    size: tuple((low, high, score) for low, high, sizes, score in _ISSUERS if size in sizes)
    for size in range(12, _LONGEST_CARD + 1)
}
_CARD_WORDS = words("""
    card*, cc, credit*, debit*, visa, mastercard, amex, maestro, pan, cvv, cvc, expir*, tarjeta*, carte*,
    cartão, cartao, carta, karte*, kreditkarte*, karta, kart*, kaart*, kortti*, kort*, tarjeta, κάρτα*,
    карт*, *卡*, *カード*, *카드*, بطاقة*, כרטיס*, kredi*
""")
_OTHER_WORDS = words("""
    order, invoice, tracking, shipment, ticket, imei, isbn, ean, serial, uuid, id, timestamp
""")

_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?=[ -]?[0-9A-Za-z]{2})")
_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
    32: "LC", 33: "RU",
}  # fmt: skip
# By country, as long as its accounts are, with or without separators.
_ACCOUNTS = {
    country: pattern
    for size, countries in _LENGTHS.items()
    for pattern in [re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:[ -]?[0-9A-Za-z]){{{size - 4}}}(?![0-9A-Za-z])")]
    for country in countries.split()
}
_IBAN_WORDS = words("iban")
# How the structure of an account is written: "4!a6!n8!n".
_PART = re.compile("([0-9]+)!([nac])")
_CHARACTERS = {"n": "[0-9]", "a": "[A-Z]", "c": "[0-9A-Z]"}
_BASE36 = {ord(char): str(int(char, 36)) for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

_BIC = re.compile(r"(?<![0-9A-Za-z])[A-Z]{6}[0-9A-Z]{2}(?:[0-9A-Z]{3})?(?![0-9A-Za-z])")
_BIC_WORDS = words("bic, swift")


HINTS = {
    "card": "[0-9](?:[ -]?[0-9]){11}",
    "iban": r"\b[a-z]{2}[0-9]{2}[ -]?[0-9a-z](?:[ -]?[0-9a-z]){9}",
    "bic": r"\b(?:bic|swift)\b",
}


def find(page: Page) -> Iterator[Finding]:
    """Cards, IBANs and BICs."""
    if "card" in page.hints:
        yield from _cards(page)
    if "iban" in page.hints:
        yield from _ibans(page)
    if "bic" in page.hints:
        yield from _bics(page)


def _finding(name: str, score: float, start: int, end: int) -> Finding:
    return Finding("pii_leakage", f"pii.{name}", score, (start, end), label=name.upper())


def _cards(page: Page) -> Iterator[Finding]:
    for run in _RUN.finditer(page.text):
        start, end = run.span()
        if in_word(page.text[end : end + 1]):
            continue
        card = _card(page, start, end) if end - start < 2 * _LONGEST_CARD else None
        if card:
            yield card
        elif " " in run[0] or "-" in run[0]:
            yield from _grouped_cards(page, start, end)


def _grouped_cards(page: Page, start: int, end: int) -> Iterator[Finding]:
    for group in _GROUPED.finditer(page.text, start, end):
        first, last = group.span(1)
        # Three more digits after the sixteenth are a longer number, or the code from the card's back.
        card = _card(page, first, last) or (group[2] and _card(page, first, group.start(2)))
        if card:
            yield card


def _card(page: Page, start: int, end: int) -> Finding | None:
    if not page.visit(3):
        return None
    digits = page.text[start:end].replace(" ", "").replace("-", "")
    if not 12 <= len(digits) <= _LONGEST_CARD or not luhn(digits):
        return None
    score = _issuer(digits)
    if not page.spend("card", _CHECKS):
        return _finding("credit_card", score, start, end) if score >= 0.5 else None
    if mentions(page.around(start, end), _CARD_WORDS):
        score = 0.98 if score else 0.7
    elif not score:
        return None
    elif end - start > len(digits):
        score = min(0.95, score + 0.05)
    elif mentions(page.before(start, 24), _OTHER_WORDS):
        score = min(score, 0.4)
    return _finding("credit_card", score, start, end)


def _issuer(digits: str) -> float:
    """How much the first digits and the length speak for a card; 0 when no card begins so."""
    known = _BY_LENGTH[len(digits)]
    return max((score for low, high, score in known if low <= digits[: len(low)] <= high), default=0.0)


def luhn(digits: str) -> bool:
    """Whether the last of the ASCII digits is their check digit."""
    raw = digits.encode()
    return (sum(raw[-1::-2].translate(_SINGLE)) + sum(raw[-2::-2].translate(_DOUBLED))) % 10 == 0


def _ibans(page: Page) -> Iterator[Finding]:
    for found in _IBAN.finditer(page.text):
        account = _ACCOUNTS.get(found[0][:2].upper())
        match = account and account.match(page.text, found.start())
        if not match:
            continue
        if not page.visit(2):
            return
        number = match[0].replace(" ", "").replace("-", "").upper()
        if _is_iban(number):
            if _structure(number[:2]).fullmatch(number, 4):
                yield _finding("iban", 0.97, *match.span())
        elif page.spend("mistyped iban", _CHECKS) and mentions(page.before(match.start()), _IBAN_WORDS):
            # Said to be one, of its country's length, and mistyped.
            yield _finding("iban", 0.6, *match.span())


def _is_iban(number: str) -> bool:
    """Whether the remainder by 97 is right, whatever the country thinks of the number."""
    return int((number[4:] + number[:4]).translate(_BASE36)) % 97 == 1


@cache
def _structure(country: str) -> re.Pattern[str]:
    """What follows the check digits in the country's accounts."""
    known = numdb.get("iban").info(country)[0][1].get("bban", "")
    return re.compile("".join(f"{_CHARACTERS[kind]}{{{size}}}" for size, kind in _PART.findall(known)))


def _bics(page: Page) -> Iterator[Finding]:
    for match in _BIC.finditer(page.text):
        if not page.spend("bic", _CHECKS):
            continue
        if mentions(page.around(*match.span(), before=40, after=20), _BIC_WORDS) and not match[0].isalpha():
            yield _finding("bic", 0.5, *match.span())
