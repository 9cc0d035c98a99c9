"""Street addresses, as two dozen languages write them.

Every one has a number, so the numbers are looked at, and the words before and after each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..findings import Finding
from .gate import any_of
from .page import Page, mentions, stems, words

_CHECKS = 250
_LONGEST_NAME = 48  # of a street, before its number

_CAPITAL = "A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩА-ЯЁІЇЄ"
_WORD = rf"[{_CAPITAL}][\w'’-]{{0,30}}+\.?"
_LINK = r"(?:d[aeiou]s?|de la|del|della|dello|van|von|den|der|du|des|le|la|los|las|and|of)"
_NAME = rf"(?:{_LINK} )?{_WORD}(?: (?:{_LINK} )?(?:{_WORD}|[0-9]{{1,3}}(?:st|nd|rd|th))){{0,3}}?"
_AFTER_A_DIGIT = r"[0-9]{0,5}[A-Za-z]?(?:[/-][0-9]{1,4}[A-Za-z]?)?"
_NUMBER = rf"[0-9]{_AFTER_A_DIGIT}"
_FLAT = r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm)\b\.?|#)"
# Of a town, and no year.
_CODE = r"(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{4,6}(?:-[0-9]{4})?(?![0-9])"
# The flat, then the town and what is between it and its code, in the same or the next lines.
_REST = re.compile(
    rf"(?:,?\s[\s>]{{0,6}}+{_FLAT} ?[0-9A-Za-z-]{{1,6}})?"
    rf"(?:(?:(?:,|,?\n)[\s>]{{0,6}}+[{_CAPITAL}][^0-9\n,:;!?]{{1,40}}+){{1,3}}+{_CODE}"
    r"|,?\s{1,3}[A-Z][A-Za-z.' -]{1,24},? {1,2}[A-Z]{2} [0-9]{5}(?:-[0-9]{4})?)?"
)
# Kinds of street that are written before the name.
_FIRST = (
    "rua|travessa|praça|avenida|av\\.|avda\\.|calle|c/|carrer|plaza|paseo|camino|carretera|via|viale|piazza|corso"
    "|largo|vicolo|rue|avenue|boulevard|bd\\.?|place|chemin|impasse|allée|quai|route|ul\\.|ulica|al\\.|os\\.|pl\\."
    "|str\\.|strada|ул\\.|улица|пр\\.|проспект|пер\\.|вул\\.|οδός|λεωφόρος|πλατεία|jalan|jl\\.|đường"
)
_ENGLISH = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way"
    "|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail|Trl|Crescent|Cres|Close|Row|Alley|Mews|Plaza|Grove|Gardens"
    "|Turnpike|Streets"
)
# Names that end so are streets whatever stands before: Hauptstraße, Storgatan, Prinsengracht.
_ENDINGS = tuple(
    """straße strasse str. weg platz allee gasse damm ufer straat laan plein gracht singel dreef gatan vägen
    vagen gränd gata gaten veien vegen vei vej gade stræde stræti katu intie kuja polku tänav iela""".split()
)
_NO_STREETS = frozenset(("brigade", "renegade", "norweg", "unterweg", "vei", "vej", "weg", "gade"))
_LAST = frozenset(
    """utca út útja tér krt. rkp. straße strasse weg platz allee sokak sok. cad. caddesi bulvarı street
    streets road avenue iela gatve tänav ulice náměstí nám. třída""".split()
)

_AHEAD = re.compile(rf"[0-9](?<![\w.,:/$€£#-].){_AFTER_A_DIGIT},?\s(?=[{_CAPITAL}0-9rabpciqu])")
_ENGLISH_STREET = re.compile(
    rf"{_NUMBER} {{1,2}}(?:[NSEW]\.? )?{_NAME} (?:{_ENGLISH})\b\.?(?![ -][a-z]+ed\b)"
)
_FIRST_AHEAD = re.compile(rf"{_NUMBER},? (?i:{_FIRST}) ?{_NAME}(?:,? [0-9]{{1,5}}\b)?(?![\w])")
_BEHIND = re.compile(
    # Not after a short number, decimal or hexadecimal: those stand in rows.
    r"[0-9](?<=[\w.,'’] .)(?<! [0-9] .)(?<! [0-9a-f]{2} .)(?<! [0-9]{3} .)(?<! [0-9]{4} .)"
    rf"{_AFTER_A_DIGIT}\.?(?![\w/%$€£]|[.,:][0-9])"
)
_FIRST_BEHIND = re.compile(
    rf"(?<!\w)(?:[0-9]{{1,6}} )?(?i:{_FIRST}) ?{_NAME},? (?:n[.º°]{{1,2}} ?|nr\.? ?|д\. ?)?\Z"
)
_LAST_BEHIND = re.compile(rf"(?<![\w.])(?:[0-9]{{1,6}} )?(?:{_WORD} ){{0,2}}{_WORD} (?:\w{{1,9}}\.? )?\Z")
_YEAR = re.compile("(?:19|20)[0-9]{2}(?![0-9])")
_BOXES = (
    re.compile(r"(?<!\w)(?:P\.? ?O\.? ?Box|Postfach|Apartado) [0-9]{2,6}(?![0-9])"),
    # Of armed forces abroad.
    re.compile(r"(?<!\w)(?:PSC|Unit) [0-9]{2,6},? Box [0-9]{1,5}(?:\s[ADF]PO A[AEP] [0-9]{5})?"),
    re.compile(r"(?<!\w)[ADF]PO A[AEP] [0-9]{5}"),
    re.compile(r"(?<!\w)(?:Apt\.?|Apartment|Suite(?= [0-9]{3})) #?[0-9]{1,5}[A-Z]?(?!\w)"),
)
_HAN = (
    re.compile(r"[\u4e00-\u9fff]{1,10}[路街道巷弄][0-9]{1,5}(?:弄[0-9]{1,4})?[号號]"),
    re.compile(r"〒[0-9]{3}-[0-9]{4}"),
    re.compile(r"[\u4e00-\u9fff]{1,10}[0-9]{1,3}丁目[0-9]{1,3}(?:番地?[0-9]{0,3}号?|-[0-9]{1,3})"),
)
_ADDRESS_WORDS = words("""
    address*, lives at, live at, living at, reside at, resides at, located at, office is at, home is at,
    deliver* to, ship to, shipped to, new one to, move to, moved to, adresse*, wohn*, dirección*, direccion*,
    vivo en, endereço*, moro na, indirizzo*, abito in, adres*, mieszka*, адрес*, живу*, osoite*, adress*
