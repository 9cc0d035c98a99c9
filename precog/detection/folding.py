"""Writes a text as rules see it: small letters, Latin letters without their marks, one character for one.

Rules are so written once, and hold for "Regeln", "REGELN", "précédentes" and "precedentes" alike. Positions
survive: a folded text has as many code points as the text it came from.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

# So many different marked letters are replaced one by one; more are left to the table, which is slower.
_MANY_MARKS = 200
# The second has typographic signs as well, and takes several times as long.
_PAGES = ("latin-1", "cp1252")
_BY_HAND = {
    **dict.fromkeys("‘’‚‛′´ʼ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\u3000", " "),
    **dict(zip("ßæœøðþđħıłŋŧƀĸ", "saoodtdhilntbk", strict=True)),
    **dict(zip("¡¿…·•", "!?. .", strict=True)),
    **dict(zip("ёѐґѝ", "ееги", strict=True)),
    **dict(zip("أإآٱىة", "ااااي" + "ه", strict=True)),
    **dict(zip("，、：；！？（）", ",,:;!?()", strict=True)),
}
_CONTINUATION = bytes(range(0x80, 0xC0))  # every byte of a UTF-8 character but its first
_LEFT_OVER = "\x7f"  # what a Western sign becomes that is no letter; no rule speaks of it


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text in bytes, one a code point unless `wide`."""

    data: bytes
    wide: bool

    def points(self, offsets: list[int]) -> dict[int, int]:
        """Code points before each byte offset; one walk over the text for all of them."""
        if not self.wide:
            return {offset: offset for offset in offsets}
        points: dict[int, int] = {}
        at = seen = 0
        for offset in sorted(set(offsets)):
            seen += len(self.data[at:offset].translate(None, _CONTINUATION))
            at = offset
            points[offset] = seen
        return points


def western(text: str) -> tuple[str, bytes] | None:
    """The first Western code page that has all of the text, and the text in it, a byte a character."""
    for page in _PAGES:
        try:
            return page, text.encode(page)
        except UnicodeEncodeError:
            pass
    return None


def fold(text: str) -> Folded:
    """The text as rules see it. Lone surrogates become question marks."""
    if text.isascii():
        return Folded(text.encode("ascii").lower(), False)
    found = western(text)
    if found is None:
        return Folded(fold_wide(text).encode("utf-8", "replace"), True)
    page, data = found
    return Folded(data.translate(_western(page)), False)


def fold_wide(text: str) -> str:
    """The same for any text, as characters."""
    # The only letter whose small form is two characters.
    text = text.replace("İ", "i").lower()
    marked, table = _marks()
    found = set(marked.findall(text))
    if len(found) > _MANY_MARKS:
        return text.translate(table)
    for letter in found:
        text = text.replace(letter, table[ord(letter)])
    return text


@cache
def _marks() -> tuple[re.Pattern[str], dict[int, str]]:
    """What finds the characters to be replaced, and what by."""
    table = {ord(letter): plain for letter, plain in _BY_HAND.items()}
    for point in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        plain = unicodedata.normalize("NFD", chr(point))[0].lower()
        if plain.isascii() and plain.isalpha():
            table[point] = plain
    return re.compile("[" + "".join(map(chr, table)) + "]"), table


@cache
def _western(page: str) -> bytes:
    """A table for `bytes.translate`, from the code page to folded ASCII."""
    folded = [fold_wide(bytes([byte]).decode(page, "replace")) for byte in range(256)]
    return bytes(ord(letter if letter.isascii() else _LEFT_OVER) for letter in folded)
