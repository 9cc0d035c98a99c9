"""Which characters are invisible, marks, compatibility forms or look-alikes: by Unicode's properties."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

# Where anything but ideographs and Hangul syllables is: looking at those, too, would take twice as long.
_LOOKED_AT = (
    *(range(0x80, 0x3400), range(0xA000, 0xAC00), range(0xD7B0, 0xD800), range(0xF900, 0x1FFFF)),
    *(range(0x2F800, 0x2FA20), range(0xE0000, 0xE0200)),
)
# Seen as nothing, as a blank or as a sign of damage, but letters, marks or symbols by category.
_BLANK = "\ufffd\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
# One of these stands for a whole phrase.
_LONGEST = 3
# Scripts that have the joiners U+200C and U+200D inside words: Arabic to Mongolian, and their later blocks.
_JOINING = "\u0590-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"

# Letters of Latin scripts, as good as those of ASCII.
_AT_HOME = {*range(0xC0, 0x180), *range(0x1E00, 0x1F00)}
_USEFUL = {0x200C, 0x200D, 0xFE0F, 0xFEFF, *range(0xE0020, 0xE0080)}
_FLAGS = range(0x1F1E6, 0x1F200)


@dataclass(frozen=True, slots=True)
class Characters:
    """The classes as sets, and as patterns for what is done with them; the look-alikes for str.translate.

    The patterns are of characters below U+10000 alone unless `wide`: they are several times as fast then.
    """

    wide: frozenset[str]  # all of the classes that are above
    unseen: frozenset[str]
    useful: frozenset[str]  # those of them that writing or emoji need
    marks: frozenset[str]
    folded: frozenset[str]  # letters and digits that NFKC folds, save those that are at home in plain text
    long: frozenset[str]  # single characters that NFKC makes into phrases
    alike: frozenset[str]  # letters that look like Latin ones, but are not at home in any Latin script
    enclosed: frozenset[str]
    invisible: re.Pattern[str]
    harmless: re.Pattern[str]  # invisible, where writing or emoji need it
    tower: re.Pattern[str]  # three marks and more
    stray: re.Pattern[str]  # Latin letters with marks on them that are not composed with it
    stray_one: re.Pattern[str]
    stray_mark: re.Pattern[str]
    mark: re.Pattern[str]
    cluster: re.Pattern[str]  # what NFKC folds together
    phrase: re.Pattern[str]
    mixed: re.Pattern[str]  # a Latin letter beside a look-alike
    mixed_words: re.Pattern[str]
    alike_word: re.Pattern[str]  # words of nothing but look-alikes, long enough to stand out
    alike_words: re.Pattern[str]  # of any length
    foreign: re.Pattern[str]  # letters of the same scripts that look like nothing Latin
    enclosures: re.Pattern[str]
    lookalikes: Mapping[int, str]


def char_class(codes: Iterable[int]) -> str:
    """The inside of a character class, as ranges."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def lookalikes() -> dict[int, str]:
    """Each look-alike with the ASCII letter or digit that it is read as."""
    table: dict[int, str] = {}
    for line in files(__package__).joinpath("data/confusables.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            plain, _, characters = line.partition("\t")
            table.update((ord(character), plain) for character in characters)
    return table


def characters(wide: bool = False) -> Characters:
    """The classes; made at the first use, in some 50 ms."""
    return _both()[wide]


@dataclass(slots=True)
class _Codes:
    """The code points of each class."""

    table: dict[int, str]
    invisible: set[int]
    extending: set[int]
    marks: set[int] = field(default_factory=set)
    folded: set[int] = field(default_factory=set)
    phrases: set[int] = field(default_factory=set)
    foreign: set[int] = field(default_factory=set)
    letters: set[int] = field(default_factory=set)  # of the look-alikes
    cased: set[int] = field(default_factory=set)
    enclosed: set[int] = field(default_factory=set)


@cache
def _both() -> tuple[Characters, Characters]:
    codes = _codes()
    every = codes.invisible | codes.marks | codes.extending | codes.folded | set(codes.table)
    one = {code: chr(code) for code in every | codes.phrases}  # for all sets: each takes 80 bytes

    def strings(members: Iterable[int]) -> frozenset[str]:
        return frozenset(one[code] for code in members)

    narrow = Characters(
        wide=strings(code for code in every if code >= 0x10000),
        unseen=strings(codes.invisible),
        useful=strings(codes.invisible & _USEFUL),
        marks=strings(codes.marks),
        folded=strings(codes.folded),
        long=strings(codes.phrases),
        alike=strings(codes.letters),
        enclosed=strings(codes.enclosed),
        lookalikes=codes.table,
        **_patterns(codes, below=0x10000),
    )
    return narrow, replace(narrow, **_patterns(codes, below=0x110000))


def _patterns(codes: _Codes, *, below: int) -> dict[str, Any]:
    """Each pattern by its name, of characters below the limit."""

    def inside(members: set[int]) -> str:
        return char_class(code for code in members if code < below)

    mark, like, extend = inside(codes.marks), inside(codes.letters), inside(codes.extending)
    # Each begins with the rare character itself, so that searches leap to it.
    beside = f"[{like}](?:(?<=[A-Za-z].)[{like}]*+|(?<![{like}].)[{like}]*+(?=[A-Za-z]))"
    cased = inside(codes.cased)
    latin = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
    flag = char_class(_FLAGS)
    patterns = {
        "invisible": f"[{inside(codes.invisible)}]+",
        "harmless": f"\\A\ufeff|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
        "|(?<=[^\\w\\s])(?:\ufe0f|\u200d(?=[^\\w\\s]))|(?<=[0-9#*])\ufe0f(?=\u20e3)"
        "|(?<=\U0001f3f4)[\U000e0020-\U000e007e]{2,6}\U000e007f",
        "tower": f"[{mark}]{{3,}}",
        "stray": f"(?:[{latin}][{mark}]+)+",
        "stray_mark": f"[{mark}](?<=[{latin}].)",
        "stray_one": f"[{latin}][{mark}]+",
        "mark": f"[{mark}]+",
        "cluster": f"[^{extend}]?[{extend}]+|[^\x00-\x7f]",
        "phrase": f"[{char_class(codes.phrases)}]",
        "mixed": f"[{like}](?:(?<=[A-Za-z].)|(?=[A-Za-z]))",
        # From the first to the last, with the ASCII that is between.
        "mixed_words": f"{beside}(?:[\\x00-\\x7f]*+{beside})*+",
        "alike_word": f"[{cased}](?<![^\\W_].)[{cased}]{{2,}}+(?![^\\W_])",
        "alike_words": f"[{cased}](?<![^\\W_].)[{cased}]*+(?![^\\W_])",
        "foreign": f"[{inside(codes.foreign - codes.cased)}]+",
        # One regional indicator is a letter, two are a flag.
        "enclosures": f"[{char_class(codes.enclosed - set(_FLAGS))}]+"
        f"|(?<![{flag}])(?:[{flag}]{{5,}}+|[{flag}]{{3}}|[{flag}])(?![{flag}])",
    }
    return {name: re.compile(pattern) for name, pattern in patterns.items()}


def _codes() -> _Codes:
    codes = _Codes(
        lookalikes(),
        {*map(ord, _BLANK), *range(0x180B, 0x1810), *range(0xD800, 0xF900), *range(0xFE00, 0xFE10)},
        # Jamo and vowels that join the one before, as marks do.
        {*range(0x1160, 0x1200), 0xE32, 0xEB2},
    )
    codes.invisible |= {*range(0x09), *range(0x0E, 0x1C), *range(0x7F, 0x85), *range(0x86, 0xA0)}
    codes.invisible |= {*range(0xE0000, 0xE0200)}
    for code in (code for looked_at in _LOOKED_AT for code in looked_at):
        _sort(code, codes)
    codes.marks -= codes.invisible
    strict = set(codes.table)
    # A small letter is taken for the one that its capital looks like, if for no other: "т" for "t".
    for code, plain in list(codes.table.items()):
        small = chr(code).lower()
        if len(small) == 1 and not small.isascii():
            codes.table.setdefault(ord(small), plain.lower())
    codes.letters = {code for code in codes.table if chr(code).isalpha() and code not in _AT_HOME}
    codes.cased = {code for code in strict & codes.letters if chr(code).isupper() or chr(code).islower()}
    codes.enclosed = {code for code in codes.table if unicodedata.category(chr(code)) == "So"}
    return codes


def _sort(code: int, codes: _Codes) -> None:
    """Put the character into the classes that its properties tell of."""
    character = chr(code)
    category = unicodedata.category(character)
    if category == "Cf":
        codes.invisible.add(code)
    elif category[0] == "M":
        codes.extending.add(code)
        if category != "Mc" or unicodedata.combining(character):
            codes.marks.add(code)
    elif category in ("Lu", "Ll") and code >= 0x370:
        codes.foreign.add(code)
    normal = unicodedata.normalize("NFKC", character)
    if normal == character:
        return
    if ord(normal[0]) in codes.extending:
        codes.extending.add(code)
    if len(normal) > _LONGEST:
        codes.phrases.add(code)
    if _tells(category, code) and any(part.isalnum() for part in normal):
        codes.folded.add(code)


def _tells(category: str, code: int) -> bool:
    """Whether plain text has no such character, so that one is reason enough to fold the text."""
    if code < 0x100 or (0x2100 <= code < 0x2150 and category == "So"):
        return False
    # Thai and Lao vowels, the jamo that Koreans laugh and cry with, and the units of East Asia.
    if 0xE00 <= code < 0xF00 or 0x3130 <= code < 0x3190 or 0x3200 <= code < 0x3400:
        return False
    return category[0] == "L" or category in ("Nd", "So")
