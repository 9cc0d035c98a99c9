"""A reading of a text, and the way back from its places to those of the text as it came."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

# Within a longer run a place is known as that of the whole run: to be exact would take time without bound.
FINEST = 8192


@dataclass(frozen=True, slots=True)
class Rule:
    """What is replaced by what.

    With `spread`, what replaces a run stands for places in it at even distances, as the letters of
    "i g n o r e" do. `piece` matches the parts of a run that are replaced each for itself.
    """

    name: str
    pattern: re.Pattern[str]
    replace: str | Callable[[re.Match[str]], str]
    spread: bool = False
    piece: re.Pattern[str] | None = None

    def replacement(self, match: re.Match[str]) -> str:
        return self.replace if isinstance(self.replace, str) else self.replace(match)


class Origin(Protocol):
    """What one step did to a text."""

    @property
    def name(self) -> str: ...

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The place in the text before the step."""

    def touched(self, start: int, end: int) -> bool:
        """Whether the step changed anything there."""


class Replaced:
    """Runs of the text were replaced.

    Where they were is found out when it is first asked for: few views have a hit.
    """

    __slots__ = ("_ends", "_inner", "_replacements", "_sources", "_starts", "name", "rule", "source")

    def __init__(self, rule: Rule, source: str) -> None:
        self.name = rule.name
        self.rule = rule
        self.source = source
        self._starts: list[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        return self._place(start)[0], self._place(end - 1)[1]

    def touched(self, start: int, end: int) -> bool:
        starts = self._trace()
        last = bisect_right(starts, end - 1) - 1  # of those that begin before the end
        return last >= 0 and (self._ends[last] > start or starts[last] > start)

    def _place(self, at: int) -> tuple[int, int]:
        """The place of the one character at `at`."""
        i = bisect_right(self._trace(), at) - 1
        if i < 0:
            return at, at + 1
        begin, end = self._sources[i]
        if at >= self._ends[i]:
            at += end - self._ends[i]
            return at, at + 1
        at -= self._starts[i]  # type: ignore[index]  # the trace has set it
        length, replaced = end - begin, self._ends[i] - self._starts[i]  # type: ignore[index]
        if length == replaced:
            return begin + at, begin + at + 1
        if self.rule.spread and replaced > 1 and not (length - 1) % (replaced - 1):
            at = begin + at * ((length - 1) // (replaced - 1))
            return at, at + 1
        if self.rule.piece and length <= FINEST:
            if i not in self._inner:
                rule = Rule(self.name, self.rule.piece, self.rule.replace)
                self._inner[i] = Replaced(rule, self.source[begin:end])
            start, stop = self._inner[i]._place(at)
            return begin + min(start, length - 1), begin + min(stop, length)
        return begin, end

    def _trace(self) -> list[int]:
        if self._starts is not None:
            return self._starts
        starts: list[int] = []
        self._ends: list[int] = []
        self._sources: list[tuple[int, int]] = []
        self._inner: dict[int, Replaced] = {}
        shift = 0
        for match in self.rule.pattern.finditer(self.source):
            new = self.rule.replacement(match)
            if new == match[0]:
                continue
            begin, end = match.span()
            starts.append(begin + shift)
            shift += len(new) - (end - begin)
            self._ends.append(end + shift)
            self._sources.append((begin, end))
        self._starts = starts
        return starts


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Characters were exchanged for others, each in its place."""

    name: str
    source: str
    text: str

    def back(self, start: int, end: int) -> tuple[int, int]:
        return start, end

    def touched(self, start: int, end: int) -> bool:
        return self.source[start:end] != self.text[start:end]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The text was turned around, or with `words` each word in its place."""

    name: str
    source: str
    words: bool = False

    def back(self, start: int, end: int) -> tuple[int, int]:
        if not self.words:
            return len(self.source) - end, len(self.source) - start
        # Whole words: a part of one is somewhere else in it, the words between are where they were.
        begin = self.source.rfind(" ", 0, start + 1) + 1
        stop = self.source.find(" ", end - 1)
        return min(begin, start), max(len(self.source) if stop < 0 else stop, end)

    def touched(self, start: int, end: int) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Cut:
    """Some parts of the text were kept, each followed by a line break. It undoes nothing, so has no name."""

    kept: tuple[tuple[int, int], ...]
    name: str = ""

    def text(self, source: str) -> str:
        return "".join([f"{source[start:end]}\n" for start, end in self.kept])

    def back(self, start: int, end: int) -> tuple[int, int]:
        first, last = self._place(start), self._place(max(start, end - 1))
        return first, max(first + 1, last + 1)

    def touched(self, start: int, end: int) -> bool:
        return False

    def _place(self, at: int) -> int:
        for start, end in self.kept:
            if at <= end - start:
                return min(start + at, max(start, end - 1))
            at -= end - start + 1
        return max(0, self.kept[-1][1] - 1)


@dataclass(frozen=True, slots=True)
class View:
    """A reading of the text: `transform` names all that was undone, None for the text as it came."""

    text: str
    transform: str | None = None
    origin: tuple[Origin, ...] = field(default=(), repr=False)  # the first step first

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original this place comes from; never empty as long as the place is not."""
        for step in reversed(self.origin):
            start, end = step.back(start, end)
        return start, end

    def needed(self, start: int, end: int) -> str | None:
        """The transforms that had a part in this place, which may be fewer than the view's."""
        names: list[str] = []
        for step in reversed(self.origin):
            if step.touched(start, end):
                names.insert(0, step.name)
            start, end = step.back(start, end)
        return joined(names)

    @property
    def cut(self) -> bool:
        """Whether nothing was undone, and only parts of the text were kept."""
        return bool(self.origin) and self.transform is None

    @property
    def turned(self) -> bool:
        """Whether the whole text was turned around or rotated last."""
        return bool(self.origin) and self.origin[-1].name in ("reversed", "rot13")

    def then(self, text: str, *steps: Origin) -> View:
        """This view with something more undone."""
        origin = (*self.origin, *steps)
        return View(text, joined([step.name for step in origin]), origin)


def joined(names: list[str]) -> str | None:
    """The name of several steps: a transform may take several of its own, but decoding twice is two."""
    once = ("normalized", "repeated")
    parts = [
        name for i, name in enumerate(names) if name and (name not in once or names[i - 1 : i] != [name])
    ]
    return "+".join(parts) or None
