"""A text made ready for the finders of personal data, and how much work they may spend on it.

Patterns of finders begin with the first character itself, and look back from there at what is before it: so a
search leaps from one such character to the next, which takes a quarter of the time.
"""

from __future__ import annotations

import re

from ..automaton import Gate

# Digits, spaces and hyphens that people and phones write for the plain ones, each a single code point, so
# that places in the text stay the same.
_FOREIGN = {
    **{start + digit: str(digit) for start in (0x660, 0x6F0, 0x966, 0xE50, 0xFF10) for digit in range(10)},
    **dict.fromkeys([0xA0, 0x2002, 0x2003, 0x2007, 0x2009, 0x200A, 0x202F, 0x3000], " "),
    **dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212, 0xFF0D], "-"),
    **{0xFF0B: "+", 0xFF0E: ".", 0xFF0F: "/", 0xFF1A: ":", 0xFF20: "@"},
    # The one letter whose lower case is two code points.
    0x130: "I",
}
_ANY_FOREIGN = re.compile("[" + "".join(map(chr, _FOREIGN)) + "]")
HINTS = {"foreign": _ANY_FOREIGN.pattern}
# What looking at all places may cost, an address being 1: several thousand of each kind.
_PLACES = 15_000
_BETWEEN_WORDS = re.compile(r"[\W_]+")


class Page:
    """The text with plain digits, and in lower case too, place by place like the original.

    `hints` names the hints that it contains. Everything a finder does once for each candidate is bounded by
    `spend`; what was not looked into for that, or not as closely, is counted in `unchecked`.
    """

    __slots__ = ("_lower", "_spent", "hints", "text", "unchecked")

    def __init__(self, text: str, gate: Gate, spent: dict[str, int] | None = None) -> None:
        self.text = text
        self.hints = gate.open_for(text.encode("utf-8", "replace"))
        if "foreign" in self.hints:
            self.text = _plain_signs(text)
            self.hints = gate.open_for(self.text.encode("utf-8", "replace"))
        self.unchecked = 0
        self._lower: str | None = None
        self._spent: dict[str, int] = {} if spent is None else spent

    @property
    def lower(self) -> str:
        """The text in lower case, made when it is first asked for: most texts have no hint."""
        if self._lower is None:
            self._lower = self.text.lower()
        return self._lower

    def spend(self, purpose: str, limit: int, cost: int = 1) -> bool:
        """Whether one more of these checks may be done; False is counted."""
        spent = self._spent.get(purpose, 0)
        if spent >= limit:
            self.unchecked += 1
            return False
        self._spent[purpose] = spent + cost
        return True

    def visit(self, cost: int) -> bool:
        """Whether one more place may be looked at, by any finder of what a text may have thousands of."""
        return self.spend("places", _PLACES, cost)

    def before(self, start: int, size: int = 60) -> str:
        """The words of the same length of text before a place, parted by single spaces."""
        return plain(self.lower[max(0, start - size) : start])

    def around(self, start: int, end: int, before: int = 60, after: int = 30) -> str:
        """The words before and after a place, parted by single spaces."""
        return self.before(start, before) + plain(self.lower[end : end + after])


def _plain_signs(text: str) -> str:
    for sign in set(_ANY_FOREIGN.findall(text)):
        text = text.replace(sign, _FOREIGN[ord(sign)])
    return text


def in_word(char: str) -> bool:
    """Whether a character (or the end, an empty one) goes on with a word of Latin letters and digits."""
    return char.isascii() and (char.isalnum() or char == "_")


def plain(text: str) -> str:
    """The words of a lower-case text with a space before, between and after them."""
    return f" {_BETWEEN_WORDS.sub(' ', text).strip()} "


def words(patterns: str) -> tuple[str, ...]:
    """What to look for in `Page.before` and `around`, parted by commas.

    "tel" is a whole word, "tele*" a beginning, and "*電話*" may stand anywhere, as in scripts that put no
    spaces between words.
    """
    return tuple(_needle(pattern) for pattern in stems(patterns))


def stems(patterns: str) -> tuple[str, ...]:
    """What to look for in `Page.lower`, parted by commas."""
    return tuple(pattern.strip() for pattern in patterns.split(","))


def _needle(pattern: str) -> str:
    inner = plain(pattern.strip("*").lower()).strip()
    return ("" if pattern.startswith("*") else " ") + inner + ("" if pattern.endswith("*") else " ")


def mentions(context: str, needles: tuple[str, ...]) -> bool:
    """Whether one of the `words` stands in the context."""
    return any(map(context.__contains__, needles))
