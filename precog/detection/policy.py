"""What is to be done about findings: the verdict, and apart from it the action that is enforced."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType

from .findings import ATTACKS, CATEGORIES, Finding

DECISIONS = ("allow", "review", "block")
ACTIONS = ("allow", "mask", "block")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a category is reviewed, and from which it is blocked."""

    review: float
    block: float


# One weak signal is reviewed, not blocked: only a strong one, or several together, reach `block`.
DEFAULT = Thresholds(review=0.4, block=0.75)


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator wants. A category that is not `enforced` is told, and does not decide.

    `mask` replaces personal data and secrets by placeholders instead of blocking them. In `shadow_mode`
    nothing is enforced; the verdict says what would have been.
    """

    enforced: frozenset[str] = frozenset(CATEGORIES) - {"toxicity"}
    thresholds: Mapping[str, Thresholds] = field(default_factory=lambda: MappingProxyType({}))
    mask: bool = False
    shadow_mode: bool = False


MASKABLE = frozenset({"pii_leakage", "secret_leakage"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the findings mean under a policy.

    `decision` is the verdict and `action` what is enforced; `reason` is the category that decided, None when
    everything is allowed; `scores` has each category that was found.
    """

    decision: str
    action: str
    reason: str | None
    scores: Mapping[str, float]


def combine(scores: Sequence[float]) -> float:
    """The score of several signals together: each takes its share of the doubt that the others left.

    The noisy-or of Pearl (1988): 1 - (1 - a)(1 - b)…, so that weak signals add up and none passes 1.
    """
    doubt = 1.0
    for score in scores:
        doubt *= 1.0 - min(1.0, max(0.0, score))
    return 1.0 - doubt


def score_by_category(findings: Sequence[Finding]) -> dict[str, float]:
    """How sure each category is; a rule counts once, with its best hit, however often it fires.

    Of several rules that see an attack in the same words only one counts: it is one signal.
    """
    best: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = finding.category, finding.rule
        if key not in best or finding.score > best[key].score:
            best[key] = finding
    found: dict[str, list[Finding]] = {}
    for (category, _), finding in best.items():
        found.setdefault(category, []).append(finding)
    return {
        category: combine(_apart(of_it) if category in ATTACKS else [one.score for one in of_it])
        for category, of_it in found.items()
    }


def _apart(findings: list[Finding]) -> list[float]:
    """The scores of what is seen in no words, and of those findings of rules that share none and tell most.

    Not of the best one first: one that lies across several others must not hide what they say together.
    """
    if len(findings) == 1:
        return [findings[0].score]
    of_words = sorted((one for one in findings if one.is_of_words), key=lambda one: one.span[1])
    ends = [one.span[1] for one in of_words]
    # Of so many of them, by their ends: the doubt that is left, and what leaves no more.
    best: list[tuple[float, tuple[float, ...]]] = [(1.0, ())]
    for at, one in enumerate(of_words):
        doubt, before = best[bisect_right(ends, one.span[0], 0, at)]
        best.append(min(best[at], (doubt * (1.0 - one.score), (*before, one.score)), key=itemgetter(0)))
    return [*(one.score for one in findings if not one.is_of_words), *best[-1][1]]


def decide(findings: Sequence[Finding], policy: Policy) -> Verdict:
    """The verdict on a text with these findings."""
    scores = score_by_category(findings)
    decision, reason, surest = "allow", None, 0.0
    for category in CATEGORIES:  # of two that decide alike and are as sure, the first is the reason
        score = scores.get(category, 0.0)
        said = _decision(score, policy.thresholds.get(category, DEFAULT))
        if category not in policy.enforced or said == "allow":
            continue
        if (DECISIONS.index(said), score) > (DECISIONS.index(decision), surest):
            decision, reason, surest = said, category, score
    return Verdict(decision, _action(decision, scores, policy), reason, scores)


def _decision(score: float, thresholds: Thresholds) -> str:
    if score >= thresholds.block:
        return "block"
    return "review" if score >= thresholds.review else "allow"


def _action(decision: str, scores: Mapping[str, float], policy: Policy) -> str:
    if policy.shadow_mode:
        return "allow"
    blocking = {
        category
        for category, score in scores.items()
        if category in policy.enforced and score >= policy.thresholds.get(category, DEFAULT).block
    }
    if policy.mask and blocking <= MASKABLE:
        return "mask" if MASKABLE & scores.keys() else "allow"
    return "block" if decision == "block" else "allow"
