"""The words of a text, reduced to their stems: the same ones for what is searched and for what is asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST_WORD = 64
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"(?P<word>[^\W_]+)|(?P<hyphen>(?<=\w)[-\u2010\u2011](?=\w))|(?P<end>[^\w\s])")
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

_NEGATING = frozenset("no not non without neither nor isnt arent doesnt dont never".split())
# "Not made with leather" is of leather, "not only leather" says that there is some.
PASSED = frozenset("contain contains containing include includes including use uses used using made".split())
_CANCELLING = frozenset("only just merely simply".split())
_IRREGULAR = {
    "children": "child",
    "childrens": "child",
    "men": "man",
    "mens": "man",
    "women": "woman",
    "womens": "woman",
    "feet": "foot",
    "teeth": "tooth",
}
_LACKING = "without"


def spoken(text: str) -> Iterator[str]:
    """The words of a text in their order: lower case, without accents, made of letters and digits."""
    for match in _WORD.finditer(_plain(text)):
        yield match[0][:LONGEST_WORD]


def _plain(text: str) -> str:
    plain = text.translate(_APOSTROPHES).casefold()
    if plain.isascii():
        return plain
    parts = unicodedata.normalize("NFKD", plain)
    return "".join(one for one in parts if not unicodedata.combining(one))


def stems(text: str) -> list[str]:
    """The stems of a text's words, in their order, without stop words."""
    return [stem(word) for word in spoken(text) if word not in STOP_WORDS]


def lacking(stem: str) -> str:
    """The stem that stands for being without what has this stem, and back again."""
    return stem.removeprefix(_LACKING) if stem.startswith(_LACKING) else _LACKING + stem


@dataclass(slots=True)
class Said:
    """What a text says: the stems of what it has, each with its word, and what it is said to be without.

    `free` has what is called free of something in one word (`leather-free`, `non-slip`), as `lacking` writes
    it. `denied` has the runs of words that follow `no`, `not` or `without`, stems with their words.
    """

    has: dict[str, str] = field(default_factory=dict)
    free: dict[str, str] = field(default_factory=dict)
    denied: list[dict[str, str]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)


def said(text: str, *, runs: bool = False) -> Said:
    """Tell what a text has from what it is said to be without.

    What is denied is one word behind the denial, so that "no sugar peanut bar" has peanuts, and one more
    behind each `or`. With `runs` it is all that follows `without`, up to a sign or a word of no weight: so
    people ask.
    """
    found = Said()
    pieces = [(match.lastgroup or "", match[0][:LONGEST_WORD]) for match in _PIECE.finditer(_plain(text))]
    at = 0
    while at < len(pieces):
        kind, word = pieces[at]
        follows = pieces[at + 1] if at + 1 < len(pieces) else ("end", "")
        after_hyphen = pieces[at + 2] if at + 2 < len(pieces) else ("end", "")
        if kind != "word":
            at += 1
        elif follows[0] == "hyphen" and after_hyphen == ("word", "free"):
            found.free[lacking(stem(word))] = f"{word}-free"
            found.order += (lacking(stem(word)), "free")
            at += 3
        elif word == "non" and (after_hyphen if follows[0] == "hyphen" else follows)[0] == "word":
            at += 2 if follows[0] == "hyphen" else 1
            found.free[lacking(stem(pieces[at][1]))] = f"non-{pieces[at][1]}"
            found.order.append(lacking(stem(pieces[at][1])))
            at += 1
        elif (word in _NEGATING and follows[0] != "hyphen") or (
            word == "free" and follows in (("word", "of"), ("word", "from"))
        ):
            at = _denied(found, pieces, at + 1, runs=runs and word == "without")
        else:
            if word not in STOP_WORDS:
                found.has.setdefault(stem(word), word)
                found.order.append(stem(word))
                if follows == ("word", "free"):
                    found.free[lacking(stem(word))] = f"{word} free"
                    found.order.append(lacking(stem(word)))
            at += 1
    return found


def _denied(found: Said, pieces: list[tuple[str, str]], at: int, *, runs: bool) -> int:
    """Take what is denied from here on; where it ends."""
    run: dict[str, str] = {}
    before = len(found.denied)
    while at < len(pieces) and pieces[at][0] != "end":
        kind, word = pieces[at]
        if word in _NEGATING or word in _CANCELLING:
            break
        if run and word == "or":
            found.denied.append(run)
            run = {}
        elif run and (not runs or kind != "word" or word in STOP_WORDS):
            break
        elif kind == "word" and word.isdigit():
            break
        elif kind == "word" and word not in STOP_WORDS and word not in PASSED:
            run[stem(word)] = word
        at += 1
    if run:
        found.denied.append(run)
    found.order += [lacking(one) for taken in found.denied[before:] for one in taken]
    return at


def told(text: str) -> list[str]:
    """The stems by which a product's text is found: what it has, and what it says that it is without."""
    return said(text).order


def first(words: Iterable[tuple[str, str]], *, most: int) -> dict[str, str]:
    """The first `most` different stems with their words."""
    found: dict[str, str] = {}
    for one, word in words:
        if len(found) == most:
            break
        found.setdefault(one, word)
    return found


def stems_by_word(text: str, *, most: int) -> dict[str, str]:
    """The first `most` different stems of a text, each with the word that it comes from."""
    return first(((stem(word), word) for word in spoken(text) if word not in STOP_WORDS), most=most)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem by which a word is found: `boots` and `boot`, `hiking` and `hike` have one."""
    word = _IRREGULAR.get(word, word)
    # Here, since it brings the stemmers of all languages, and only who has a catalogue needs one.
    import snowballstemmer

    # A stemmer remembers the word that it is at work on, so threads cannot share one.
    found: str = snowballstemmer.stemmer("english").stemWord(word)
    return found
