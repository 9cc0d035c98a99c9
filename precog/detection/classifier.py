"""A linear classifier over hashed n-grams of words and letters.

The weights are files in `data/`, each with a card that says what they were trained on and how good they are.
The hashing trick: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
import numpy.typing as npt

from .ngrams import LEAST_EVIDENCE, Hashes, Owners, begun, between, distinct, inner, mixed, row, word_hashes

_REMEMBERED = 12_000  # words whose weights are kept at hand, some 200 bytes each
_PLACE_BITS = 24  # of the place of a word; a text has no more of them
_AT_ONCE = 16  # passages; more would not fit into the processor's cache
_GREATEST_ODDS = 50.0  # as a logarithm; e to the 700 is more than a float holds

Floats = npt.NDArray[np.float64]


def sigmoid(odds: Floats) -> Floats:
    """The probabilities whose log-odds these are."""
    return 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(odds, -_GREATEST_ODDS), _GREATEST_ODDS)))


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each value of a hash's low bits, and the line from a score to log-odds.

    Such a line: Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """

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


class _Known:
    """What was once found out of words. Threads may read and add at the same time."""

    def __init__(self, room: int, columns: int) -> None:
        self.places: dict[str, int] = {}
        self.hashes = np.zeros(room, dtype=np.uint64)
        self.rows = np.zeros((room, columns))
        self._free = itertools.count()

    def add(self, words: Sequence[str], hashes: Hashes, rows: Floats) -> bool:
        """Whether there was room for them."""
        places = list(itertools.islice(self._free, len(words)))
        if places[-1] >= len(self.hashes):
            return False
        self.hashes[places], self.rows[places] = hashes, rows
        self.places.update(zip(words, places, strict=True))
        return True

    def of(self, words: Sequence[str]) -> npt.NDArray[np.intp]:
        """The place of each; KeyError when one is not known."""
        return np.fromiter(map(self.places.__getitem__, words), np.intp, len(words))


class Grams:
    """What several sets of weights say of the n-grams of a text. Threads may share it."""

    def __init__(self, weights: Sequence[Weights]) -> None:
        self._weights = weights
        self._slopes = np.array([one.slope for one in weights])
        self._offsets = np.array([one.offset for one in weights])
        self._known = self._nothing(_REMEMBERED)

    def probabilities(self, passages: Sequence[str]) -> Floats:
        """For each passage (a row) the probability by each set of weights (a column)."""
        return sigmoid(self._slopes * self.scores(passages) + self._offsets)

    def scores(self, passages: Sequence[str]) -> Floats:
        """The sum of the weights over the root of their number; a word counts once in a passage."""
        if len(passages) == 1:
            return self._scores_of_one(passages[0])
        parts = range(0, len(passages), _AT_ONCE)
        return np.concatenate([self._scores(passages[at : at + _AT_ONCE]) for at in parts])

    def _scores(self, passages: Sequence[str]) -> Floats:
        cut = [begun(passage) for passage in passages]
        sizes = [len(part) for part in cut]
        known, places = self._looked_up(list(itertools.chain.from_iterable(cut)))
        owners = np.repeat(np.arange(len(cut)), sizes)
        keys = (owners << _PLACE_BITS) | places
        keys.sort()
        keys = distinct(keys)
        # How many n-grams there are, and their sum by each set of weights.
        starts = np.searchsorted(keys, np.arange(len(cut)) << _PLACE_BITS)
        sums = np.add.reduceat(known.rows[keys & (1 << _PLACE_BITS) - 1], starts)
        hashes, owners = between(known.hashes[places], owners)
        sums += self._summed(hashes, owners, len(cut))
        return np.asarray(sums[:, 1:] / np.sqrt(sums[:, :1] + LEAST_EVIDENCE))

    def _scores_of_one(self, passage: str) -> Floats:
        """The same for a single passage, as most texts are, in half as many steps."""
        known, places = self._looked_up(begun(passage))
        once = np.fromiter(sorted(set(places.tolist())), np.intp)
        sums = known.rows[once].sum(axis=0)
        hashes = distinct(row(known.hashes[places]))
        sums[0] += len(hashes)
        for at, one in enumerate(self._weights, 1):
            sums[at] += one.of(hashes).sum()
        return np.asarray(sums[1:] / math.sqrt(sums[0] + LEAST_EVIDENCE))[np.newaxis]

    def _looked_up(self, needed: Sequence[str]) -> tuple[_Known, npt.NDArray[np.intp]]:
        """Where it stands what is known of each word."""
        known = self._known
        try:
            return known, known.of(needed)
        except KeyError:
            new = [word for word in set(needed) if word not in known.places]
        if new and not known.add(new, *self._found_out(new)):
            # Others may still read the old ones, so they are left as they are.
            new = list(set(needed))
            known = self._nothing(max(_REMEMBERED, len(new)))
            known.add(new, *self._found_out(new))  # before others see it, and fill it
            self._known = known
        return known, known.of(needed)

    def _nothing(self, room: int) -> _Known:
        return _Known(room, 1 + len(self._weights))

    def _found_out(self, new: Sequence[str]) -> tuple[Hashes, Floats]:
        """The hash of each word, and how many n-grams are in it, and their sum by each set of weights."""
        whole = word_hashes(new)
        hashes, owners = inner(new)
        rows = self._summed(hashes, owners, len(new))
        rows[:, 0] += 1.0  # the word itself
        for at, one in enumerate(self._weights, 1):
            rows[:, at] += one.of(mixed(whole))
        return whole, rows

    def _summed(self, hashes: Hashes, owners: Owners, count: int) -> Floats:
        """How many n-grams each owner has, and their sum by each set of weights."""
        columns = [np.bincount(owners, one.of(hashes), minlength=count) for one in self._weights]
        return np.stack([np.bincount(owners, minlength=count), *columns], axis=1, dtype=np.float64)


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
