"""What `precog guard eval` finds in texts that are kept here never falls below what was recorded.

Rules and weights were made from the corpus and the cases, so their figures say that rules, readings and
weights still fit together. How good they are is told by the texts that are held out, which nothing learned,
and by sources left out of training (docs/detection.md).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from precog.cli import main

HERE = Path(__file__).parent
CORPUS = HERE.parents[1] / "precog" / "detection" / "corpus"


def evaluated(path: Path) -> dict[str, float]:
    result = CliRunner().invoke(main, ["guard", "eval", str(path), "--json"])
    assert result.exit_code == 0, result.output
    figures: dict[str, float] = json.loads(result.output)["overall"]
    return figures


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole corpus in one file, each text with its label."""
    path = tmp_path_factory.mktemp("gate") / "corpus.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for one in sorted(CORPUS.glob("*/*.jsonl")):
            for line in one.read_text(encoding="utf-8").splitlines():
                row = {"text": json.loads(line)["text"], "label": int(one.name.startswith("attacks"))}
                file.write(json.dumps(row | {"source": one.parent.name}) + "\n")
    return path


def test_the_corpus_is_told_apart_as_well_as_recorded(corpus: Path) -> None:
    figures = evaluated(corpus)
    assert figures["auc"] >= 0.993
    assert figures["recall"] >= 0.74
    assert figures["fpr"] <= 0.005


def test_the_cases_of_the_rules_are_told_apart_as_well_as_recorded() -> None:
    figures = evaluated(HERE / "rule_cases.jsonl")
    assert figures["auc"] >= 0.994
    assert figures["recall"] >= 0.89
    assert figures["fpr"] <= 0.013


def test_texts_that_nothing_learned_are_told_apart_as_well_as_recorded() -> None:
    figures = evaluated(HERE / "held_out.jsonl")
    assert figures["auc"] >= 0.942
    assert figures["recall"] >= 0.54
    assert figures["fpr"] <= 0.021
