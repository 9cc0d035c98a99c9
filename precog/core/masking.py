"""Keeps personal data and secrets out of what is stored, where a system's policy asks for it.

Every text of a system's rows passes here, whichever way it came in. What could not be looked at is withheld.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ..detection.engine import Engine
from ..detection.findings import Finding
from ..detection.masking import PLACEHOLDER, Cut, Namer, cut_out, cuts
from ..detection.member_names import Kind, kind_of, spoken
from ..detection.policy import DEFAULT, MASKABLE, Policy, score_by_category
from .policies import SystemPolicy

SURE = 0.5
"""Weaker findings are left, unless together they would block: a number might be anybody's."""
BUDGET_S = 0.15
"""Of processor time, for the strings of one record; what is left over then is withheld."""

# Most names and values of metadata, in which nothing can be: they are not worth a look each.
_PLAIN = re.compile(r"[a-z_]{0,40}|[A-Za-z_.-]{0,16}[0-9]{0,4}")
# No detector crosses it; the longer one is also longer than what detectors look at around a number.
_PARTED = "\n\n;\n"
_APART = f"{_PARTED}{chr(10) * 60}"
_LETTER = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"[0-9](?:[^0-9\n]{0,2}[0-9]){4}")
# Scanned together: no more than the detectors look into in one text, so that nothing is withheld for that.
_ONCE = 16 * 1024  # characters
_NUMBERS = 100  # strings with digits
_LEAST_NUMBER = 10_000_000  # what is smaller identifies nobody
_NAMED = 200  # characters of a value that is looked at together with its name


def masks(policy: SystemPolicy) -> bool:
    """Whether the policy masks; in shadow mode nothing is changed."""
    return policy.detection.mask and not policy.detection.shadow_mode


def withheld(text: str) -> str:
    """What is kept of a text that could not be looked at: its length."""
    return f"<OMITTED_{len(text)}>"


def to_mask(findings: Sequence[Finding], policy: Policy) -> list[Finding]:
    """Those of a text's findings that are masked: the sure ones, and weak ones that together would block."""
    left = [one for one in findings if one.score < SURE and one.category in MASKABLE]
    if not left:
        return list(findings)
    scores = score_by_category(left)
    blocking = {
        category
        for category, score in scores.items()
        if score >= policy.thresholds.get(category, DEFAULT).block
    }
    return [one for one in findings if one.score >= SURE or one.category in blocking]


@dataclass(frozen=True, slots=True)
class Stored:
    """What may be kept of a value; not `complete` when something of it is withheld unseen."""

    value: Any
    complete: bool


def mask_json(engine: Engine, value: Any, policy: Policy, *, namer: Namer | None = None) -> Stored:
    """The JSON value with every string and number in it masked, and names of members too.

    Equal values have equal placeholders, also with what the `namer` named before.
    """
    record = _Record()
    record.gather(value)
    scan = _Scan(engine, policy, Namer() if namer is None else namer)
    scan.run(record)
    return Stored(record.rebuilt(value), scan.complete)


# A string and the name that it stands under; the name of a member stands under none.
_Key = tuple[str, str]


class _Record:
    """The strings of a JSON value: first what is to be looked at, then what is kept of each."""

    def __init__(self) -> None:
        self.told: dict[_Key, str] = {}
        """Values that their name tells the type of, with its label."""
        self.unknown: dict[_Key, None] = {}
        self.kept: dict[_Key, str] = {}
        self._kinds: dict[str, Kind | None] = {}

    def gather(self, value: Any, name: str = "", kind: Kind | None = None) -> None:
        """Note what is to be looked at."""
        if isinstance(value, dict):
            for member, inner in value.items():
                if not _PLAIN.fullmatch(member):
                    self.unknown["", member] = None
                called = _called(value, member)
                self.gather(inner, called, self._kind(called) or kind)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.gather(inner, name, kind)
        elif (text := _text(value, kind)) is not None:
            if kind is not None and kind.fits(text) and not PLACEHOLDER.fullmatch(text):
                self.told[name, text] = kind.label
            elif not _PLAIN.fullmatch(text):
                self.unknown[name, text] = None

    def rebuilt(self, value: Any, name: str = "", kind: Kind | None = None) -> Any:
        """The value with what is kept of its strings."""
        if isinstance(value, dict):
            masked: dict[str, Any] = {}
            again: Counter[str] = Counter()
            for member, inner in value.items():
                called = _called(value, member)
                shown: str = self.kept.get(("", member), str(member))
                masked[_free(shown, masked, again)] = self.rebuilt(inner, called, self._kind(called) or kind)
            return masked
        if isinstance(value, list | tuple):
            return [self.rebuilt(inner, name, kind) for inner in value]
        text = _text(value, kind)
        return value if text is None else self.kept.get((name, text), value)

    def _kind(self, name: str) -> Kind | None:
        stem = name.rstrip("0123456789")
        if stem not in self._kinds:
            self._kinds[stem] = kind_of(stem)
        return self._kinds[stem]


def _called(members: Mapping[str, Any], member: str) -> str:
    """The name that a member goes by: `{"name": "Authorization", "value": …}` is one of that name."""
    if member == "value":
        for naming in ("name", "key"):
            if isinstance(members.get(naming), str):
                return str(members[naming])
    return member


