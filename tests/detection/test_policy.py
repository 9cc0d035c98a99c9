"""From findings to a verdict, and from the verdict to what is enforced."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.detection.findings import CATEGORIES, Finding
from precog.detection.policy import ACTIONS, DECISIONS, Policy, Thresholds, combine, decide


def found(category: str, score: float, rule: str = "a.rule", start: int = 0) -> Finding:
    return Finding(category, rule, score, (start, start + 5))


INJECTION = "prompt_injection"


def test_nothing_found_is_allowed_without_a_reason() -> None:
    verdict = decide([], Policy())
    assert (verdict.decision, verdict.action, verdict.reason, verdict.scores) == ("allow", "allow", None, {})


@pytest.mark.parametrize(
    ("score", "decision"), [(0.39, "allow"), (0.4, "review"), (0.74, "review"), (0.75, "block")]
)
def test_a_score_decides_by_its_thresholds(score: float, decision: str) -> None:
    verdict = decide([found(INJECTION, score)], Policy())
    assert verdict.decision == decision
    assert verdict.action == ("block" if decision == "block" else "allow")


def test_one_weak_signal_is_reviewed_and_several_block() -> None:
    weak = [found(INJECTION, 0.5, f"rule.{number}", 10 * number) for number in range(3)]
    assert decide(weak[:1], Policy()).decision == "review"
    assert decide(weak, Policy()).decision == "block"


@pytest.mark.parametrize("category", [INJECTION, "jailbreak"])
def test_several_rules_that_see_an_attack_in_the_same_words_are_one_signal(category: str) -> None:
    same = [found(category, 0.5 + number / 100, f"rule.{number}", number) for number in range(4)]
    verdict = decide(same, Policy())
    assert (verdict.decision, verdict.scores) == ("review", {category: pytest.approx(0.53)})


def test_a_signal_across_several_others_does_not_hide_what_they_say_together() -> None:
    apart = [found(INJECTION, 0.5, f"rule.{number}", 10 * number) for number in range(3)]
    across = Finding(INJECTION, "long.rule", 0.55, (0, 25))
    assert decide([*apart, across], Policy()) == decide(apart, Policy())


PLACED = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.integers(1, 20)), max_size=8)


@given(PLACED)
def test_one_more_rule_never_makes_an_attack_less_sure(placed: list[tuple[float, int, int]]) -> None:
    findings = [
        Finding(INJECTION, f"rule.{number}", score, (start, start + length))
        for number, (score, start, length) in enumerate(placed)
    ]
    scores = [
        decide(findings[:count], Policy()).scores.get(INJECTION, 0.0) for count in range(len(findings) + 1)
    ]
    assert all(one <= other + 1e-9 for one, other in pairwise(scores))


def test_what_a_classifier_says_of_a_passage_adds_to_what_rules_find_in_it() -> None:
    rule, opinion = found(INJECTION, 0.5), found(INJECTION, 0.5, "classifier.prompt_injection")
    assert decide([rule, opinion], Policy()).scores == {INJECTION: pytest.approx(0.75)}


def test_a_script_that_is_not_expected_adds_to_what_rules_find_in_words_of_it() -> None:
    script = Finding(INJECTION, "language.unexpected", 0.3, (0, 100))
    assert decide([found(INJECTION, 0.5), script], Policy()).scores == {INJECTION: pytest.approx(0.65)}


def test_other_signals_in_the_same_words_add_up() -> None:
    verdict = decide([found("db_access", 0.5), found("db_access", 0.5, "b.rule")], Policy())
    assert verdict.scores == {"db_access": pytest.approx(0.75)}


def test_one_rule_that_fires_often_is_one_signal() -> None:
    assert decide([found(INJECTION, 0.5)] * 9, Policy()).decision == "review"


def test_of_two_categories_that_decide_alike_the_surer_one_is_the_reason() -> None:
    for decision, low, high in (("block", 0.9, 0.95), ("review", 0.5, 0.6)):
        verdict = decide([found(INJECTION, low), found("db_access", high)], Policy())
        assert (verdict.decision, verdict.reason) == (decision, "db_access")


def test_the_gravest_category_is_the_reason() -> None:
    verdict = decide([found(INJECTION, 0.5), found("db_access", 0.9)], Policy())
    assert (verdict.decision, verdict.reason) == ("block", "db_access")


def test_a_category_that_is_not_enforced_is_told_and_does_not_decide() -> None:
    verdict = decide([found("toxicity", 1.0)], Policy())
    assert (verdict.decision, verdict.reason, verdict.scores) == ("allow", None, {"toxicity": 1.0})


def test_a_category_has_thresholds_of_its_own() -> None:
    policy = Policy(thresholds={INJECTION: Thresholds(review=0.1, block=0.2)})
    assert decide([found(INJECTION, 0.2), found("db_access", 0.2)], policy).reason == INJECTION


def test_shadow_mode_says_what_would_have_been_and_enforces_nothing() -> None:
    verdict = decide([found(INJECTION, 1.0)], Policy(shadow_mode=True))
    assert (verdict.decision, verdict.action) == ("block", "allow")


def test_masking_replaces_blocking_of_what_can_be_masked() -> None:
    assert decide([found("pii_leakage", 0.9)], Policy(mask=True)).action == "mask"
    assert decide([found("pii_leakage", 0.9)], Policy()).action == "block"


def test_masking_does_not_let_an_attack_pass() -> None:
    assert decide([found("pii_leakage", 0.9), found(INJECTION, 0.9)], Policy(mask=True)).action == "block"


@given(st.lists(st.floats(0, 1)))
def test_signals_together_are_never_less_than_the_strongest_nor_more_than_certain(
    scores: list[float],
) -> None:
    assert max(scores, default=0.0) - 1e-9 <= combine(scores) <= 1.0


FINDINGS = st.lists(st.builds(found, st.sampled_from(CATEGORIES), st.floats(0, 1), st.sampled_from("abc")))


@given(FINDINGS, FINDINGS, st.booleans())
def test_more_findings_never_make_a_verdict_milder(
    some: list[Finding], more: list[Finding], mask: bool
) -> None:
    policy = Policy(mask=mask)
    before, after = decide(some, policy), decide(some + more, policy)
    assert DECISIONS.index(after.decision) >= DECISIONS.index(before.decision)
    assert ACTIONS.index(after.action) >= ACTIONS.index(before.action)
