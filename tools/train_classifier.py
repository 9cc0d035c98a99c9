#!/usr/bin/env python3
"""Train the classifiers that are shipped, or measure how well they would do on sources they do not know.

    tools/train_classifier.py --data DIR              writes the weights into precog/detection/data
    tools/train_classifier.py --data DIR --validate   leaves out every source once, and prints figures
    tools/train_classifier.py --data DIR --ablate     the same without one part after another

DIR holds injection.jsonl.gz, toxicity-davidson.jsonl.gz and toxicity-surge.jsonl.gz (JSON lines with text,
label, source, category). The same data give the same bytes: all chance has a seed, and sums have one order.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse
from sklearn.linear_model import SGDClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training_data import FOLDS, Sample, cases, cut, own, planted, public, scraps, thinned, toxic, weights

from precog.detection import ngrams
from precog.detection.classifier import Weights, sigmoid
from precog.detection.policy import DEFAULT

DATA = Path(__file__).resolve().parents[1] / "precog" / "detection" / "data"
BITS = {"attack": 20, "jailbreak": 17, "toxicity": 18}
BLOCKED, REVIEWED = 0.02, 0.06
"""Shares of harmless texts, left out of training, that a classifier alone blocks, and at least reviews."""
HARD = ("own ", "davidson", "surge")
"""Beginnings of the sources whose harmless texts these are: those that are hard to tell from the others."""
_SEED = 20261122
_ROUNDS = 6
_TELLING = 0.6  # of an n-gram's weight, how much goes by what it tells by itself

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def matrix(texts: Sequence[str], bits: int) -> sparse.csr_matrix:
    """A row for each text: its n-grams by the low bits of their hashes, over the root of their number.

    What `classifier.Grams` sums up, as numbers to learn from.
    """
    parts = [ngrams.begun(text) for text in texts]
    numbers: dict[str, int] = {}
    tokens = np.array([numbers.setdefault(word, len(numbers)) for part in parts for word in part])
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    whole = ngrams.word_hashes(list(numbers))
    pairs, of_pairs = ngrams.between(whole[tokens], owners)
    inner, of_words = ngrams.inner(list(numbers))
    order = np.argsort(of_words, kind="stable")
    sizes = np.bincount(of_words, minlength=len(numbers))
    starts = np.cumsum(sizes) - sizes
    once = np.unique(owners * len(numbers) + tokens)
    owners, tokens = once // len(numbers), once % len(numbers)
    many = sizes[tokens]
    within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    places = order[np.repeat(starts[tokens], many) + within]
    hashes = np.concatenate([ngrams.mixed(whole)[tokens], inner[places], pairs])
    rows = np.concatenate([owners, np.repeat(owners, many), of_pairs])
    columns = (hashes & np.uint64((1 << bits) - 1)).astype(np.int64)
    found = sparse.csr_matrix(
        (np.ones(len(columns), dtype=np.float32), (rows, columns)), shape=(len(parts), 1 << bits)
    )
    found.sum_duplicates()
    norms = np.sqrt(ngrams.LEAST_EVIDENCE + np.asarray(found.sum(axis=1)).ravel())
    found.data /= np.repeat(norms, np.diff(found.indptr)).astype(np.float32)
    return found


@dataclass(frozen=True)
class Line:
    """A weight for each column, and where the scores begin."""

    table: Floats
    bias: float

    def scores(self, rows: sparse.csr_matrix) -> Floats:
        """The score of each row."""
        return np.asarray(rows @ self.table) + self.bias


def fitted(rows: sparse.csr_matrix, labels: Ints, importance: Floats) -> Line:
    """A logistic regression by averaged stochastic gradient descent: Bottou, COMPSTAT 2010; Xu, 2011."""
    model = SGDClassifier(
        loss="log_loss", alpha=5e-6, max_iter=_ROUNDS, tol=None, average=True, random_state=_SEED
    )
    model.fit(rows, labels, sample_weight=importance)
    return Line(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


class Lessons:
    """All passages of some samples, with more made of them, as rows to learn from."""

    def __init__(self, samples: Sequence[Sample], bits: int, *, plant: bool = True) -> None:
        chance = random.Random(_SEED)
        parts = cut(samples)
        self.number = np.array([number for number, _ in parts])
        texts = [text for _, text in parts]
        self.passages = matrix(texts, bits)
        hosted = planted(parts, samples, chance) if plant else []
        more = [*hosted, *scraps(parts, samples, chance, 0.3 if plant else 1.0)]
        thin = matrix([thinned(text, chance, 0.3) for text in texts], bits)
        made = [self.passages, thin] + ([matrix([text for _, text in more], bits)] if more else [])
        self.rows = sparse.vstack(made).tocsr()
        self.owner = np.concatenate(
            [self.number, self.number, np.array([n for n, _ in more], dtype=np.int64)]
        )
        # Which passage a row is, or was made of; a planted attack is a passage of its own.
        own = np.arange(len(parts))
        self.passage = np.concatenate([own, own, np.full(len(more), -1)])
        self.labels = np.array([sample.label for sample in samples])
        count = np.bincount(self.number)
        importance = np.array(weights(samples))[self.owner]
        importance *= np.where(self.labels[self.owner] == 1, 1.0, count[self.owner] ** -0.5)
        self.importance = importance * np.where(self.passage < 0, 0.5, 1.0)
        self.starts = np.searchsorted(self.number, np.arange(len(samples)))

    def learn(self, chosen: npt.NDArray[np.bool_]) -> Line:
        """What the chosen samples teach.

        Of a long attack only some passages attack, and nobody says which: after a first round over all of
        them those count that it finds worst (multiple-instance learning: Andrews et al., NIPS 2002).
        """
        taken = chosen[self.owner]
        telling = self._telling(chosen[self.number])
        line = self._fitted(taken, telling)
        scores = line.scores(self.passages)
        worst = self.worst(scores)[self.number]
        counts = (self.labels[self.number] == 0) | (scores >= worst - 0.5)
        return self._fitted(taken & np.where(self.passage < 0, True, counts[self.passage]), telling)

    def _telling(self, chosen: npt.NDArray[np.bool_]) -> Floats:
        """How far each n-gram tells attacks from harmless passages by itself, 1 in the mean.

        The log-count ratio of Wang and Manning, "Baselines and Bigrams", ACL 2012, mixed with 1.
        """
        seen = []
        for label in (0, 1):
            at = np.flatnonzero(chosen & (self.labels[self.number] == label))
            rows = self.passages[at]
            importance = np.repeat(self.importance[at], np.diff(rows.indptr))
            sums = 1.0 + np.bincount(rows.indices, importance, minlength=rows.shape[1])
            seen.append(np.log(sums / sums.sum()))
        ratio = np.abs(seen[1] - seen[0])
        return np.asarray(_TELLING * ratio / ratio[ratio > 0].mean() + 1.0 - _TELLING)

    def _fitted(self, taken: npt.NDArray[np.bool_], telling: Floats) -> Line:
        at = np.flatnonzero(taken)
        rows = self.rows[at]
        rows.data *= telling[rows.indices].astype(np.float32)
        line = fitted(rows, self.labels[self.owner[at]], self.importance[at])
        return Line(line.table * telling, line.bias)

    def worst(self, scores: Floats) -> Floats:
        """The highest score of the passages of each sample."""
        return np.asarray(np.maximum.reduceat(scores, self.starts))


def placed(scores: Floats, labels: Ints, hard: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the log-odds that put the thresholds of the product where they let few through.

    `hard` are the samples whose harmless texts count: so many of them reach `block`, and so many `review`.
    """
    harmless = np.sort(scores[hard & (labels == 0)])
    block, review = (harmless[int(len(harmless) * (1 - share))] for share in (BLOCKED, REVIEWED))
    odds = [float(np.log(p / (1 - p))) for p in (DEFAULT.block, DEFAULT.review)]
    slope = (odds[0] - odds[1]) / (block - review)
    return float(slope), float(odds[0] - slope * block)


