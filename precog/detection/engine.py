"""Looks at a text with everything that detects: its readings, rules, personal data, secrets, a classifier."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType

from . import pii, probe, secrets
from .characters import characters
from .context import weigh
from .findings import Finding
from .fresh import Passage
from .fresh import passages as fresh
from .language import unexpected
from .normalize import View, views
from .opinions import Classifier, Opinions, original
from .rules import RuleSet
from .toolcalls import strings
from .turns import Turns
from .work import Work

# What is undone for words only: digits and letters of a secret are others afterwards.
_WORDS_ONLY = frozenset(("leet", "repeated", "spaced", "rot13", "reversed"))


# A text that needs the tables and modules that are loaded when they are first needed.
_ONE_OF_EACH = (
    "+44 20 7946 0958, (212) 555-0187, 06 12 34 56 78, 4111 1111 1111 1111, GB82WEST12345698765432, "
    "078-05-1120, 10.0.0.1, fe80::1, a@b.example, born 1.2.1990, 12 Main Street, password: Xk29vQ7pLm"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in text order. Not `complete` when something could not be looked at."""

    findings: tuple[Finding, ...]
    complete: bool = True


# How much a category counts by where the text comes from; 0 is not looked for. A model's answer and a
# document hold statements and commands as a matter of course, and an answer commands nobody. Personal data
# in a document is no attack, in a tool's arguments it is what the tool is for.
_COUNTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "prompt": {},
        "output": {"prompt_injection": 0.5, "jailbreak": 0.5, "db_access": 0.4, "code_execution": 0.4},
        "retrieved": {"db_access": 0.6, "code_execution": 0.6, "pii_leakage": 0.0},
        "tool_call": {"jailbreak": 0.0, "pii_leakage": 0.0, "toxicity": 0.0},
    }
)


class Engine:
    """All detectors made ready. Threads may share it, and it survives a fork."""

    def __init__(self, rules: RuleSet, classifier: Classifier | None = None) -> None:
        self._rules = rules
        self.rules = rules.rules
        self._classifier = classifier
        self._turns = Turns()

    @classmethod
    def load(cls, classifier: Classifier | None = None) -> Engine:
        """With all rules that are shipped. What others make ready at their first use is made ready here."""
        # The automata are compiled side by side: that is most of the time, and needs no lock of Python's.
        with ThreadPoolExecutor(1) as pool:
            others = [pool.submit(ready) for ready in (characters, probe.gate, pii.gate, secrets.ready)]
            rules = RuleSet.load()
            for other in others:
                other.result()
        return cls(rules, classifier)

    @classmethod
    def shipped(cls) -> Engine:
        """With all rules, and the classifier, that are shipped."""
        # Here, since it brings numpy, which nothing else needs.
        from .classifier import NgramClassifier

        return cls.load(NgramClassifier.load())

    def scan(self, text: str, *, source: str = "prompt", expected_languages: Sequence[str] = ()) -> Report:
        """Everything found in a text: a "prompt", an "output" of a model, or one "retrieved" from outside.

        `expected_languages` are BCP 47 tags; a text mostly of a script that none of them is written in is a
        weak sign.
        """
        counts = _COUNTS[source]
        with self._turns.take(len(text)):
            findings, complete = self._look(text, counts)
        if (
            expected_languages
            and counts.get("prompt_injection", 1.0)
            and unexpected(text, expected_languages)
        ):
            findings.append(Finding("prompt_injection", "language.unexpected", 0.3, (0, len(text))))
        return Report(_in_order(findings), complete)

    def scan_tool_call(self, name: str, arguments: str) -> Report:
        """Everything found in a call of a tool; `arguments` is JSON, or text.

        Places are those in `arguments`; what was found in the name stands at its very beginning. The
        classifier is not asked: it knows what people and documents say, not the arguments of functions.
        """
        counts = _COUNTS["tool_call"]
        named, complete = self._look(name, counts, classified=False)
        findings = [replace(finding, span=(0, 0)) for finding in named]
        with self._turns.take(len(arguments)):
            for view in (View(arguments), strings(arguments)):
                if view is not None:
                    found, whole = self._look(view.text, counts, classified=False)
                    findings += [replace(finding, span=view.span(*finding.span)) for finding in found]
                    complete = complete and whole
        return Report(_in_order(findings, twice=True), complete)

    def warm(self) -> None:
        """Make ready what only the first text of its kind would need."""
        self._rules.warm()
        self.scan(_ONE_OF_EACH)

    def _look(
        self, text: str, counts: Mapping[str, float], *, classified: bool = True
    ) -> tuple[list[Finding], bool]:
        """The findings in all readings of a text, and whether everything was looked at."""
        readings = views(text)
        work = Work(len(text), personal=counts.get("pii_leakage", 1.0) > 0)
        findings: list[Finding] = []
        for number, view in enumerate(readings):
            for passage in fresh(view, readings[:number]):
                found = self._passage(view, passage, work)
                if view.transform is not None:
                    found = [original(view, one) for one in work.kept(found)]
                findings += found
        if self._classifier is not None and classified:
            opinions = Opinions.ask(self._classifier, readings)
            findings = [*opinions.weighed(findings), *opinions.findings]
        return list(_counted(findings, counts)), readings.complete and work.complete and work.effort.complete

    def _passage(self, view: View, passage: Passage, work: Work) -> list[Finding]:
        """The findings in a part of a reading, as far as they tell something new."""
        start, end = passage.start, work.afford(passage.start, passage.end, turned=view.turned)
        if start == end:
            return []
        text = view.text[start:end]
        found = list(self._by_rules(text, work))
        if view.transform is None or not _WORDS_ONLY.intersection(view.transform.split("+")):
            secret = secrets.scan(text)
            found += secret.findings
            work.complete = work.complete and secret.complete
            if work.personal and work.afford_personal(len(text)):
                personal = pii.scan(text, work.spent)
                found += personal.findings
                work.complete = work.complete and not personal.unchecked
        if view.transform is None:
            return found
        moved = [
            replace(one, span=(one.span[0] + start, one.span[1] + start)) if start else one for one in found
        ]
        return [one for one in moved if passage.tells(one.span)]

    def _by_rules(self, text: str, work: Work) -> Iterator[Finding]:
        for hit in self._rules.scan(text, work.effort):
            rule = hit.rule
            if rule.id in work.effort.without:
                continue
            factor = weigh(text, hit) if work.met(rule.id) else 1.0
            yield Finding(rule.category, rule.id, rule.weight * factor, (hit.start, hit.end))
            if factor == 1.0:
                work.met_in_full(rule.id)


