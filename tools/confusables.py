"""Write precog/detection/data/confusables.txt: the characters that look like ASCII letters and digits.

    pip install confusable-homoglyphs
    python tools/confusables.py > precog/detection/data/confusables.txt

The package carries Unicode's own table (UTS #39). Left out is what NFKC folds anyway, and what looks like
several characters together. Added, by their Unicode names, are letters that the table has as look-alikes of
nothing ASCII although people read them so: small capitals, barred and hooked letters, enclosed letters.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from importlib.resources import files

HEADER = """\
# Characters that are read as an ASCII letter or digit: that one first, its look-alikes behind the tab.
# Made by tools/confusables.py; do not edit. Derived from Unicode's confusables table (UTS #39) and character
# names, which are Copyright Unicode, Inc. and used under the Unicode License v3 (https://www.unicode.org/license.txt).
"""
BY_NAME = re.compile(
    r"LATIN LETTER SMALL CAPITAL (?P<a>[A-Z])"
    r"|LATIN SMALL LETTER (?P<b>[A-Z]) WITH .+"
    r"|LATIN CAPITAL LETTER (?P<c>[A-Z]) WITH .+"
    r"|(?:NEGATIVE CIRCLED LATIN CAPITAL LETTER|NEGATIVE SQUARED LATIN CAPITAL LETTER"
    r"|REGIONAL INDICATOR SYMBOL LETTER) (?P<d>[A-Z])"
)


def looks_like() -> dict[str, str]:
    """Each look-alike with the ASCII character that it is read as."""
    table = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8"))
    found: dict[str, str] = {}
    for character, others in table.items():
        plain = [other["c"] for other in others if re.fullmatch("[A-Za-z0-9]", other["c"])]
        if plain and worth_listing(character):
            found[character] = min(plain, key=str.isdigit)
    for code in range(0x80, 0x1FFFF):
        name = BY_NAME.fullmatch(unicodedata.name(chr(code), ""))
        if name and worth_listing(chr(code)):
            letter = next(filter(None, name.groups()))
            found.setdefault(chr(code), letter if name["c"] or name["d"] else letter.lower())
    # The table reads a capital I as a small l. Where the small letter is an i, the capital is an I.
    for character, plain in list(found.items()):
        small = found.get(character.lower(), plain)
        if plain == "l" and character.isupper() and small != "l":
            found[character] = small.upper()
    return found


def worth_listing(character: str) -> bool:
    """Whether it is one letter, digit or symbol, and none that NFKC folds or that is an accented letter."""
    return (
        len(character) == 1
        and not character.isascii()
        and unicodedata.category(character) in ("Lu", "Ll", "Lo", "Lm", "Nd", "Nl", "No", "So")
        and unicodedata.normalize("NFKD", character) == character
    )


def main() -> None:
    by_plain: dict[str, list[str]] = {}
    for character, plain in sorted(looks_like().items()):
        by_plain.setdefault(plain, []).append(character)
    sys.stdout.write(HEADER)
    for plain, characters in sorted(by_plain.items()):
        sys.stdout.write(f"{plain}\t{''.join(characters)}\n")


if __name__ == "__main__":
    main()
