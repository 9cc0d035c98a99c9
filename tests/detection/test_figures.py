"""Figures of scored texts, against cases worked by hand and against counting every pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.detection.figures import Scores, auc, percentile, rates, recall_at_fpr, steps

# Few distinct scores, so that many are equal.
SCORED = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1), st.booleans()))


def stepped(positives: list[float], negatives: list[float]):
    return steps([*positives, *negatives], [1] * len(positives) + [0] * len(negatives))


# --- AUC


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1, 0.2], [0.9, 0.8], 0.0),
        ([0.5, 0.5], [0.5, 0.5, 0.5], 0.5),
        ([0.9, 0.4], [0.6, 0.1], 0.75),  # of four pairs one is the wrong way round
        ([0.9, 0.6], [0.6, 0.1], 0.875),  # of four pairs one is a tie
    ],
)
def test_auc_is_the_share_of_pairs_that_are_the_right_way_round(
    positives: list[float], negatives: list[float], expected: float
) -> None:
    assert auc(stepped(positives, negatives)) == expected


@pytest.mark.parametrize(("positives", "negatives"), [([], []), ([0.5], []), ([], [0.5])])
def test_auc_of_one_class_is_not_defined(positives: list[float], negatives: list[float]) -> None:
    assert auc(stepped(positives, negatives)) is None


@given(SCORED)
def test_auc_is_what_counting_every_pair_gives(scored: list[tuple[float, bool]]) -> None:
    positives = [score for score, label in scored if label]
    negatives = [score for score, label in scored if not label]
    won = sum((2 * (p > n) + (p == n)) for p in positives for n in negatives)
    pairs = len(positives) * len(negatives)
    assert auc(stepped(positives, negatives)) == (won / (2 * pairs) if pairs else None)


# --- recall and false positives


def test_a_score_at_the_threshold_is_found() -> None:
    found = stepped([0.75, 0.74], [0.75, 0.1, 0.1, 0.1])
    assert rates(found, 0.75) == (0.5, 0.25)


def test_rates_of_a_class_without_texts_are_not_defined() -> None:
    assert rates(stepped([0.9], []), 0.5) == (1.0, None)
    assert rates(stepped([], [0.9]), 0.5) == (None, 1.0)


def test_recall_at_a_rate_counts_thresholds_that_reach_it_exactly() -> None:
    negatives = [0.5, *[0.0] * 99]
    assert recall_at_fpr(stepped([0.9, 0.4, 0.0], negatives), percent=1) == 2 / 3


def test_recall_at_a_rate_leaves_out_thresholds_that_pass_it() -> None:
    negatives = [0.5, *[0.0] * 98]
    assert recall_at_fpr(stepped([0.9, 0.4, 0.0], negatives), percent=1) == 1 / 3


def test_equal_scores_are_found_together_or_not_at_all() -> None:
    assert recall_at_fpr(stepped([0.0, 0.0], [0.0] * 100), percent=2) == 0.0


@given(SCORED, st.integers(0, 100))
def test_recall_at_a_rate_is_the_best_of_all_thresholds(
    scored: list[tuple[float, bool]], percent: int
) -> None:
    positives = [score for score, label in scored if label]
    negatives = [score for score, label in scored if not label]
    found = [
        sum(score >= threshold for score in positives)
        for threshold in [2.0, *positives, *negatives]
        if 100 * sum(score >= threshold for score in negatives) <= percent * len(negatives)
    ]
    best = recall_at_fpr(stepped(positives, negatives), percent=percent)
    assert best == (max(found) / len(positives) if positives and negatives else None)


# --- time


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99)) == (50.0, 99.0)
    assert (percentile([7.0], 50), percentile([7.0], 99)) == (7.0, 7.0)
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0
    assert percentile([], 50) is None


# --- all of it


def test_figures_are_at_the_default_thresholds() -> None:
    scores = Scores()
    for score, label, time_ms in [(0.8, True, 1.0), (0.5, True, 2.0), (0.4, False, 3.0), (0.0, False, 4.0)]:
        scores.add(score, label, time_ms)

    figures = scores.figures()

    assert (figures.n, figures.positives, figures.auc) == (4, 2, 1.0)
    assert (figures.recall, figures.fpr) == (0.5, 0.0)
    assert (figures.review_recall, figures.review_fpr) == (1.0, 0.5)
    assert (figures.recall_at_fpr_1, figures.recall_at_fpr_2) == (1.0, 1.0)
    assert (figures.p50_ms, figures.p99_ms) == (2.0, 4.0)


def test_scores_of_two_collections_are_counted_together() -> None:
    one, other = Scores(), Scores()
    one.add(0.9, True, 1.0)
    other.add(0.1, False, 3.0)
    one.extend(other)
    assert (one.figures().n, one.figures().auc, one.figures().p99_ms) == (2, 1.0, 3.0)
