"""Cuts text into words and numbers their n-grams, alike for the training and the use of a classifier."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

LEAST_EVIDENCE = 20.0
"""A score is the sum of weights over the root of their number and this: one word alone says little."""

Hashes = npt.NDArray[np.uint64]
Owners = npt.NDArray[np.intp]

# Scripts without spaces between words: each character is a word, and pairs and triples make up the words.
_ALONE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# The letters of most texts in lower case, with their vowel signs and accents. A set of ranges is looked up at
# once, where `[^\W\d_]`, which knows the other letters, asks one question after another.
_LETTER = (
    "[a-zªµºß-öø-ʯ\u0300-\u0373\u0376-\u037d\u0386-\u0481\u048a-\u055f\u0561-\u0588\u05d0-\u05ea\u0610-\u061a"
    "\u0620-\u065f\u066e-\u06d3\u06fa-\u06ff\u0900-\u0963\u0971-\u097f\u1100-\u11ff\u1e00-\u1fff\uac00-\ud7a3]"
)
# No word is longer than can be remembered.
_WORD = re.compile(
    rf"{_LETTER}{{1,32}}(?:['’-]{_LETTER}{{1,32}}){{0,3}}|[{_ALONE}]|\d{{1,4}}|\n\n?|[^\s\w]{{1,3}}|__?"
    r"|[^\W\d_]{1,32}"
)
_LONGEST = 24  # code points of a word whose n-grams count
_GREATEST = 5  # code points of an n-gram inside of a word
_ARMENIAN = 0x0530  # where the scripts begin that are neither Latin, Greek nor Cyrillic
# Odd constants with well mixed bits: the fraction of the golden ratio, and one of MurmurHash3's finalizer.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)
# Of a pair's hash so many bits are kept, and above them stands whose it is.
_LOW_BITS = np.uint64(44)
_LOW = np.uint64((1 << 44) - 1)


def words(text: str) -> list[str]:
    """The words, numbers and signs of a text, in lower case; all digits are one."""
    text = text.lower()
    for digit in "123456789":
        text = text.replace(digit, "0")
    return _WORD.findall(text)


def begun(passage: str) -> list[str]:
    """The words of a passage, with what begins a paragraph before them: orders often stand at a beginning."""
    return ["\n\n", *words(passage)]


def word_hashes(words: Sequence[str]) -> Hashes:
    """32 bits that stand for each word; no word has a space in it."""
    encoded = " ".join(words).encode("utf-8", "surrogatepass").split(b" ") if words else []
    return np.fromiter(map(zlib.crc32, encoded), np.uint64, len(words))


def mixed(hashes: Hashes) -> Hashes:
    """Hashes whose low bits depend on all others."""
    mixed = (hashes ^ (hashes >> _HALF)) * _MIX
    return mixed ^ (mixed >> _HALF)


def inner(words: Sequence[str]) -> tuple[Hashes, Owners]:
    """The n-grams of three to five letters in words, borders included: hashes, and the word of each.

    A single letter has none: it is a word already.
    """
    framed = [f"\x02{word[:_LONGEST]}\x03" if len(word) > 1 and word[0].isalpha() else "" for word in words]
    lengths = np.array([len(word) for word in framed], dtype=np.intp)
    text = "".join(framed).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(text, dtype=np.uint32).astype(np.uint64)
    owner = np.repeat(np.arange(len(framed)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))  # code points to the word's end
    hashes, owners, rolling = [], [], codes
    for size in range(2, _GREATEST + 1):
        rolling = rolling[:-1] * _GOLDEN + codes[size - 1 :]
        fits = left[: len(rolling)] >= size
        if size == 2:  # two letters tell much only where letters are many
            fits &= codes[1:] >= _ARMENIAN
        hashes.append(rolling[fits] + np.uint64(size))
        owners.append(owner[: len(rolling)][fits])
    return mixed(np.concatenate(hashes)), np.concatenate(owners)


def row(hashes: Hashes) -> Hashes:
    """The pairs of words of a row, next to each other or with one or two between, and the triples; sorted."""
    keys = _pairs(hashes)
    keys.sort()
    return keys


def _pairs(hashes: Hashes) -> Hashes:
    first, last = hashes * _GOLDEN, hashes * _MIX
    found = [first[:-gap] + last[gap:] + np.uint64(gap) for gap in (1, 2, 3)]
    found.append((first[:-2] + hashes[1:-1]) * _GOLDEN + last[2:])
    return mixed(np.concatenate(found)) & _LOW


def between(hashes: Hashes, owners: Owners) -> tuple[Hashes, Owners]:
    """The pairs of words of one owner, next to each other or with one or two between them, and the triples.

    `hashes` and `owners` are those of words in text order. What an owner has several times comes back once.
    """
    keys = _pairs(hashes)
    if len(owners) and owners[-1]:  # more than one
        above = owners.astype(np.uint64) << _LOW_BITS
        keys |= np.concatenate([above[gap:] for gap in (1, 2, 3, 2)])
        keys = keys[np.concatenate([owners[:-gap] == owners[gap:] for gap in (1, 2, 3, 2)])]
    keys.sort()  # faster than the hashing of numpy.unique by a factor of ten
    once = distinct(keys)
    return once & _LOW, (once >> _LOW_BITS).astype(np.intp)


Keys = TypeVar("Keys", bound=npt.NDArray[np.integer[Any]])


def distinct(keys: Keys) -> Keys:
    """What is in sorted keys, each once."""
    if len(keys) < 2:
        return keys
    other = np.empty(len(keys), dtype=np.bool_)
    other[0] = True
    np.not_equal(keys[1:], keys[:-1], out=other[1:])
    return cast(Keys, keys[other])
