"""How well scores tell the texts that should be found from those that should not."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .policy import DEFAULT


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
        found = steps(self.scores, self.labels)
        recall, fpr = rates(found, DEFAULT.block)
        review_recall, review_fpr = rates(found, DEFAULT.review)
        return Figures(
            n=len(self.labels),
            positives=sum(self.labels),
            auc=auc(found),
            recall=recall,
            fpr=fpr,
            review_recall=review_recall,
            review_fpr=review_fpr,
            recall_at_fpr_1=recall_at_fpr(found, percent=1),
            recall_at_fpr_2=recall_at_fpr(found, percent=2),
            p50_ms=percentile(self.times_ms, 50),
            p99_ms=percentile(self.times_ms, 99),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A score, and how many positive and negative texts have it."""

    score: float
    positives: int
    negatives: int


def steps(scores: Iterable[float], labels: Iterable[int]) -> list[Step]:
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