def _counted(findings: Iterable[Finding], counts: Mapping[str, float]) -> Iterator[Finding]:
    for finding in findings:
        count = counts.get(finding.category, 1.0)
        if count == 1.0:
            yield finding
        elif count:
            yield replace(finding, score=finding.score * count)


def _in_order(findings: list[Finding], *, twice: bool = False) -> tuple[Finding, ...]:
    """In text order, each rule once at a place: as the first reading saw it, with the best score of all.

    `twice` when even what needed no transform may have been seen in two ways.
    """
    if not twice and all(finding.transform is None for finding in findings):
        return tuple(sorted(findings, key=lambda finding: finding.span))
    kept: list[Finding] = []
    by_rule: dict[tuple[str, str | None], list[int]] = {}
    for _, finding in sorted(enumerate(findings), key=_place):
        same = by_rule.setdefault((finding.rule, finding.label), [])
        if same and finding.span[0] < max(kept[same[-1]].span[1], 1):
            kept[same[-1]] = _better(kept[same[-1]], finding)
            continue
        same.append(len(kept))
        kept.append(finding)
    return tuple(sorted(kept, key=lambda finding: finding.span))


def _place(numbered: tuple[int, Finding]) -> tuple[int, int]:
    return numbered[1].span[0], numbered[0]


def _better(one: Finding, other: Finding) -> Finding:
    """Both as one: the place of the plainer reading, the higher score."""
    plainer = other if one.transform is not None and other.transform is None else one
    return replace(plainer, score=max(one.score, other.score))


class _Shared:
    """The engine of this process."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> Engine:
        if self._engine is None:
            # A lock of each process's own: one that another thread held at a fork is held for ever.
            with self._locks.setdefault(os.getpid(), threading.Lock()):
                if self._engine is None:
                    self._engine = self._make()
        return self._engine


_process = _Shared(Engine.shipped)


def shared() -> Engine:
    """The engine that everything in this process uses; made at the first call."""
    return _process.get()
