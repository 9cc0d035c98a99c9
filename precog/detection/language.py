"""Whether a text is of a script that none of the languages expected is written in.

Scripts, not languages: French where English is expected is not told, Russian is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

_SAMPLE = 4096  # characters looked at, evenly from the whole text
_FEWEST = 4  # letters that tell a script
# First code points, ascending, and the script from there on; "" is no script, or one not told apart.
_BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0, "Latn"), (0x370, "Grek"), (0x400, "Cyrl"), (0x530, "Armn"), (0x590, "Hebr"), (0x600, "Arab"),
    (0x700, ""), (0x750, "Arab"), (0x780, ""), (0x8A0, "Arab"), (0x900, "Deva"), (0x980, "Beng"),
    (0xA00, "Guru"), (0xA80, "Gujr"), (0xB00, "Orya"), (0xB80, "Taml"), (0xC00, "Telu"), (0xC80, "Knda"),
    (0xD00, "Mlym"), (0xD80, "Sinh"), (0xE00, "Thai"), (0xE80, "Laoo"), (0xF00, "Tibt"), (0x1000, "Mymr"),
    (0x10A0, "Geor"), (0x1100, "Hang"), (0x1200, "Ethi"), (0x13A0, ""), (0x1780, "Khmr"), (0x1800, "Mong"),
    (0x18B0, ""), (0x1C80, "Cyrl"), (0x1C90, "Geor"), (0x1CC0, ""), (0x1D00, "Latn"), (0x1F00, "Grek"),
    (0x2000, ""), (0x2C60, "Latn"), (0x2C80, ""), (0x2D00, "Geor"), (0x2D30, ""), (0x2DE0, "Cyrl"),
    (0x2E00, ""), (0x3040, "Kana"), (0x3100, "Bopo"), (0x3130, "Hang"), (0x3190, ""), (0x31F0, "Kana"),
    (0x3200, ""), (0x3400, "Hani"), (0xA000, ""), (0xA640, "Cyrl"), (0xA6A0, ""), (0xA720, "Latn"),
    (0xA800, ""), (0xAC00, "Hang"), (0xD800, ""), (0xF900, "Hani"), (0xFB00, "Latn"), (0xFB13, ""),
    (0xFB1D, "Hebr"), (0xFB50, "Arab"), (0xFE00, ""), (0xFE70, "Arab"), (0xFEFF, "Latn"), (0xFF66, "Kana"),
    (0xFFA0, ""), (0x20000, "Hani"), (0x323B0, ""),
)  # fmt: skip
_FIRSTS = [first for first, _ in _BLOCKS]
# The scripts of languages that are not written in Latin letters alone.
_SCRIPTS = {
    **dict.fromkeys("be bg ru uk mk ab av ba ce cv os tt tg ky rue sah tyv udm".split(), ("Cyrl",)),
    **dict.fromkeys("sr bs kk mn az uz tk cnr".split(), ("Cyrl", "Latn")),
    **dict.fromkeys("ar fa ps ug ur ckb sd arz fas ary apc".split(), ("Arab",)),
    **dict.fromkeys("ku ks pa".split(), ("Arab", "Latn", "Deva", "Guru")),
    **dict.fromkeys("he yi iw".split(), ("Hebr",)),
    **dict.fromkeys("hi mr ne sa bho mai kok".split(), ("Deva",)),
    **dict.fromkeys("bn as".split(), ("Beng",)),
    **dict.fromkeys("zh yue wuu nan cmn lzh".split(), ("Hani", "Bopo")),
    **dict.fromkeys("am ti gez".split(), ("Ethi",)),
    "ja": ("Hani", "Kana"), "ko": ("Hang", "Hani"), "el": ("Grek",), "hy": ("Armn",), "ka": ("Geor",),
    "th": ("Thai",), "lo": ("Laoo",), "km": ("Khmr",), "my": ("Mymr",), "bo": ("Tibt",), "dz": ("Tibt",),
    "ta": ("Taml",), "te": ("Telu",), "kn": ("Knda",), "ml": ("Mlym",), "si": ("Sinh",), "gu": ("Gujr",),
    "or": ("Orya",),
}  # fmt: skip
_WRITTEN = {
    "Hans": ("Hani",), "Hant": ("Hani",), "Jpan": ("Hani", "Kana"), "Kore": ("Hang", "Hani"),
    "Hira": ("Kana",), "Hrkt": ("Kana",),
}  # fmt: skip
_ANY = frozenset(("", "*", "und", "mul", "zxx"))
_TAG = re.compile("[-_]")


def unexpected(text: str, languages: Iterable[str]) -> bool:
    """Whether most letters of the text are of a script that none of the languages (BCP 47) is written in."""
    script = dominant(text)
    return script is not None and all(script not in scripts(tag) for tag in languages)


def dominant(text: str) -> str | None:
    """The script (ISO 15924) that more than half of the letters are of, if there is one."""
    sample = text if len(text) <= _SAMPLE else text[:: len(text) // _SAMPLE + 1]
    counts: Counter[str] = Counter()
    for character, times in Counter(sample).items():
        if character.isalpha():
            counts[_BLOCKS[bisect_right(_FIRSTS, ord(character)) - 1][1]] += times
    if not counts:
        return None
    script, most = counts.most_common(1)[0]
    return script if script and most >= _FEWEST and most * 2 > counts.total() else None


def scripts(tag: str) -> tuple[str, ...]:
    """The scripts of a language tag, by its own script subtag or else by its language; all for "*"."""
    language, *subtags = _TAG.split(tag.strip())
    if language.lower() in _ANY:
        return tuple({script for _, script in _BLOCKS})
    for subtag in subtags[:2]:
        if len(subtag) == 4 and subtag.isalpha():
            return _WRITTEN.get(subtag.title(), (subtag.title(),))
    return _SCRIPTS.get(language.lower(), ("Latn",))
