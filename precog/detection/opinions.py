"""Asks a classifier about a text in all its readings, and weighs by its answer what rules have found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from .findings import ATTACKS, Finding
from .normalize import View
from .passages import passages

# Below this a classifier's opinion says nothing; above, it still ranks texts that nobody is told about.
_LEAST = 0.001
_MOST_TURNED = 16_384  # code points of readings other than the text itself that a classifier is shown
# From the first down to the second, the less suspicious a classifier finds all of a text the less the word of
# a rule counts: of what rules find there, in texts left out of training, as much is harmless as is not. Never
# less than half: somebody may have wrapped an attack in plain talk. Of the languages that only rules know the
# classifier has no opinion.
_DOUBTED, _DISBELIEVED = 0.1, 0.01
_LEAST_BELIEF = 0.5
_UNREAD = (".el", ".fa", ".he", ".hr", ".sv")


class Classifier(Protocol):
    """A trained model's opinion."""

    def __call__(self, passages: Sequence[str]) -> Sequence[Mapping[str, float]]:
        """For each passage of a text the probability of each category that the model knows."""


@dataclass(frozen=True, slots=True)
class Opinions:
    """A classifier's worst opinion in each category, and how much the rules' word for attacks counts."""

    findings: tuple[Finding, ...]
    belief: float

    @classmethod
    def ask(cls, classifier: Classifier, readings: Sequence[View]) -> Opinions:
        """What a classifier says of a text."""
        places = list(_places(readings))
        worst: dict[str, tuple[float, View, int, int]] = {}
        opinions = classifier([view.text[start:end] for view, start, end in places])
        for (view, start, end), opinion in zip(places, opinions, strict=True):
            for category, probability in opinion.items():
                if category not in worst or probability > worst[category][0]:
                    worst[category] = probability, view, start, end
        findings = []
        for category, (probability, view, start, end) in worst.items():
            if probability >= _LEAST:
                finding = Finding(category, f"classifier.{category}", min(1.0, probability), (start, end))
                if view.transform is not None and finding.is_worth_telling:
                    finding = original(view, finding)
                elif view.transform is not None:
                    # Nobody is told where, and tracing it back may cost as much as reading the text.
                    finding = replace(finding, span=(0, len(readings[0].text)), transform=view.transform)
                findings.append(finding)
        return cls(tuple(findings), _belief([worst[one][0] for one in ATTACKS & worst.keys()]))

    def weighed(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """What rules have found, as far as the classifier leaves it its weight."""
        for finding in findings:
            if self.belief < 1.0 and _is_doubtful(finding):
                yield replace(finding, score=finding.score * self.belief)
            else:
                yield finding


def _is_doubtful(finding: Finding) -> bool:
    """Whether a rule's word for an attack in plain sight, in a language that the classifier has read."""
    return finding.transform is None and finding.category in ATTACKS and not finding.rule.endswith(_UNREAD)


def _belief(opinions: Sequence[float]) -> float:
    """1 for what is suspicious at all or was not looked at; less for less, on the scale of log-odds."""
    worst = max(opinions, default=1.0)
    if worst >= _DOUBTED:
        return 1.0
    share = math.log(max(worst, _DISBELIEVED) / _DISBELIEVED) / math.log(_DOUBTED / _DISBELIEVED)
    return _LEAST_BELIEF + (1.0 - _LEAST_BELIEF) * share


def _places(readings: Iterable[View]) -> Iterator[tuple[View, int, int]]:
    """All of the text itself, and of its other readings as much as a long text has."""
    left = _MOST_TURNED
    for view in readings:
        for start, end in () if view.cut else passages(view.text):
            if view.transform is not None:
                left -= end - start
            if left < 0:
                return
            yield view, start, end


def original(view: View, finding: Finding) -> Finding:
    """The finding of a reading as one of the text itself."""
    return replace(
        finding,
        span=view.span(*finding.span),
        transform=view.needed(*finding.span) or view.transform,
    )
