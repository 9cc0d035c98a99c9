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
class Cut:
    """A place that a placeholder takes."""

    start: int
    end: int
    label: str
    score: float


class Namer:
    """Gives each value its placeholder, in the order of appearance; equal values of a type share one.

    Texts that are masked by the same namer have the same placeholder for the same value.
    """

    def __init__(self, text: str = "") -> None:
        self.placeholders: dict[str, str] = {}
        self._taken = set(PLACEHOLDER.findall(text))
        self._names: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}

    def reserve(self, text: str) -> None:
        """Give out none of the placeholders that the text contains."""
        if "<" in text:
            self._taken.update(PLACEHOLDER.findall(text))

    def name(self, label: str, value: str) -> str:
        """The placeholder for a value."""
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


def mask(text: str, findings: Iterable[Finding], namer: Namer | None = None) -> Masked:
    """Replace every finding that has a label; equal values of a type share a placeholder.

    All other characters stay as they are. Findings that overlap are replaced as one, under the label of the
    strongest. A placeholder that the text contains already is not given out.
    """
    if namer is None:
        namer = Namer()
    namer.reserve(text)
    return Masked(cut_out(text, cuts(findings), namer), namer.placeholders)


def cut_out(text: str, places: Iterable[Cut], namer: Namer) -> str:
    """The text with placeholders at the places, which are in its order and apart."""
    pieces: list[str] = []
    at = 0
    for cut in places:
        pieces += text[at : cut.start], namer.name(cut.label, text[cut.start : cut.end])
        at = cut.end
    pieces.append(text[at:])
    return "".join(pieces)


def unmask(text: str, placeholders: Mapping[str, str]) -> str:
    """Put the values back; what merely looks like a placeholder stays."""
    if not placeholders:
        return text
    return PLACEHOLDER.sub(lambda match: placeholders.get(match[0], match[0]), text)


def cuts(findings: Iterable[Finding]) -> list[Cut]:
    """The labelled spans in text order, those that overlap made one."""
    found: list[Cut] = []
    for finding in sorted(findings, key=lambda finding: finding.span):
        if finding.label is None:
            continue
        start, end = finding.span
        cut = Cut(start, end, finding.label, finding.score)
        if found and start < found[-1].end:
            cut = _joined(found.pop(), cut)
        found.append(cut)
    return found


def _joined(one: Cut, other: Cut) -> Cut:
    strongest = max(one, other, key=lambda cut: cut.score)
    return Cut(one.start, max(one.end, other.end), strongest.label, strongest.score)
