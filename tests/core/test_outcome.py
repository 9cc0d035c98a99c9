"""What a prompt is blocked for of which not all could be looked at."""

from __future__ import annotations

from precog.core.outcome import Outcome, outcome
from precog.detection.engine import Report
from precog.detection.findings import Finding
from precog.detection.policy import Policy

SLIGHT = Finding("toxicity", "classifier.toxicity", 0.29, (0, 4))
WEAK = Finding("db_access", "a.rule", 0.2, (0, 4))
NAME = Finding("pii_leakage", "pii.name", 0.2, (0, 4))


def unseen(*findings: Finding, policy: Policy | None = None) -> Outcome:
    """The outcome for a prompt that these were found in before something could not be looked at."""
    return outcome("some words", Report(findings, complete=False), policy or Policy(), closed=True)


def test_an_unseen_prompt_is_blocked_for_the_worst_that_was_found() -> None:
    assert unseen(WEAK, NAME, Finding("jailbreak", "b.rule", 0.3, (0, 4))).verdict.reason == "jailbreak"
    assert unseen(WEAK).verdict.reason == "db_access"
    assert unseen(WEAK, NAME, policy=Policy(mask=True)).verdict.reason == "pii_leakage"


def test_an_unseen_prompt_of_which_nothing_is_told_is_blocked_for_what_it_might_be() -> None:
    assert unseen().verdict.reason == "prompt_injection"
    assert unseen(policy=Policy(mask=True)).verdict.reason == "pii_leakage"


def test_a_slight_opinion_of_a_classifiers_is_no_reason() -> None:
    assert unseen(SLIGHT).verdict.reason == "prompt_injection"
    assert unseen(SLIGHT, WEAK).verdict.reason == "db_access"
    assert unseen(SLIGHT).verdict.action == "block"
