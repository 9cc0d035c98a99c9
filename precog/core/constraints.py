"""What a buyer insists on, said in plain phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import money
from .words import PASSED, Said, said

_EXCLUDES = re.compile(r"(?:no|not|without)\s+(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_APART = re.compile(r"[,;/&+]|\b(?:or|and|nor|no|not|without)\b", re.IGNORECASE)
_HOW = (
    r"(?:under|below|less than|cheaper than|max(?:imum)?\.?|at most|up to|<=?|≤|"
    r"(?:no|not) (?:more|higher) than|(?:no|not) (?:over|above))"
)
_UNIT = r"us\s?\$|[$€£¥]|(?:us )?[a-z]+"
_AMOUNT = rf"(?P<before>{_UNIT})?\s*(?P<amount>\d[\d.,]*)\s*(?P<after>{_UNIT})?"
_CAPS = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?:(?:price|budget|costs?)\s*:?\s+)?(?P<how>{_HOW})\s*:?\s*{_AMOUNT}",
        rf"(?:price|budget|costs?)?\s*:?\s*{_AMOUNT}\s+(?P<how>max(?:imum)?|at most|or (?:less|under|below))",
    )
)
# Says how much, but of what is not understood; "more" and "over" are no things that one can be without.
_COMPARES = re.compile(
    rf"(?:{_HOW}|(?:no|not) (?:under|below|less than))\s*:?\s*\D{{0,4}}\d.*", re.IGNORECASE
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_POINTED = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
# The signs and names of many currencies say nothing.
_NAMES = {
    **dict.fromkeys(("$", "¥", "dollar", "dollars", "buck", "bucks")),
    **dict.fromkeys(("€", "euro", "euros"), "EUR"),
    **dict.fromkeys(("£", "pound", "pounds", "quid"), "GBP"),
    **dict.fromkeys(("us$", "us dollar", "us dollars"), "USD"),
    "yen": "JPY",
}
# In small letters others are words or units: all, kgs, top.
_SMALL = frozenset(
    "eur usd gbp chf jpy cad aud nzd sek nok dkk pln czk huf cny inr brl mxn krw sgd hkd zar".split()
)
_THREE_PLACES = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_STRICT = frozenset({"under", "below", "less than", "cheaper than", "<", "or under", "or below"})


@dataclass(frozen=True, slots=True)
class Constraints:
    """`every` stem must be there, of each of `never` one must not; the price is at most `most_e4`.

    `currencies` are those that a price was named in: with two of them nothing fits. `cap` and `excluded`
    are what was said of the price and of what must not be, in words, `wanted` what must, as it was said.
    `unclear` are comparisons that are not understood; they ask for nothing.
    """

    every: tuple[str, ...] = ()
    never: tuple[tuple[str, ...], ...] = ()
    most_e4: int = money.MOST
    currencies: frozenset[str] = frozenset()
    cap: str | None = None
    excluded: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def understood(
    phrases: Iterable[str], *, budget_e4: int | None = None, denied: Iterable[Mapping[str, str]] = ()
) -> Constraints:
    """What the phrases ask for, together with the budget and what a goal says that must not be."""
    every: dict[str, str] = {}
    never = {tuple(run): " ".join(run.values()) for run in denied}
    caps = [] if budget_e4 is None else [_Cap(budget_e4, f"at most {money.to_text(budget_e4)}", None)]
    unclear = []
    for phrase in phrases:
        text = " ".join(phrase.split()).rstrip(" .!;,")
        if (cap := _cap(text)) is not None:
            caps.append(cap)
        elif _COMPARES.fullmatch(text):
            unclear.append(text)
        else:
            _take(text, every, never)
    lowest = min(caps, key=lambda cap: cap.most_e4, default=None)
    return Constraints(
        every=tuple(every),
        never=tuple(never),
        most_e4=lowest.most_e4 if lowest else money.MOST,
        currencies=frozenset(cap.currency for cap in caps if cap.currency is not None),
        cap=lowest.said if lowest else None,
        excluded=tuple(never.values()),
        wanted=tuple(every.values()),
        unclear=tuple(unclear),
    )


def _take(text: str, every: dict[str, str], never: dict[tuple[str, ...], str]) -> None:
    excludes = _EXCLUDES.fullmatch(text)
    if excludes is None:
        found = said(text, runs=True)
        every |= _asked(found)
        never |= {tuple(run): " ".join(run.values()) for run in found.denied}
        return
    what, *rest = re.split(r"\bbut\b", excludes["what"], maxsplit=1, flags=re.IGNORECASE)
    for part in _APART.split(what):
        if words := _asked(said(part)):
            never[tuple(words)] = " ".join(words.values())
    for other in rest:
        _take(other.strip(), every, never)


def _asked(found: Said) -> dict[str, str]:
    """The stems that a phrase asks for, with their words."""
    # "Gluten free" asks for what is free of it, not for gluten; "made without nuts" does not ask for "made".
    idle = {word for free in found.free.values() if free.endswith(" free") for word in free.split()}
    idle |= PASSED if found.denied else set()
    return {one: word for one, word in found.has.items() if word not in idle} | found.free


@dataclass(frozen=True, slots=True)
class _Cap:
    """The highest price, how to say it, and its currency where one was named."""

    most_e4: int
    said: str
    currency: str | None


def _cap(text: str) -> _Cap | None:
    """The cap in a phrase; None when it is no such thing."""
    match = next((found for pattern in _CAPS if (found := pattern.fullmatch(text))), None)
    if match is None:
        return None
    codes = [_code(one) for one in (match["before"], match["after"]) if one]
    named = {code for code in codes if code}
    if "" in codes or len(named) > 1:
        return None
    currency = next(iter(named), None)
    amount = _amount(match["amount"], currency)
    if amount is None:
        return None
    price = money.to_text(amount, currency) + (f" {currency}" if currency else "")
    if match["how"].lower() in _STRICT:
        return _Cap(amount - 1, f"under {price}", currency)
    return _Cap(amount, f"at most {price}", currency)


def _code(unit: str) -> str | None:
    """The currency's code; None of a sign that many have, and an empty text when it is no currency."""
    name = re.sub(r"\s(?=\$)", "", unit.lower())
    if name in _NAMES:
        return _NAMES[name]
    known = money.is_currency(unit.upper()) and (unit.isupper() or name in _SMALL)
    return unit.upper() if known else ""


def _amount(text: str, currency: str | None) -> int | None:
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif _POINTED.fullmatch(text) and currency not in _THREE_PLACES:
        text = text.replace(".", "").replace(",", ".")
    elif text.count(",") == 1:
        # 49,90 is how half of the world writes 49.90.
        text = text.replace(",", ".")
    try:
        return money.to_e4(text.rstrip("."))
    except ValueError:
        return None
