"""A linear classifier over hashed n-grams of words and letters.

The weights are files in `data/`, each with a card that says what they were trained on and how good they are.
The hashing trick: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
import numpy.typing as npt

from .ngrams import LEAST_EVIDENCE, Hashes, between, inner, mixed, word_hash, words

_REMEMBERED = 8_000  # words whose weights are kept at hand, some 300 bytes each
_GREATEST_ODDS = 50.0  # as a logarithm; e to the 700 is more than a float holds

Floats = npt.NDArray[np.float64]


def sigmoid(odds: Floats) -> Floats:
    """The probabilities whose log-odds these are."""
    return 1.0 / (1.0 + np.exp(-np.clip(odds, -_GREATEST_ODDS, _GREATEST_ODDS)))


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each value of a hash's low bits, and the line from a score to log-odds."""

    table: npt.NDArray[np.float16]
    slope: float
    offset: float

    @classmethod
    def load(cls, name: str) -> Weights:
        """Those that are shipped under a name."""
        content = files(__package__).joinpath("data", f"{name}.npz").read_bytes()
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            slope, offset = (float(number) for number in arrays["line"])
            return cls(arrays["table"], slope, offset)

    def of(self, hashes: Hashes) -> Floats:
        """The weight of each n-gram."""
        return np.asarray(self.table[hashes & np.uint64(len(self.table) - 1)], dtype=np.float64)

    def probabilities(self, scores: Floats) -> Floats:
        """What scores mean: Platt's sigmoid, "Probabilistic Outputs for Support Vector Machines", 1999."""
        return sigmoid(self.slope * scores + self.offset)


class Grams:
    """What several sets of weights say of the n-grams of a text. Threads may share it."""

    def __init__(self, weights: Sequence[Weights]) -> None:
        self._weights = weights
        self._known: dict[str, tuple[float, ...]] = {}

    def probabilities(self, passages: Sequence[str]) -> Floats:
        """For each passage (a row) the probability by each set of weights (a column)."""
        scores = self.scores(passages)
        columns = [one.probabilities(scores[:, at]) for at, one in enumerate(self._weights)]
        return np.stack(columns, axis=1)

    def scores(self, passages: Sequence[str]) -> Floats:
        """The sum of the weights over the root of their number; a word counts once in a passage."""
        cut = [words(passage) or ["\n"] for passage in passages]
        known = self._learned([word for part in cut for word in part])
        # A row for each word that a passage has: how many n-grams are in it, and their sum by each set.
        once = [list(dict.fromkeys(part)) for part in cut]
        rows = np.array([known[word][1:] for part in once for word in part])
        sums = np.add.reduceat(rows, _starts(once))
        hashes = np.array([known[word][0] for part in cut for word in part]).astype(np.uint64)
        hashes, owners = between(hashes, np.repeat(np.arange(len(cut)), [len(part) for part in cut]))
        sums[:, 0] += np.bincount(owners, minlength=len(cut))
        for at, one in enumerate(self._weights, 1):
            sums[:, at] += np.bincount(owners, one.of(hashes), minlength=len(cut))
        return np.asarray(sums[:, 1:] / np.sqrt(sums[:, :1] + LEAST_EVIDENCE))

    def _learned(self, needed: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """What is known of words: of more than these perhaps, of these for certain."""
        known = self._known
        new = [word for word in dict.fromkeys(needed) if word not in known]
        if not new:
            return known
        if len(known) + len(new) > _REMEMBERED:
            # Others may still read the old ones, so they are left as they are.
            known = self._known = {word: known[word] for word in needed if word in known}
        whole = np.array([word_hash(word) for word in new], dtype=np.uint64)
        hashes, owners = inner(new)
        columns = [whole.astype(np.float64), 1.0 + np.bincount(owners, minlength=len(new))]
        for one in self._weights:
            columns.append(one.of(mixed(whole)) + np.bincount(owners, one.of(hashes), minlength=len(new)))
        known.update(zip(new, zip(*(column.tolist() for column in columns), strict=True), strict=True))
        return known


def _starts(parts: Sequence[Sequence[str]]) -> npt.NDArray[np.intp]:
    return np.concatenate(([0], np.cumsum([len(part) for part in parts])[:-1])).astype(np.intp)


class NgramClassifier:
    """Tells injections, jailbreaks and toxic text from other text, passage by passage."""

    def __init__(self, attack: Weights, jailbreak: Weights, toxicity: Weights) -> None:
        self._grams = Grams((attack, jailbreak, toxicity))

    @classmethod
    def load(cls) -> NgramClassifier:
        """With the weights that are shipped."""
        return cls(Weights.load("attack"), Weights.load("jailbreak"), Weights.load("toxicity"))

    def __call__(self, passages: Sequence[str]) -> list[dict[str, float]]:
        """For each passage the probability of each category.

        An attack is told under the likelier of the two categories in full, and under the other as far as it
        is that one, so that neither hides under its threshold because both are possible.
        """
        if not passages:
            return []
        return [
            {
                "prompt_injection": attack * (1.0 if jailbreak < 0.5 else 1.0 - jailbreak),
                "jailbreak": attack * (1.0 if jailbreak >= 0.5 else jailbreak),
                "toxicity": toxic,
            }
            for attack, jailbreak, toxic in self._grams.probabilities(passages).tolist()
        ]
