"""What a buyer insists on, said in plain phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from . import money
from .words import stems

_EXCLUDES = re.compile(r"(?:no|not|without)\s+(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_CAPS = re.compile(
    r"(?:(?:price|budget|costs?)\s*:?\s+)?"
    r"(?P<how>under|below|less than|max(?:imum)?\.?|at most|up to|(?:no|not) (?:more than|over|above))"
    r"\s*:?\s*"
    r"(?P<before>[$€£]|[a-z]{3}\b)?\s*(?P<amount>\d[\d,]*(?:\.\d+)?)\s*(?P<after>[$€£]|[a-z]{3}\b)?",
    re.IGNORECASE | re.ASCII,
)
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})*(\.\d+)?")
# A dollar sign is of many currencies, so it says nothing.
_SIGNS = {"€": "EUR", "£": "GBP", "$": None}
_STRICT = frozenset({"under", "below", "less than"})


@dataclass(frozen=True, slots=True)
class Constraints:
    """`every` stem must be there, of each of `never` one must not; the price is at most `most_e4`.

    `currencies` are those that a price was named in: with two of them nothing fits. `cap` and `excluded`
    are what was said of the price and of what must not be, in words.
    """

    every: tuple[str, ...] = ()
    never: tuple[tuple[str, ...], ...] = ()
    most_e4: int = money.MOST
    currencies: frozenset[str] = frozenset()
    cap: str | None = None
    excluded: tuple[str, ...] = ()


def understood(phrases: Iterable[str], *, budget_e4: int | None = None) -> Constraints:
    """What the phrases ask for, together with the budget."""
    every: dict[str, None] = {}
    never: dict[tuple[str, ...], str] = {}
    caps = [] if budget_e4 is None else [_Cap(budget_e4, f"at most {money.to_text(budget_e4)}", None)]
    for phrase in phrases:
        text = " ".join(phrase.split())
        if (cap := _cap(text)) is not None:
            caps.append(cap)
        elif (match := _EXCLUDES.fullmatch(text)) is not None:
            if words := tuple(dict.fromkeys(stems(match["what"]))):
                never[words] = match["what"]
        else:
            every |= dict.fromkeys(stems(text))
    lowest = min(caps, key=lambda cap: cap.most_e4, default=None)
    return Constraints(
        every=tuple(every),
        never=tuple(never),
        most_e4=lowest.most_e4 if lowest else money.MOST,
        currencies=frozenset(cap.currency for cap in caps if cap.currency is not None),
        cap=lowest.said if lowest else None,
        excluded=tuple(never.values()),
    )


@dataclass(frozen=True, slots=True)
class _Cap:
    """The highest price, how to say it, and its currency where one was named."""

    most_e4: int
    said: str
    currency: str | None


def _cap(text: str) -> _Cap | None:
    """The cap in a phrase; None when it is no such thing."""
    match = _CAPS.fullmatch(text)
    if match is None:
        return None
    amount = _amount(match["amount"])
    named = {one for one in (match["before"], match["after"]) if one}
    codes = {_SIGNS[one] if one in _SIGNS else one.upper() for one in named}
    if amount is None or len(codes) > 1 or not all(code is None or money.is_currency(code) for code in codes):
        return None
    currency = next(iter(codes), None)
    said = money.to_text(amount, currency) + (f" {currency}" if currency else "")
    if match["how"].lower() in _STRICT:
        return _Cap(amount - 1, f"under {said}", currency)
    return _Cap(amount, f"at most {said}", currency)


def _amount(text: str) -> int | None:
    if "," in text:
        # 1,200.50 has thousands; 49,90 is how half of the world writes 49.90.
        text = text.replace(",", "" if _THOUSANDS.fullmatch(text) else ".")
    try:
        return money.to_e4(text)
    except ValueError:
        return None
