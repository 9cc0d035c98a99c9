"""Personal data in a text: a pattern, then a checksum, then the words around it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from ..automaton import Gate
from ..findings import Finding
from . import address, contact, national, network, payment, personal, phone, wallet
from .page import HINTS, Page

_KINDS = (contact, payment, wallet, national, network, personal, address, phone)


@dataclass(frozen=True, slots=True)
class Found:
    """The personal data of a text, and how many more places were left unexamined to keep the time bounded."""

    findings: list[Finding]
    unchecked: int


def find(text: str) -> list[Finding]:
    """The personal data in a text, in its order; no two findings overlap."""
    return scan(text).findings


def scan(text: str, spent: dict[str, int] | None = None) -> Found:
    """As `find`, and says whether anything was left out.

    `spent`, empty at first, has several readings of a text share what may be spent on one.
    """
    page = Page(text, gate(), spent)
    findings = [finding for kind in _KINDS for finding in kind.find(page)] if page.hints else []
    return Found(strongest(findings), page.unchecked)


@cache
def gate() -> Gate:
    """The hints of all kinds, made ready at the first use, which takes a fifth of a second."""
    hints = {name: hint for kind in _KINDS for name, hint in kind.HINTS.items()}
    return Gate({**HINTS, **hints}, caseless=True)


def strongest(findings: Iterable[Finding]) -> list[Finding]:
    """Of the findings that overlap only the strongest, of equally strong ones the longest; in text order."""
    in_order = sorted(findings, key=lambda finding: finding.span)
    if all(one.span[1] <= other.span[0] for one, other in pairwise(in_order)):
        return in_order
    kept: list[Finding] = []
    starts: list[int] = []
    for finding in sorted(in_order, key=_weakness):
        start, end = finding.span
        place = bisect_left(starts, start)
        if place and kept[place - 1].span[1] > start:
            continue
        if place < len(kept) and starts[place] < end:
            continue
        kept.insert(place, finding)
        starts.insert(place, start)
    return kept


def _weakness(finding: Finding) -> tuple[float, int, int]:
    start, end = finding.span
    return -finding.score, start - end, start
