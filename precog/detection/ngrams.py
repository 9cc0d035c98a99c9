"""Cuts text into words and numbers their n-grams, alike for the training and the use of a classifier."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LEAST_EVIDENCE = 20.0
"""A score is the sum of weights over the root of their number and this: one word alone says little."""

Hashes = npt.NDArray[np.uint64]
Owners = npt.NDArray[np.intp]

# Scripts without spaces between words: each character is a word, and pairs and triples make up the words.
_ALONE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# Vowel signs and the like are no letters to `\w`, and cut no word.
_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
_LETTER = rf"[^\W\d_{_ALONE}]"
_LETTERS = rf"{_LETTER}(?:{_LETTER}|[{_MARKS}]|['’-](?={_LETTER}))*"
_WORD = re.compile(rf"[{_ALONE}]|{_LETTERS}|\d+|\n+|([^\s\w])\1*|_+")
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
    """The words, numbers and signs of a text, in lower case; numbers of as many digits and rows are alike."""
    found = (match[0] for match in _WORD.finditer(text.lower()))
    return [word if word[0].isalpha() else _alike(word) for word in found]


def _alike(word: str) -> str:
    if word[0] == "\n":
        return "\n"
    return "0" * min(len(word), 4) if word[0].isdigit() else word[:2]


def word_hash(word: str) -> int:
    """32 bits that stand for a word."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def mixed(hashes: Hashes) -> Hashes:
    """Hashes whose low bits depend on all others."""
    mixed = (hashes ^ (hashes >> _HALF)) * _MIX
    return mixed ^ (mixed >> _HALF)


def inner(words: Sequence[str]) -> tuple[Hashes, Owners]:
    """The n-grams of three to five letters in words, borders included: hashes, and the word of each."""
    framed = [f"\x02{word[:_LONGEST]}\x03" if word[0].isalpha() else "" for word in words]
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


def between(hashes: Hashes, owners: Owners) -> tuple[Hashes, Owners]:
    """The pairs of words of one owner, next to each other or with one or two between them, and the triples.

    `hashes` and `owners` are those of words in text order. What an owner has several times comes back once.
    """
    found, whose = [], []
    for gap in (1, 2, 3):
        first, last = hashes[:-gap], hashes[gap:]
        same = owners[:-gap] == owners[gap:]
        found.append((first * _GOLDEN + last * _MIX + np.uint64(gap))[same])
        whose.append(owners[gap:][same])
    same = owners[:-2] == owners[2:]
    found.append(((hashes[:-2] * _GOLDEN + hashes[1:-1]) * _GOLDEN + hashes[2:] * _MIX)[same])
    whose.append(owners[2:][same])
    keys = mixed(np.concatenate(found)) & _LOW | np.concatenate(whose).astype(np.uint64) << _LOW_BITS
    keys.sort()  # faster than the hashing of numpy.unique by a factor of ten
    once = keys[np.concatenate(([True], keys[1:] != keys[:-1]))] if len(keys) else keys
    return once & _LOW, (once >> _LOW_BITS).astype(np.intp)
