"""How well scores tell texts that should be found from those that should not; knows no file and no engine."""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from .findings import CATEGORIES, Finding
from .policy import DEFAULT, score_by_category

# What a labelled collection is about, and the categories that its positives show as. Categories are decided
# one by one, so a text's score is that of its worst, and what a threshold catches here is what a policy blocks.
TRACKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "injection": ("prompt_injection", "jailbreak"),
        "pii": ("pii_leakage",),
        "secrets": ("secret_leakage",),
        "db": ("db_access",),
        "code": ("code_execution",),
        "toxicity": ("toxicity",),
        "all": CATEGORIES,
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text, in code points, that is known to hold something of a type."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, and whether it should be found; `spans` are the places of personal data, where they are known."""

    id: str
    source: str
    text: str
    label: bool
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What the scores of some texts come to; None is a figure that these texts do not define.

    Recall and false-positive rate are those at the default threshold for `block`, and at that for `review`.
    """

    n: int
    positives: int
    auc: float | None
    recall: float | None
    fpr: float | None
    review_recall: float | None
    review_fpr: float | None
    recall_at_fpr_1: float | None
    recall_at_fpr_2: float | None
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """What is kept of each text: 17 bytes, and nothing of the text itself."""

    scores: array[float] = field(default_factory=lambda: array("d"))
    labels: bytearray = field(default_factory=bytearray)
    times_ms: array[float] = field(default_factory=lambda: array("d"))

    def add(self, score: float, label: bool, time_ms: float) -> None:
        """Count one text."""
        self.scores.append(score)
        self.labels.append(label)
        self.times_ms.append(time_ms)

    def extend(self, other: Scores) -> None:
        """Count all texts of another collection."""
        self.scores.extend(other.scores)
        self.labels.extend(other.labels)
        self.times_ms.extend(other.times_ms)

    def figures(self) -> Figures:
        """What they come to."""
        steps = _steps(self.scores, self.labels)
        recall, fpr = rates(steps, DEFAULT.block)
        review_recall, review_fpr = rates(steps, DEFAULT.review)
        return Figures(
            n=len(self.labels),
            positives=sum(self.labels),
            auc=auc(steps),
            recall=recall,
            fpr=fpr,
            review_recall=review_recall,
            review_fpr=review_fpr,
            recall_at_fpr_1=recall_at_fpr(steps, percent=1),
            recall_at_fpr_2=recall_at_fpr(steps, percent=2),
            p50_ms=percentile(self.times_ms, 50),
            p99_ms=percentile(self.times_ms, 99),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A score, and how many positive and negative texts have it."""

    score: float
    positives: int
    negatives: int


def _steps(scores: Iterable[float], labels: Iterable[int]) -> list[Step]:
    """Each distinct score once, the highest first."""
    counts: dict[float, list[int]] = {}
    for score, label in zip(scores, labels, strict=True):
        counts.setdefault(score, [0, 0])[label] += 1
    return [Step(score, counts[score][1], counts[score][0]) for score in sorted(counts, reverse=True)]


def _totals(steps: Iterable[Step]) -> tuple[int, int]:
    return sum(step.positives for step in steps), sum(step.negatives for step in steps)


def auc(steps: Sequence[Step]) -> float | None:
    """The share of pairs in which the positive text has the higher score; a tie is half a pair.

    This is the Mann-Whitney statistic over its greatest value, exact however many scores are equal.
    """
    positives, negatives = _totals(steps)
    if not positives or not negatives:
        return None
    above = half_pairs = 0
    for step in steps:
        half_pairs += step.negatives * (2 * above + step.positives)
        above += step.positives
    return half_pairs / (2 * positives * negatives)


def rates(steps: Sequence[Step], threshold: float) -> tuple[float | None, float | None]:
    """Recall and false-positive rate when what scores the threshold or more is found."""
    positives, negatives = _totals(steps)
    found, false = _totals([step for step in steps if step.score >= threshold])
    return (found / positives if positives else None, false / negatives if negatives else None)


def recall_at_fpr(steps: Sequence[Step], *, percent: int) -> float | None:
    """The highest recall of any threshold that finds at most this share of the negative texts."""
    positives, negatives = _totals(steps)
    if not positives or not negatives:
        return None
    found = false = 0
    for step in steps:
        false += step.negatives
        if 100 * false > percent * negatives:
            break
        found += step.positives
    return found / positives


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The least value that so many percent of the values do not pass."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(percent * len(values) / 100) - 1)]


def track_score(findings: Sequence[Finding], categories: Iterable[str]) -> float:
    """The score of the worst of the categories."""
    scores = score_by_category(findings)
    return max((scores.get(category, 0.0) for category in categories), default=0.0)


def is_covered(span: Span, findings: Iterable[Finding]) -> bool:
    """Whether a single finding of personal data holds at least half of the span."""
    return any(
        2 * (min(span.end, finding.span[1]) - max(span.start, finding.span[0])) >= span.end - span.start
        for finding in findings
        if finding.category == "pii_leakage"
    )


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """A text on the wrong side of the `block` threshold; the greater, the worse, and of two alike the earlier."""

    badness: float
    order: int
    id: str
    source: str
    score: float
    beginning: str


class Mistakes:
    """The worst mistakes of one kind, and no more of them than wanted."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._heap: list[Mistake] = []
        self._seen = 0

    def add(self, sample: Sample, score: float) -> None:
        """Keep the beginning of this text if its mistake is among the worst."""
        self._seen += 1
        badness = score if not sample.label else 1.0 - score
        mistake = Mistake(badness, -self._seen, sample.id, sample.source, score, sample.text[:120])
        if len(self._heap) < self._wanted:
            heapq.heappush(self._heap, mistake)
        elif self._heap:
            heapq.heappushpop(self._heap, mistake)

    def worst(self) -> list[Mistake]:
        """Them, the worst first."""
        return sorted(self._heap, reverse=True)


class Evaluation:
    """Counts samples one after the other."""

    def __init__(self, track: str, *, mistakes: int = 0) -> None:
        self._track = track
        self._sources: dict[str, Scores] = {}
        self._types: dict[str, list[int]] = {}
        self.false_positives = Mistakes(mistakes)
        self.false_negatives = Mistakes(mistakes)

    def add(self, sample: Sample, findings: Sequence[Finding], time_ms: float) -> None:
        """Count a sample with what was found in it."""
        score = track_score(findings, TRACKS[self._track])
        self._sources.setdefault(sample.source, Scores()).add(score, sample.label, time_ms)
        if sample.label != (score >= DEFAULT.block):
            (self.false_negatives if sample.label else self.false_positives).add(sample, score)
        for span in sample.spans if self._track == "pii" else ():
            counts = self._types.setdefault(span.type, [0, 0])
            counts[0] += 1
            counts[1] += is_covered(span, findings)

    def overall(self) -> Figures:
        """The figures of all samples together."""
        together = Scores()
        for scores in self._sources.values():
            together.extend(scores)
        return together.figures()

    def sources(self) -> dict[str, Figures]:
        """The figures of each source, by name."""
        return {name: self._sources[name].figures() for name in sorted(self._sources)}

    def types(self) -> dict[str, tuple[int, int]]:
        """For each type of personal data how many places are known, and how many of them were found."""
        return {name: (self._types[name][0], self._types[name][1]) for name in sorted(self._types)}
