"""What a text must have in it to be read in another way at all; one pass tells that most have nothing.

A hint is wider than what the reading then looks for; only which digits stand for letters is told by the hint
itself. Hints are matched in the text a byte a character.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .automaton import Gate
from .folding import western

BULLETS = "•‧∙●・⋅→"
_DASHES = "–—"
# Half of the code page is letters; what is beyond it is a "?", and may be a letter.
_FAR = (*b"\x83\x88\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xaa\xb2\xb3\xb5\xb9\xba\xbc\xbd\xbe", *range(0xC0, 0x100))
_FAR_LETTERS = tuple(f"\\x{code:02x}" for code in _FAR)
_LETTER = f"[A-Za-z0-9?{''.join(_FAR_LETTERS)}]"
_BETWEEN = r"[ \t\n.,:;'\"_*/|~+=\x95\x96\x97\xb7-]"
_DIGIT = "[01345789$|]"  # or a sign that looks like a letter
_BEFORE, _AFTER = "(?:^|[^A-Za-z01345789$|!@])", "(?:[^A-Za-z01345789$|!@]|$)"

WORDS = (
    *("ignore", "disregard", "previous", "instruction", "system", "prompt", "reveal", "password"),
    *(" the ", " and ", " your "),
)


def _spaced() -> str:
    """Four single letters, as much between each."""
    return "|".join(
        f"(?:^|[^A-Za-z0-9]){_LETTER}(?:{_BETWEEN}{{{wide}}}{_LETTER}){{3}}" for wide in (1, 2, 3)
    )


def _leet() -> str:
    """Digits or signs among letters, or at the end of a word of them. An address is no such word."""
    a, d = "[A-Za-z]", _DIGIT
    shapes = (
        *(f"{a}{d}{d}?{a}", f"{_BEFORE}{d}{a}{{3}}", f"{a}{d}{d}{_AFTER}", f"{a}{a}{d}{d}"),
        *(f"{a}{{3}}{d}{_AFTER}", f"{a}!{a}", f"{_BEFORE}!{a}{{3}}", f"{_BEFORE}@{a}{a}"),
        f"{a}@[A-Za-z0-9]+(?:[^A-Za-z0-9.-]|$)",
    )
    return "|".join(shapes)


def _thrice() -> str:
    """A letter three times in a row; "www." is none."""
    letters = [*"abcdefghijklmnopqrstuvxyz", *_FAR_LETTERS]
    return "|".join(letter * 3 for letter in letters) + "|www(?:[^.]|$)"


HINTS: Mapping[str, str] = {
    "html": "&(?:#|[A-Za-z])",
    "url": "%[0-9a-fA-F]{2}",
    "escapes": r"\\[uUxnrt0-3]",
    "hex": "[0-9a-fA-F]{16}|[0-9a-fA-F]{2}(?:[ :,-]{1,2}(?:0[xX])?[0-9a-fA-F]{2}){4}",
    "codes": "(?:[01]{8}[ ,]{0,2}){2}|(?:[0-9]{2,3}[ ,;]{1,2}){6}",
    "base64": "[A-Za-z0-9+/_-]{16}",
    "spaced": _spaced(),
    "leet": _leet(),
    "repeated": f"(?i:{_thrice()})",
    "repeated beyond": r"\?{3}",
    "rot13": "(?i:rot[- ]?13|" + "|".join(codecs.encode(word, "rot13") for word in WORDS) + ")",
    "reversed": "(?i:revers|backward|" + "|".join(word[::-1] for word in WORDS) + ")",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """A text a byte a character, and what it may be. `western` is the code page, if one has all of it."""

    raw: bytes
    hints: frozenset[str]
    western: str | None


def probe(text: str) -> Probe:
    """The text made ready to be asked how it may be read."""
    page, raw = western(text) or (None, b"")
    if page is None:
        for sign in BULLETS + _DASHES:
            text = text.replace(sign, "·")
        raw = text.encode("latin-1", "replace")
    return Probe(raw, gate().open_for(raw), page)


@cache
def gate() -> Gate:
    """The hints made ready, in a twentieth of a second."""
    return Gate(HINTS)
