"""Counts labelled texts and what was found in them: by source, by type of personal data, and the mistakes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .figures import Figures, Scores
from .findings import CATEGORIES, Finding
from .policy import DEFAULT, score_by_category

# What a labelled collection is about, and the categories that its positives show as. Categories are decided
# one by one, so a text's score is that of its worst: what a threshold catches here is what a policy blocks.
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
    """A text, and whether it should be found; `spans` are its places of personal data, where known."""

    id: str
    source: str
    text: str
    label: bool
    spans: tuple[Span, ...] = ()


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
    """A text on the wrong side of the `block` threshold; of two as bad the earlier is the greater."""

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
