"""Takes findings out of a text and puts them back: typed, numbered placeholders such as `<EMAIL_1>`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .findings import Finding

# No placeholder contains "<" or ">" but at its ends, so none can arise where one touches the text around it.
PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*_[0-9]+>")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without what was found in it, and what each placeholder stands for."""

    text: str
    placeholders: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Cut:
    start: int
    end: int
    label: str
    score: float


def mask(text: str, findings: Iterable[Finding]) -> Masked:
    """Replace every finding that has a label; equal values of a type share a placeholder.

    All other characters stay as they are. Findings that overlap are replaced as one, under the label of the
    strongest. A placeholder that the text contains already is not given out.
    """
    namer = _Namer(text)
    pieces: list[str] = []
    at = 0
    for cut in _cuts(findings):
        pieces += text[at : cut.start], namer.name(cut.label, text[cut.start : cut.end])
        at = cut.end
    pieces.append(text[at:])
    return Masked("".join(pieces), namer.placeholders)


def unmask(text: str, placeholders: Mapping[str, str]) -> str:
    """Put the values back; what merely looks like a placeholder stays."""
    if not placeholders:
        return text
    return PLACEHOLDER.sub(lambda match: placeholders.get(match[0], match[0]), text)


class _Namer:
    """Gives each value of a text its placeholder, in the order of appearance."""

    def __init__(self, text: str) -> None:
        self.placeholders: dict[str, str] = {}
        self._taken = set(PLACEHOLDER.findall(text))
        self._names: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}

    def name(self, label: str, value: str) -> str:
        name = self._names.get((label, value))
        if name is None:
            name = self._names[label, value] = self._next(label)
            self.placeholders[name] = value
        return name

    def _next(self, label: str) -> str:
        number = self._last.get(label, 0) + 1
        while (name := f"<{label}_{number}>") in self._taken:
            number += 1
        self._last[label] = number
        return name


def _cuts(findings: Iterable[Finding]) -> list[_Cut]:
    """The labelled spans in text order, those that overlap made one."""
    cuts: list[_Cut] = []
    for finding in sorted(findings, key=lambda finding: finding.span):
        if finding.label is None:
            continue
        start, end = finding.span
        cut = _Cut(start, end, finding.label, finding.score)
        if cuts and start < cuts[-1].end:
            cut = _joined(cuts.pop(), cut)
        cuts.append(cut)
    return cuts


def _joined(one: _Cut, other: _Cut) -> _Cut:
    strongest = max(one, other, key=lambda cut: cut.score)
    return _Cut(one.start, max(one.end, other.end), strongest.label, strongest.score)
