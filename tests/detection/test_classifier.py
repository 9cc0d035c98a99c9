"""The trained classifier says the same of a passage whatever it has read before, and its opinion counts."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core.findings import told
from precog.detection import classifier as module
from precog.detection.classifier import NgramClassifier, Weights
from precog.detection.engine import Engine, shared
from precog.detection.findings import Finding
from precog.detection.passages import LONGEST
from precog.detection.policy import DEFAULT, Policy, decide, score_by_category
from precog.detection.rules import RuleSet
from tests.detection.languages import PAIRS

NAMES = ("attack", "jailbreak", "toxicity")
ATTACK = PAIRS["en"][0]
PASSAGES = [text for pair in PAIRS.values() for text in pair]
CATEGORIES = {"prompt_injection", "jailbreak", "toxicity"}


@pytest.fixture(scope="module")
def weights() -> list[Weights]:
    return [Weights.load(name) for name in NAMES]


@pytest.fixture
def fresh(weights: list[Weights]) -> NgramClassifier:
    """One that has read nothing yet."""
    return NgramClassifier(*weights)


def alike(one: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]]) -> bool:
    """But for the last bits, which depend on the order of sums."""
    return len(one) == len(other) and all(
        mine == pytest.approx(theirs, abs=1e-9) for mine, theirs in zip(one, other, strict=True)
    )


@cache
def rules() -> RuleSet:
    return RuleSet.load()


@cache
def ready() -> NgramClassifier:
    """One that all tests share."""
    return NgramClassifier.load()


def attack(opinion: Mapping[str, float]) -> float:
    return max(opinion["prompt_injection"], opinion["jailbreak"])


def new_words(count: int, *, first: int = 0) -> str:
    """Words that nobody has written before, none of them twice."""
    digits = str.maketrans("0123456789", "ghijklmnop")
    return " ".join(f"q{number:x}z".translate(digits) for number in range(first, first + count))


# --- the same answer


def test_a_passage_has_the_same_answer_alone_and_among_others(
    fresh: NgramClassifier, weights: list[Weights]
) -> None:
    together = fresh(PASSAGES)
    assert alike(together, [NgramClassifier(*weights)([text])[0] for text in PASSAGES])
    assert len({opinion["prompt_injection"] for opinion in together}) > len(PASSAGES) / 2


def test_the_order_of_passages_is_that_of_the_answers_and_matters_for_nothing_else(
    fresh: NgramClassifier,
) -> None:
    order = list(range(len(PASSAGES)))
    random.Random(7).shuffle(order)
    mixed = fresh([PASSAGES[at] for at in order])
    assert alike(mixed, [fresh([PASSAGES[at]])[0] for at in order])


def test_an_answer_stays_the_same_after_more_words_than_are_remembered(fresh: NgramClassifier) -> None:
    before = fresh(PASSAGES)
    for first in range(0, module._REMEMBERED + 4000, 2000):
        fresh([new_words(2000, first=first)])
    assert len(fresh._grams._known.places) <= module._REMEMBERED
    assert alike(fresh(PASSAGES), before)


def test_more_new_words_at_once_than_are_remembered_are_read(fresh: NgramClassifier) -> None:
    text = new_words(40_000)
    assert len(text) >= 1 << 18
    once = fresh([*PASSAGES, text])
    assert alike(fresh([*PASSAGES, text]), once)
    assert alike(fresh(PASSAGES), once[:-1])


def test_threads_have_the_same_answers(fresh: NgramClassifier, weights: list[Weights]) -> None:
    expected = NgramClassifier(*weights)(PASSAGES)
    wrong: list[str] = []
    start = threading.Barrier(8)

    def ask(number: int) -> None:
        start.wait()
        for turn in range(4):  # each makes the others forget
            fresh([new_words(module._REMEMBERED // 4, first=(4 * number + turn) * 10_000)])
            if not alike(fresh(PASSAGES), expected):
                wrong.append(f"thread {number}, turn {turn}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- any text


def test_no_passages_have_no_answers(fresh: NgramClassifier) -> None:
    assert fresh([]) == []


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=())), min_size=1, max_size=4))
def test_any_text_has_probabilities(texts: list[str]) -> None:
    answers = ready()(texts)
    assert len(answers) == len(texts)
    for opinion in answers:
        assert opinion.keys() == CATEGORIES
        assert all(0.0 <= probability <= 1.0 for probability in opinion.values())


def test_texts_without_a_word_have_an_answer(fresh: NgramClassifier) -> None:
    for text in ("", " \t", "\ud800", "\u0301", "\x00"):
        assert fresh([text])[0].keys() == CATEGORIES


@pytest.mark.parametrize("piece", [ATTACK + " ", "a", "忽", "7 ", "!", "\n"])
def test_a_passage_may_be_long(fresh: NgramClassifier, piece: str) -> None:
    [opinion] = fresh([piece * (262_144 // len(piece))])
    assert all(0.0 <= probability <= 1.0 for probability in opinion.values())


# --- what is shipped


def test_the_weights_are_small_and_no_code() -> None:
    paths = [Path(str(files("precog.detection") / "data" / f"{name}.npz")) for name in NAMES]
    assert sum(path.stat().st_size for path in paths) < 4 << 20
    for path in paths:
        with np.load(path, allow_pickle=False) as arrays:  # raises for an array of objects
            assert all(np.isfinite(arrays[name]).all() for name in arrays.files)


def test_the_low_bits_of_a_hash_reach_every_weight(weights: list[Weights]) -> None:
    for one in weights:
        size = len(one.table)
        assert size & (size - 1) == 0
        assert one.slope > 0


@pytest.mark.parametrize("language", sorted(PAIRS))
def test_a_plain_attack_scores_above_a_plain_harmless_text(language: str) -> None:
    bad, good = ready()(PAIRS[language])
    assert attack(bad) > attack(good)


def test_there_is_a_pair_for_each_language_of_the_corpus() -> None:
    corpus = Path(module.__file__).with_name("corpus")
    assert PAIRS.keys() == {folder.name for folder in corpus.iterdir() if folder.is_dir()}


# --- in the engine


class Opinion:
    """Says the same of each passage, and remembers them."""

    def __init__(self, **opinion: float) -> None:
        self._opinion = opinion
        self.seen: list[str] = []

    def __call__(self, passages: Sequence[str]) -> list[Mapping[str, float]]:
        self.seen += passages
        return [self._opinion for _ in passages]


def thinking(opinion: Opinion) -> Engine:
    """An engine with all rules and this classifier."""
    return Engine(rules(), opinion)


def test_the_engine_of_a_process_asks_the_classifier() -> None:
    told_of = {finding["rule"] for finding in told(shared().scan(ATTACK).findings)["findings"]}
    assert told_of & {"classifier.prompt_injection", "classifier.jailbreak"}


def test_tool_calls_are_not_classified() -> None:
    opinion = Opinion(prompt_injection=0.9)
    assert not thinking(opinion).scan_tool_call("note", json.dumps({"text": "some words"})).findings
    assert not opinion.seen
    assert thinking(opinion).scan("some words").findings


def test_an_opinion_as_good_as_none_is_no_finding() -> None:
    assert not thinking(Opinion(prompt_injection=0.0009, toxicity=0.0)).scan("some words").findings


def test_a_slight_opinion_counts_for_the_score_and_is_not_told() -> None:
    report = thinking(Opinion(prompt_injection=0.29)).scan("some words")
    assert report.findings == (
        Finding("prompt_injection", "classifier.prompt_injection", 0.29, (0, len("some words"))),
    )
    assert told(report.findings) == {"findings": [], "findings_omitted": 0}
    assert score_by_category(report.findings) == {"prompt_injection": pytest.approx(0.29)}


def test_a_slight_opinion_adds_to_the_signs_of_rules() -> None:
    weak = Finding("prompt_injection", "a.rule", 0.3, (0, 1))
    slight = Finding("prompt_injection", "classifier.prompt_injection", 0.2, (0, 9))
    assert decide([weak], Policy()).decision == decide([slight], Policy()).decision == "allow"
    assert decide([weak, slight], Policy()).decision == "review"


def test_what_a_rule_found_is_told_however_weak_it_is() -> None:
    assert Finding("prompt_injection", "a.rule", 0.05, (0, 1)).is_worth_telling
    assert Finding("prompt_injection", "classifier.prompt_injection", 0.3, (0, 1)).is_worth_telling


def test_an_attack_between_harmless_passages_is_found_in_its_place() -> None:
    harmless = "The museum opens at ten. Tickets are sold at the door, and children enter free. "
    text = harmless * 40 + ATTACK + " " + harmless * 40
    [finding] = (
        finding for finding in shared().scan(text).findings if finding.rule == "classifier.prompt_injection"
    )
    start, end = finding.span
    assert finding.score >= DEFAULT.review
    assert ATTACK in text[start:end]
    assert end - start <= LONGEST
    assert not told(shared().scan(harmless * 80).findings)["findings"]


@pytest.mark.parametrize(
    "text",
    [
        "-----",
        "==========",
        "....",
        "| Name | Age |\n|------|-----|\n| Ada | 36 |",
        "Report\n------\nSales rose by 3 %.",
        "user1@example.org",
        "########################\n# nightly job\n########################",
        "import subprocess\nsubprocess.run(['ls', '-l'], check=True)",
        "What is your refund policy?",
        "😀" * 600,
    ],
)
def test_everyday_texts_are_not_even_reviewed(text: str) -> None:
    scores = score_by_category(shared().scan(text).findings)
    assert max(scores.get("prompt_injection", 0.0), scores.get("jailbreak", 0.0)) < DEFAULT.review


def test_readings_of_a_long_disguised_text_cost_no_more_than_a_long_text() -> None:
    seen: list[int] = []

    def counting(passages: Sequence[str]) -> list[Mapping[str, float]]:
        seen.append(sum(map(len, passages)))
        return [{} for _ in passages]

    text = "".join(f"&#{ord(letter)};" for letter in "some plain words of a letter " * 3000)
    Engine(RuleSet.load(), counting).scan(text)
    # With the text itself; passages of a long text overlap little.
    assert len(text) <= seen[0] <= 1.05 * len(text) + 16_384