def packed(line: Line, slope: float, offset: float) -> Weights:
    """What is shipped: half precision is a thousandth of a weight, and the bias goes into the offset."""
    return Weights(line.table.astype(np.float16), slope, slope * line.bias + offset)


@dataclass(frozen=True)
class Trained:
    """Weights learned from everything, those without each fold, and the odds of what was left out."""

    weights: Weights
    without: dict[str, Weights]
    left_out: Floats

    @property
    def opinions(self) -> list[float]:
        """What was left out, as the product would score it."""
        return [float(score) for score in sigmoid(self.left_out)]


def train(
    samples: Sequence[Sample],
    bits: int,
    *,
    decides: bool = True,
    plant: bool = True,
    taught: npt.NDArray[np.bool_] | None = None,
) -> Trained:
    """Learn with each fold left out once, place thresholds by what was left out, learn from everything.

    Only the samples that are `taught` are learned from; without, all are.
    """
    lessons = Lessons(samples, bits, plant=plant)
    folds = np.array([sample.fold for sample in samples])
    if taught is None:
        taught = np.ones(len(samples), dtype=bool)
    scores, lines = np.zeros(len(samples)), {}
    for fold in [fold for fold in FOLDS if (folds == fold).any()]:
        lines[fold] = lessons.learn((folds != fold) & taught)
        left = folds == fold
        scores[left] = lessons.worst(lines[fold].scores(lessons.passages))[left]
    hard = np.array([sample.source.startswith(HARD) for sample in samples])
    # What does not decide by itself keeps the odds that it was fitted with.
    slope, offset = placed(scores, lessons.labels, hard) if decides else (1.0, 0.0)
    whole = lessons.learn(taught)
    without = {fold: packed(line, slope, offset) for fold, line in lines.items()}
    return Trained(packed(whole, slope, offset), without, slope * scores + offset)


