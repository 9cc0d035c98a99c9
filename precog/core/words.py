"""The words of a text, reduced to their stems: the same ones for what is searched and for what is asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import snowballstemmer

LONGEST_WORD = 64
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'\u2019\u02bc")

# What a question is made of and no product is told apart by; compared before stemming.
STOP_WORDS = frozenset(
    """
    a about all also am an and any anything are as at be because been being both but by can could did do does
    doing each either else ever every few find for from get gets getting give good had has have having he help
    her here hers him his how i id if ill im in into is it its ive just kind like likes look looking lot love
    loves make may maybe me might more most much must my need needed needs no nor not of on one or other our
    ours please recommend recommendation she should show so some somebody someone something sort such suggest
    than that the their theirs them then there these they theyre thing things this those to too under up us
    very want wanted wants was we were what when where which while who whom whose why will with within without
    would you your yours youre
    """.split()
)


def spoken(text: str) -> Iterator[str]:
    """The words of a text in their order: lower case, without accents, made of letters and digits."""
    plain = text.translate(_APOSTROPHES).casefold()
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        plain = "".join(one for one in parts if not unicodedata.combining(one))
    for match in _WORD.finditer(plain):
        yield match[0][:LONGEST_WORD]


def stems(text: str) -> list[str]:
    """The stems of a text's words, in their order, without stop words."""
    return [stem(word) for word in spoken(text) if word not in STOP_WORDS]


def stems_by_word(text: str, *, most: int) -> dict[str, str]:
    """The first `most` different stems of a text, each with the word that it comes from."""
    found: dict[str, str] = {}
    for word in spoken(text):
        if word not in STOP_WORDS:
            found.setdefault(stem(word), word)
            if len(found) == most:
                break
    return found


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem by which a word is found: `boots` and `boot`, `hiking` and `hike` have one."""
    # A stemmer remembers the word that it is at work on, so threads cannot share one.
    found: str = snowballstemmer.stemmer("english").stemWord(word)
    return found