""")


_STEMS = stems("""
    address, lives at, live at, living at, reside, located at, office is at, home is at, deliver, ship,
    new one to, move, adress, wohn, direcci, vivo en, endereço, moro na, indirizzo, abito in, adres,
    mieszka, адрес, живу, osoite
""")
HINTS = {
    "address_ahead": (
        rf"[0-9][a-z]?,?\s(?:[^ \n]+ ){{1,5}}(?:{_ENGLISH.lower()})\b|[0-9][a-z]?,? (?:{_FIRST})"
    ),
    "address_behind": rf"(?:^|[^a-z])(?:{_FIRST})|{any_of((*_ENDINGS, *_LAST, *_STEMS))}",
    "address_box": r"(?:box|postfach|apartado|apt\.?|apartment|suite) #?[0-9]|po a[aep] [0-9]",
    "address_han": "(?:路|街|道|巷|弄)[0-9]|〒|丁目",
}


def find(page: Page) -> Iterator[Finding]:
    """Street addresses."""
    if "address_ahead" in page.hints:
        for match in _AHEAD.finditer(page.text):
            if not page.spend("address", _CHECKS):
                break
            yield from _ahead(page, match.start())
    if "address_behind" in page.hints:
        for match in _BEHIND.finditer(page.text):
            last = _last_word(page, match.start())
            if last is None:
                continue
            if not page.spend("address", _CHECKS):
                break
            yield from _behind(page, last, *match.span())
    for hint, patterns in (("address_box", _BOXES), ("address_han", _HAN)):
        for pattern in patterns if hint in page.hints else ():
            for match in pattern.finditer(page.text):
                yield _finding(page, 0.7, *match.span())


def _finding(page: Page, score: float, start: int, end: int) -> Finding:
    """With the flat and the town, if they follow."""
    rest = _REST.match(page.text, end)
    return Finding("pii_leakage", "pii.address", score, (start, rest.end() if rest else end), label="ADDRESS")


def _ahead(page: Page, start: int) -> Iterator[Finding]:
    """12 Long Acre Street; 12, rue de la Paix."""
    if match := _ENGLISH_STREET.match(page.text, start):
        yield _finding(page, 0.8, *match.span())
    if match := _FIRST_AHEAD.match(page.text, start):
        yield _finding(page, 0.75, *match.span())


def _last_word(page: Page, start: int) -> str | None:
    """The word before a number, if it may be one of a street's name."""
    last = page.text[max(0, start - _LONGEST_NAME) : start].rstrip(" ,").rpartition(" ")[2]
    return last if last[:1].isupper() or last in _LAST or last in ("д.", "nr", "nr.", "no.") else None


def _behind(page: Page, last: str, start: int, end: int) -> Iterator[Finding]:
    """Calle Mayor 5; Hauptstraße 5; Kossuth utca 5."""
    before = page.text[max(0, start - _LONGEST_NAME) : start]
    if match := _FIRST_BEHIND.search(before):
        yield _finding(page, 0.75, start - len(before) + match.start(), end)
    elif _is_street(last.lower()) or (
        not _YEAR.match(page.text, start) and mentions(page.before(start), _ADDRESS_WORDS)
    ):
        if match := _LAST_BEHIND.search(before):
            yield _finding(page, 0.7, start - len(before) + match.start(), end)


def _is_street(last: str) -> bool:
    return last in _LAST or (last.endswith(_ENDINGS) and last not in _NO_STREETS and len(last) > 5)