def attacks(directory: Path) -> list[Sample]:
    """What is learned about attacks."""
    return [*public(directory), *own(), *cases()]


def kinds_of(attack: Sequence[Sample]) -> list[Sample]:
    """Of attacks, which are jailbreaks."""
    return [replace(one, label=int(one.jailbreak)) for one in attack if one.label]


def everything(directory: Path) -> dict[str, tuple[list[Sample], Trained]]:
    """Each classifier that is shipped, with what it was trained on."""
    attack = attacks(directory)
    plain = [replace(one, source=f"plain {one.source}") for one in attack if not one.label]
    toxicity = [*toxic(directory), *plain]
    return {
        name: (samples, train(samples, BITS[name], decides=name != "jailbreak", plant=name == "attack"))
        for name, samples in (
            ("attack", attack),
            ("jailbreak", kinds_of(attack)),
            ("toxicity", toxicity),
        )
    }


def write(name: str, trained: Weights) -> None:
    """Keep weights where the product reads them; the same weights are the same bytes."""
    path = DATA / f"{name}.npz"
    np.savez_compressed(path, table=trained.table, line=np.array([trained.slope, trained.offset]))
    print(f"{path.name}: {path.stat().st_size:,} bytes, {np.count_nonzero(trained.table):,} weights")


def main() -> None:
    """Train, and write the weights or the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--ablate", action="store_true")
    arguments = parser.parse_args()
    if arguments.ablate:
        from ablation import report as ablate  # it imports from here

        ablate(arguments.data)
        return
    found = everything(arguments.data)
    if arguments.validate:
        from classifier_figures import report  # it loads the engine

        report(found)
        return
    for name, (_, trained) in found.items():
        write(name, trained.weights)


if __name__ == "__main__":
    main()
