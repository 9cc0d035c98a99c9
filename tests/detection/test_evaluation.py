"""Labelled texts counted by source and by type, and the worst mistakes."""

from __future__ import annotations

import pytest

from precog.detection.evaluation import (
    TRACKS,
    Evaluation,
    Mistakes,
    Sample,
    Span,
    is_covered,
    track_score,
)
from precog.detection.findings import CATEGORIES, Finding


def found(category: str, score: float, span: tuple[int, int] = (0, 1), rule: str = "a.rule") -> Finding:
    return Finding(category, rule, score, span)


def sample(label: bool, *, id: str = "1", source: str = "here", spans: tuple[Span, ...] = ()) -> Sample:
    return Sample(id, source, "some text", label, spans)


# --- the score of a text


def test_tracks_name_categories_that_exist() -> None:
    assert {category for categories in TRACKS.values() for category in categories} == set(CATEGORIES)


def test_a_texts_score_is_that_of_its_worst_category_of_the_track() -> None:
    findings = [
        found("prompt_injection", 0.5),
        found("prompt_injection", 0.5, (1, 2), rule="b.rule"),
        found("jailbreak", 0.6),
        found("db_access", 1.0),
    ]
    assert track_score(findings, TRACKS["injection"]) == 0.75
    assert track_score(findings, TRACKS["all"]) == 1.0
    assert track_score(findings, TRACKS["pii"]) == 0.0


# --- sources


def test_each_source_has_figures_and_all_have_them_together() -> None:
    evaluation = Evaluation("injection")
    evaluation.add(sample(True, source="b"), [found("jailbreak", 0.9)], 1.0)
    evaluation.add(sample(False, source="b"), [], 1.0)
    evaluation.add(sample(True, source="a"), [], 1.0)

    sources = evaluation.sources()

    assert list(sources) == ["a", "b"]
    assert (sources["a"].n, sources["a"].recall, sources["a"].auc) == (1, 0.0, None)
    assert (sources["b"].n, sources["b"].recall, sources["b"].auc) == (2, 1.0, 1.0)
    assert (evaluation.overall().n, evaluation.overall().recall) == (3, 0.5)


# --- types of personal data


@pytest.mark.parametrize(
    ("span", "covered"), [((10, 20), True), ((15, 30), True), ((16, 30), False), ((0, 10), False)]
)
def test_a_place_is_found_when_a_finding_holds_half_of_it(span: tuple[int, int], covered: bool) -> None:
    assert is_covered(Span(10, 20, "EMAIL"), [found("pii_leakage", 0.5, span)]) is covered


def test_a_place_is_not_found_by_a_finding_of_something_else() -> None:
    assert not is_covered(Span(0, 5, "EMAIL"), [found("secret_leakage", 1.0, (0, 5))])


def test_types_count_their_places_and_those_that_were_found() -> None:
    evaluation = Evaluation("pii")
    spans = (Span(0, 4, "EMAIL"), Span(5, 9, "EMAIL"), Span(5, 9, "AGE"))
    evaluation.add(sample(True, spans=spans), [found("pii_leakage", 0.9, (0, 4))], 1.0)
    assert evaluation.types() == {"AGE": (1, 0), "EMAIL": (2, 1)}


def test_types_are_counted_for_personal_data_alone() -> None:
    evaluation = Evaluation("toxicity")
    evaluation.add(sample(True, spans=(Span(0, 4, "EMAIL"),)), [], 1.0)
    assert evaluation.types() == {}


# --- mistakes


def test_what_the_block_threshold_gets_wrong_is_a_mistake() -> None:
    evaluation = Evaluation("injection", mistakes=5)
    for id, label, score in [
        ("hit", True, 0.75),
        ("miss", True, 0.74),
        ("alarm", False, 0.75),
        ("ok", False, 0.74),
    ]:
        evaluation.add(sample(label, id=id), [found("jailbreak", score)], 1.0)
    assert [mistake.id for mistake in evaluation.false_negatives.worst()] == ["miss"]
    assert [mistake.id for mistake in evaluation.false_positives.worst()] == ["alarm"]


@pytest.mark.parametrize(("label", "worst"), [(False, ["c", "a"]), (True, ["d", "b"])])
def test_the_worst_mistakes_are_kept_of_two_alike_the_first(label: bool, worst: list[str]) -> None:
    mistakes = Mistakes(2)
    for id, score in [("a", 0.8), ("b", 0.3), ("c", 0.9), ("d", 0.1), ("e", 0.8), ("f", 0.3)]:
        mistakes.add(sample(label, id=id), score)
    assert [mistake.id for mistake in mistakes.worst()] == worst


def test_a_mistake_keeps_the_beginning_of_the_text_alone() -> None:
    mistakes = Mistakes(1)
    mistakes.add(Sample("1", "here", "x" * 500, False), 0.9)
    assert mistakes.worst()[0].beginning == "x" * 120


def test_no_mistake_is_kept_when_none_is_wanted() -> None:
    mistakes = Mistakes(0)
    mistakes.add(sample(True), 0.0)
    assert mistakes.worst() == []
