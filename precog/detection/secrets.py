"""Finds secrets in a text: tokens, keys, passwords.

One automaton over all detectors tells where one of them may apply, in a time linear in the text. Only there
is a detector's own pattern tried, and only what matches is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import hyperscan

from .automaton import Automaton
from .findings import Finding
from .secret_detectors import SURE, Detector, secret_of
from .secret_keywords import announced
from .secret_passwords import passwords
from .secret_structures import structured
from .secret_tokens import issued

_MOST_TRIED = 2000  # places a detector is tried at in one text, so that a flood of them costs little
_MOST_FOUND = 300  # secrets of one kind that are told apart
_LONGEST_LEAD = 32


@dataclass(frozen=True, slots=True)
class Found:
    """The secrets of a text; not `complete` when there were too many places to try."""

    findings: list[Finding]
    complete: bool = True


def find(text: str) -> list[Finding]:
    """The secrets of a text, in its order; no two overlap."""
    return scan(text).findings


def scan(text: str) -> Found:
    """As `find`, and says whether anything was left out."""
    automaton = _automaton()
    starts = automaton.starts(text)
    if not starts:
        return Found([])
    cut_short: list[str] = []
    found = [
        finding
        for number in sorted(starts)
        for finding in _try(
            automaton.detectors[number], automaton.patterns[number], text, sorted(starts[number]), cut_short
        )
    ]
    return Found(_apart(found) if found else [], not cut_short)


def ready() -> None:
    """Compile the automaton, which the first text would have to wait for."""
    _automaton()


@cache
def detectors() -> tuple[Detector, ...]:
    """All kinds of secrets that are known."""
    return (*issued(), *structured(), *announced(), *passwords())


class _Automaton:
    """The detectors' anchors, compiled into one database. Threads may share it."""

    def __init__(self) -> None:
        self.detectors = detectors()
        self.patterns = tuple(re.compile(detector.pattern) for detector in self.detectors)
        self._after = tuple(detector.after for detector in self.detectors)
        self._anchors = Automaton(
            [detector.anchor.encode() for detector in self.detectors],
            flags=[_flags(detector) for detector in self.detectors],
        )

    def starts(self, text: str) -> dict[int, set[int]]:
        """By number of the detector, the code points where it may apply."""
        starts: dict[int, set[int]] = {}
        after = self._after

        def note(number: int, start: int, end: int, _flags: int, _context: object) -> None:
            known = starts.get(number)
            if known is None:
                known = starts[number] = set()
            known.add(end if after[number] else start)

        # A lone surrogate has no bytes; a question mark is as little of a secret as it is.
        data = text.encode("utf-8", "replace")
        self._anchors.scan(data, note)
        if starts and len(data) != len(text):
            points = _points(data, sorted({start for known in starts.values() for start in known}))
            return {number: {points[start] for start in known} for number, known in starts.items()}
        return starts


@cache
def _automaton() -> _Automaton:
    return _Automaton()


def _flags(detector: Detector) -> int:
    flags = hyperscan.HS_FLAG_MULTILINE
    if not detector.after:
        flags |= hyperscan.HS_FLAG_SOM_LEFTMOST  # where a match starts is known at a price only
    if detector.caseless:
        flags |= hyperscan.HS_FLAG_CASELESS
    if not detector.anchor.isascii():
        flags |= hyperscan.HS_FLAG_UTF8
    return flags


def _points(data: bytes, offsets: list[int]) -> dict[int, int]:
    """Code points before each byte offset."""
    points: dict[int, int] = {}
    at = seen = 0
    for offset in offsets:
        seen += len(data[at:offset].decode("utf-8", "ignore"))
        at = offset
        points[offset] = seen
    return points


def _try(
    detector: Detector, pattern: re.Pattern[str], text: str, starts: list[int], cut_short: list[str]
) -> Iterator[Finding]:
    """What the detector finds where it may apply, each place of the text looked at once.

    Its rule is added to `cut_short` when there were more places than it tried.
    """
    rule = f"secret.{detector.name}"
    done = tried = found = 0
    for start in starts:
        if start < done:
            continue
        if tried == _MOST_TRIED or found == _MOST_FOUND:
            cut_short.append(rule)
            # Rather one finding too long than a secret let through, where most places have held one.
            if found * 2 > tried:
                yield Finding("secret_leakage", rule, SURE, (start, len(text)), label=detector.label)
            return
        tried += 1
        match = pattern.match(text, _led(detector, text, start, done) if detector.lead else start)
        if match is None:
            continue
        done = match.end()
        score = detector.judge(match)
        if score > 0:
            found += 1
            yield Finding("secret_leakage", rule, score, secret_of(match), label=detector.label)


def _led(detector: Detector, text: str, start: int, done: int) -> int:
    """Where the lead of what starts here begins."""
    least = max(done, start - _LONGEST_LEAD)
    while start > least and text[start - 1] in detector.lead:
        start -= 1
    return start


def _apart(found: list[Finding]) -> list[Finding]:
    """Of findings that overlap the surest, and of those as sure the longest; in text order."""
    if len(found) == 1:
        return found
    kept: list[Finding] = []
    ranked = sorted(found, key=lambda finding: (-finding.score, finding.span[0] - finding.span[1]))
    rank = {id(finding): place for place, finding in enumerate(ranked)}
    for finding in sorted(found, key=lambda finding: (finding.span[0], rank[id(finding)])):
        # Those kept end in text order, so only the last can overlap.
        if kept and finding.span[0] < kept[-1].span[1]:
            if rank[id(finding)] < rank[id(kept[-1])]:
                kept[-1] = finding
            continue
        kept.append(finding)
    return kept
