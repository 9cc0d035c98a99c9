"""Finds the places of a text that rules speak of, all rules in one pass.

Rules live in `rules/*.toml`. One automaton looks for the anchors of all of them, in a time linear in the
text: words without which a rule cannot match. Only near an anchor does `re` then look for the whole pattern.
So a pattern may be rich, and costs nothing where nothing is the matter.
"""

from __future__ import annotations

import re
import tomllib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import hyperscan

from .automaton import Automaton
from .folding import Folded, fold, fold_wide

# Ends kept of each anchor: a flood of harmless ones must not cost much, nor hide the last.
_FIRST, _LAST = 2000, 24
# Bytes that patterns may be tried on, all together, in a text and all its readings. Where there is too much
# for that, so many at the beginning and at the end.
EFFORT, EFFORT_BEYOND, _FEW = 360_000, 180_000, 704
MOST_HITS = 128  # of one rule; of more only the last are told
_BEFORE, _AFTER = 224, 128  # bytes around an anchor's end within which its rules match
_MACRO = re.compile(r"\{([a-z_]+)\}")
_LETTER = re.compile(r"([^\x00-\x7f])(?=[?*+{])")
_CLASS = re.compile(r"(?<!\\)\[[^\]]*[^\x00-\x7f][^\]]*\]")
_BLANK = re.compile(r"(?P<class>\[(?:\\.|[^\]\\])*\])(?P<often>[?*+{])?| (?P<counted>[?*+]|\{\d)?")
_GAP = 4  # characters of white space that a class such as [ -] stands for
_DEPTH = 3  # word lists made of word lists


@dataclass(frozen=True, slots=True)
class Rule:
    """What to look for, how much it says (`weight`, 0..1), and the samples that prove it.

    `anchor` is a cheap expression that lies in, or next to, whatever `pattern` matches; the pattern itself
    where it is empty. `unless` is looked for inside what was matched: where it is, nothing has been found.
    """

    id: str
    category: str
    weight: float
    pattern: str
    description: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    unless: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule and the code points that it matched."""

    rule: Rule
    start: int
    end: int


class _Ready:
    """A rule and its patterns, which are compiled when they are first needed: few ever are."""

    __slots__ = ("_pattern", "_unless", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._pattern: re.Pattern[bytes] | None = None
        self._unless: re.Pattern[bytes] | None = None

    @property
    def pattern(self) -> re.Pattern[bytes]:
        if self._pattern is None:
            self._pattern = re.compile(_encode(self.rule.pattern), re.DOTALL | re.MULTILINE)
        return self._pattern

    @property
    def unless(self) -> re.Pattern[bytes] | None:
        if self._unless is None and self.rule.unless:
            self._unless = re.compile(_encode(self.rule.unless), re.DOTALL)
        return self._unless


class Effort:
    """What looking for patterns may still cost in a text, and what need not be looked for any more."""

    __slots__ = ("_beyond", "_left", "complete", "without")

    def __init__(self) -> None:
        self._left = EFFORT
        self._beyond = EFFORT_BEYOND
        self.without: set[str] = set()
        self.complete = True

    def afford(self, windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those that can be looked at: all, or else a part of the first and of the last."""
        size = sum(end - start for start, end in windows)
        if size <= self._left:
            self._left -= size
            return windows
        self.complete = False
        (start, first), (last, end) = windows[0], windows[-1]
        first = min(first, start + _FEW)
        last = max(first, last, end - _FEW)
        self._beyond -= first - start + end - last
        return [(start, first), (last, end)] if self._beyond >= 0 else []