def _text(value: Any, kind: Kind | None) -> str | None:
    """The value as text, if it is one, or a number that may be somebody's."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return str(value) if kind is not None or abs(value) >= _LEAST_NUMBER else None


def _free(name: str, taken: Mapping[str, Any], again: Counter[str]) -> str:
    """The name, or one like it: the names of two people may have become the same placeholder."""
    found = name
    while found in taken:
        again[name] += 1
        found = f"{name} {again[name] + 1}"
    return found


class _Scan:
    """Looks at a record's strings, many at once, with a bounded amount of work."""

    def __init__(self, engine: Engine, policy: Policy, namer: Namer) -> None:
        self._engine = engine
        self._policy = policy
        self._namer = namer
        self._spent_s = 0.0
        self.complete = True

    def run(self, record: _Record) -> None:
        """Say what is kept of each string of the record."""
        for _, text in (*record.told, *record.unknown):
            self._namer.reserve(text)
        for key, label in record.told.items():
            record.kept[key] = self._namer.name(label, key[1])
        done = 0
        for batch in _batches(record.unknown):
            if self._spent_s > BUDGET_S:
                break
            record.kept.update(self._looked_at(batch))
            done += len(batch.keys)
        for key in islice(record.unknown, done, None):
            self.complete = False
            record.kept[key] = withheld(key[1])

    def _looked_at(self, batch: _Batch) -> Iterable[tuple[_Key, str]]:
        if self._spent_s > BUDGET_S:
            self.complete = False
            return batch.withheld()
        started = time.thread_time()
        report = self._engine.scan(batch.text(), source="output")
        self._spent_s += time.thread_time() - started
        if not report.complete:
            if len(batch.keys) > 1:  # one of them may be the cause
                return [kept for key in batch.keys for kept in self._looked_at(_Batch.of(key))]
            self.complete = False
            return batch.withheld()
        return batch.masked(report.findings, self._policy, self._namer)


class _Batch:
    """Strings that are scanned as one text, each behind the name that it stands under."""

    def __init__(self) -> None:
        self.keys: list[_Key] = []
        self.size = 0
        self.numbers = 0
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._last: tuple[str, bool, bool] = ("", False, False)

    @classmethod
    def of(cls, key: _Key) -> _Batch:
        """Of one string."""
        batch = cls()
        batch.add(key)
        return batch

    def add(self, key: _Key) -> None:
        """Put one more string at the end."""
        name, text = key
        before = f"{spoken(name)}: " if name and len(text) <= _NAMED else ""
        self._part(name, before + text)
        self._parts += before, text
        self.size += len(before)
        self._starts.append(self.size)
        self.size += len(text)
        self.keys.append(key)

    def _part(self, name: str, text: str) -> None:
        """Keep it apart from the one before: words there say nothing about a number here."""
        letters, digits = _LETTER.search(text) is not None, _DIGITS.search(text) is not None
        if self.keys:
            other, had_letters, had_digits = self._last
            mixed = (letters and had_digits) or (digits and had_letters)
            parting = _APART if mixed and (name != other or not name) else _PARTED
            self._parts.append(parting)
            self.size += len(parting)
        self._last = name, letters, digits
        self.numbers += digits

    def text(self) -> str:
        """All of them."""
        return "".join(self._parts)

    def withheld(self) -> Iterator[tuple[_Key, str]]:
        """Nothing but the length of each."""
        return ((key, withheld(key[1])) for key in self.keys)

    def masked(self, findings: Sequence[Finding], policy: Policy, namer: Namer) -> Iterator[tuple[_Key, str]]:
        """Each that holds what was found."""
        by_string: dict[int, list[Finding]] = {}
        for finding in findings:
            if finding.label is not None:
                at = bisect_right(self._starts, finding.span[0]) - 1
                by_string.setdefault(at, []).append(finding)
        found = [one for together in by_string.values() for one in to_mask(together, policy)]
        for at, places in self._by_string(cuts(found)):
            key = self.keys[at]
            yield key, cut_out(key[1], places, namer)

    def _by_string(self, found: Iterable[Cut]) -> Iterator[tuple[int, list[Cut]]]:
        """The places in each string, of what was found across several too."""
        places: dict[int, list[Cut]] = {}
        for cut in found:
            at = max(0, bisect_right(self._starts, cut.start) - 1)
            while at < len(self.keys) and self._starts[at] < cut.end:
                first, last = self._starts[at], self._starts[at] + len(self.keys[at][1])
                start, end = max(cut.start, first) - first, min(cut.end, last) - first
                if start < end:
                    places.setdefault(at, []).append(replace(cut, start=start, end=end))
                at += 1
        yield from places.items()


def _batches(keys: Iterable[_Key]) -> Iterator[_Batch]:
    batch = _Batch()
    for key in keys:
        # A long text alone, so that it takes no other with it where not all of it can be looked at.
        if batch.keys and batch.size + len(key[1]) > _ONCE:
            yield batch
            batch = _Batch()
        batch.add(key)
        if batch.size > _ONCE or batch.numbers == _NUMBERS:
            yield batch
            batch = _Batch()
    if batch.keys:
        yield batch
