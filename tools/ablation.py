"""How well the guard detects without one of its parts, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from classifier_figures import head, left_out, row, scanned, scores, table
from train_classifier import BITS, Trained, attacks, kinds_of, train
from training_data import FOLDS, Sample, held_out

from precog.detection import engine, passages
from precog.detection.classifier import Weights
from precog.detection.findings import Finding
from precog.detection.normalize import View, Views

Found = Sequence[Sequence[Finding]]
_WHOLE = 1 << 30  # code points: no text is longer


def report(directory: Path) -> None:
    """Print a table for each collection of texts: everything, and everything but one part."""
    samples = attacks(directory)
    others = list(held_out())
    variants = {name: scores(found) for name, found in _variants(samples, others)}
    own = np.array([sample.is_own for sample in samples])
    bipia = np.array([sample.source == "bipia" for sample in samples])
    collections = (
        ("public sources but bipia", np.flatnonzero(~own & ~bipia)),
        ("own corpus", np.flatnonzero(own)),
        ("held out", np.arange(len(samples), len(samples) + len(others))),
    )
    every = [*samples, *others]
    for title, places in collections:
        head(title)
        for name, found in variants.items():
            print(row(name, [found[at] for at in places], [every[at] for at in places]))
        print()
    print("### Whole languages left out\n")
    apart = _languages_apart(samples)
    found = scores(left_out(_taught(apart), apart))
    places = [at for at, one in enumerate(apart) if one.is_own and one.language]
    ours = [apart[at] for at in places]
    table("language", ours, [found[at] for at in places], lambda sample: sample.language)


def _languages_apart(samples: Sequence[Sample]) -> list[Sample]:
    """The samples in other folds: all of a language but English in one, with few others."""
    languages = sorted({sample.language for sample in samples} - {"en", ""})
    folds = {language: FOLDS[at % len(FOLDS)] for at, language in enumerate(languages)}
    return [replace(sample, fold=folds.get(sample.language, sample.fold)) for sample in samples]


def _variants(samples: list[Sample], others: Sequence[Sample]) -> Iterator[tuple[str, Found]]:
    """What is found in the samples, each left out of training, and in others: what is missing, findings."""
    every = [*samples, *others]
    found = _taught(samples)
    rules = scanned(engine.Engine.load(), every)
    both = left_out(found, every)
    opinions = [[finding for finding in of_text if finding.is_opinion] for of_text in both]
    yield "everything", both
    yield "without the classifier", rules
    yield "without the rules", opinions
    yield (
        "without weighing rules by the classifier",
        [[*one, *other] for one, other in zip(rules, opinions, strict=True)],
    )
    with patch.object(engine, "views", _as_it_came):
        yield "without readings of disguised text", left_out(found, every)
    with patch.object(passages, "LONGEST", _WHOLE):
        yield "without passages", left_out(_taught(samples), every)
    found["attack"] = samples, train(samples, BITS["attack"], plant=False)
    yield "without attacks planted in harmless texts", left_out(found, every)
    ours = np.array([sample.is_own for sample in samples])
    for name, taught in (("the own corpus", ~ours), ("public sources", ours)):
        found["attack"] = samples, train(samples, BITS["attack"], taught=taught)
        yield f"without {name} in training", left_out(found, every)


def _taught(samples: Sequence[Sample]) -> dict[str, tuple[list[Sample], Trained]]:
    """Classifiers that learned from the samples, and know nothing of toxicity."""
    kinds = kinds_of(samples)
    return {
        "attack": (list(samples), train(samples, BITS["attack"])),
        "jailbreak": (kinds, train(kinds, BITS["jailbreak"], decides=False, plant=False)),
    } | _toxicity()


def _toxicity() -> dict[str, tuple[list[Sample], Trained]]:
    nothing = Weights(np.zeros(2, dtype=np.float16), 1.0, -10.0)
    return {"toxicity": ([], Trained(nothing, {}, np.zeros(0)))}


def _as_it_came(text: str) -> Views:
    return Views([View(text)])