class RuleSet:
    """Rules made ready, which takes most of a second. Threads may share it, and it survives a fork."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        anchored: dict[bytes, list[_Ready]] = {}
        for rule in self.rules:
            anchored.setdefault(_encode(rule.anchor or rule.pattern), []).append(_Ready(rule))
        self._anchored = list(anchored.values())
        flags = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_MULTILINE
        self._automaton = Automaton(list(anchored), flags=[flags] * len(anchored))

    @classmethod
    def load(cls) -> RuleSet:
        """All rules that are shipped."""
        return cls(shipped())

    def warm(self) -> None:
        """Compile what the first texts that need it would wait for."""
        for anchored in self._anchored:
            for ready in anchored:
                _ = ready.pattern, ready.unless

    def scan(self, text: str, effort: Effort | None = None) -> list[Hit]:
        """Where rules match, in text order. A rule has at most one hit at one place."""
        effort = effort or Effort()
        folded = fold(text)
        found = self._anchors(folded.data)
        spans = [
            (ready.rule, start, end)
            # The rare ones first, so that no flood is at their cost.
            for number in (found if len(found) < 2 else sorted(found, key=lambda number: len(found[number])))
            for windows in [_windows(found[number])]
            for ready in self._anchored[number]
            if ready.rule.id not in effort.without
            for start, end in _spans(ready, folded.data, effort.afford(windows))
        ]
        if any(len(ends) >= _FIRST + _LAST for ends in found.values()):
            effort.complete = False
        return _hits(spans, folded) if spans else []

    def _anchors(self, data: bytes) -> dict[int, list[int]]:
        """By number of the anchor, the offsets where it ends."""
        # Called once for each place of each anchor, so it does as little as can be.
        ends: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends[number].append(end)

        self._automaton.scan(data, note)
        return {
            number: [*known[:_FIRST], *known[max(_FIRST, len(known) - _LAST) :]]
            for number, known in ends.items()
        }


def shipped() -> tuple[Rule, ...]:
    """The rules of every file in `rules/`, by file and place."""
    folder = files(__package__).joinpath("rules")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(rule for name in names for rule in read(folder.joinpath(name).read_text("utf-8")))


def read(source: str) -> list[Rule]:
    """The rules of one file. `{name}` in a pattern stands for the file's `words.name`."""
    content = tomllib.loads(source)
    words: dict[str, str] = content.get("words", {})
    return [_rule(entry, words) for entry in content["rules"]]


def _rule(entry: dict[str, Any], words: dict[str, str]) -> Rule:
    return Rule(
        id=entry["id"],
        category=entry["category"],
        weight=float(entry["weight"]),
        pattern=_expand(entry["pattern"], words),
        description=entry["description"],
        hits=tuple(entry["hits"]),
        misses=tuple(entry["misses"]),
        unless=_expand(entry.get("unless", ""), words),
        anchor=_expand(entry.get("anchor", ""), words),
    )


def _expand(pattern: str, words: dict[str, str]) -> str:
    for _ in range(_DEPTH):
        pattern = _MACRO.sub(lambda found: f"(?:{words[found[1]]})", pattern)
    return pattern


def _encode(pattern: str) -> bytes:
    """The pattern for folded bytes. A blank stands for any white space, save in a negated class."""
    folded = "".join(letter if letter.isascii() else fold_wide(letter) for letter in pattern)
    if _CLASS.search(folded):
        raise ValueError(f"only ASCII letters can stand in a character class: {pattern}")
    spaced = _BLANK.sub(_space, folded)
    # A letter of many bytes is kept together before ? * + {.
    return _LETTER.sub(r"(?:\1)", spaced).encode()


def _space(found: re.Match[str]) -> str:
    inside, often = found["class"], found["often"] or ""
    if inside:
        if " " not in inside or inside.startswith("[^"):
            return found[0]
        inside = inside.replace(" ", r"\s")
        if often in ("", "?"):
            return f"{inside}{{{0 if often else 1},{_GAP}}}"
        return inside + often
    return r"\s" + found["counted"] if found["counted"] else r"\s+"


def _windows(ends: list[int]) -> list[tuple[int, int]]:
    """What to look at around the anchors, those that overlap as one."""
    windows: list[tuple[int, int]] = []
    first = last = ends[0]
    for end in ends:
        if end - last > _BEFORE + _AFTER:
            windows.append((max(0, first - _BEFORE), last + _AFTER))
            first = end
        last = end
    windows.append((max(0, first - _BEFORE), last + _AFTER))
    return windows


def _spans(ready: _Ready, data: bytes, windows: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places in the windows that the rule's pattern matches: the first ones, and those at the end."""
    done = 0
    for start, end in windows:
        for found in _matches(ready, data, start, end):
            yield found
            done += 1
            if done == MOST_HITS:
                end = windows[-1][1]
                yield from _matches(ready, data, max(found[1], end - _BEFORE - _AFTER), end)
                return


def _matches(ready: _Ready, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in ready.pattern.finditer(data, start, end):
        if found[0] and not (ready.unless and ready.unless.search(found[0])):
            yield found.span()


def _hits(spans: list[tuple[Rule, int, int]], folded: Folded) -> list[Hit]:
    points = folded.points([offset for _, start, end in spans for offset in (start, end)])
    hits = [Hit(rule, points[start], max(points[end], points[start] + 1)) for rule, start, end in spans]
    return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.rule.id))
