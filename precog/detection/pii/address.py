"""Street addresses, as two dozen languages write them.

Every one has a number, so the numbers are looked at, and the words before and after each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..findings import Finding
from .page import Page, mentions, words

_CHECKS = 3000

_CAPITAL = "A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩА-ЯЁІЇЄ"
_WORD = rf"[{_CAPITAL}][\w'’-]{{0,30}}+\.?"
_LINK = r"(?:d[aeiou]s?|de la|del|della|dello|van|von|den|der|du|des|le|la|los|las|and|of)"
_NAME = rf"(?:{_LINK} )?{_WORD}(?: (?:{_LINK} )?(?:{_WORD}|[0-9]{{1,3}}(?:st|nd|rd|th))){{0,3}}?"
_NUMBER = r"[0-9]{1,6}[A-Za-z]?(?:[/-][0-9]{1,4}[A-Za-z]?)?"
_UNIT = re.compile(
    r"(?:,?\s{1,6}(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm)\b\.?|#) ?[0-9A-Za-z-]{1,6})?"
    r"(?:,?\s{1,6}[A-Z][\w.' -]{1,24},? [A-Z]{2} [0-9]{5}(?:-[0-9]{4})?)?"
)
_FIRST = (
    "Rua|Travessa|Praça|Avenida|Av\\.|Avda\\.|Calle|C/|Carrer|Plaza|Paseo|Camino|Carretera|Via|Viale|Piazza"
    "|Corso|Largo|Vicolo|[Rr]ue|[Aa]venue|[Bb]oulevard|Bd\\.?|[Pp]lace|[Cc]hemin|[Ii]mpasse|[Aa]llée|[Qq]uai"
    "|[Rr]oute|[Uu]l\\.|[Uu]lica|[Aa]l\\.|[Oo]s\\.|[Pp]l\\.|Str\\.|Strada|[Уу]л\\.|[Уу]лица|[Пп]р\\.|[Пп]роспект"
    "|[Пп]ер\\.|[Вв]ул\\.|Οδός|Jalan|Jl\\.|Đường|Gran|Am|An der|Im"
)
_ENGLISH = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way"
    "|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail|Trl|Crescent|Cres|Close|Row|Alley|Mews|Plaza|Grove|Gardens"
    "|Turnpike|Streets"
)
# Names that end so are streets whatever stands before: Hauptstraße, Storgatan, Prinsengracht.
_ENDINGS = tuple(
    """straße strasse str. weg platz allee gasse damm ufer straat laan plein gracht singel dreef gatan vägen
    vagen gränd gata gaten veien vegen vei vej gade stræde katu intie kuja polku tänav iela""".split()
)
_NO_STREETS = frozenset(("brigade", "renegade", "norweg", "unterweg", "vei", "vej", "weg", "gade"))
_LAST = frozenset(
    """utca út útja tér krt. u. straße strasse weg platz allee sokak sok. cad. caddesi bulvarı street streets
    road avenue iela gatve tänav ulice náměstí nám. třída""".split()
)

_AHEAD = re.compile(rf"(?<![\w.,:/$€£#-]){_NUMBER},?\s(?=[{_CAPITAL}0-9rabpciqu])")
_ENGLISH_STREET = re.compile(
    rf"{_NUMBER} {{1,2}}(?:[NSEW]\.? )?{_NAME} (?:{_ENGLISH})\b\.?(?![ -][a-z]+ed\b)"
)
_FIRST_AHEAD = re.compile(rf"{_NUMBER},? (?:{_FIRST}) ?{_NAME}(?:,? [0-9]{{1,5}}\b)?(?![\w])")
_BEHIND = re.compile(rf"(?<=[\w.,'’] )(?:{_NUMBER})\.?(?![\w/%$€£]|[.,:][0-9])")
_FIRST_BEHIND = re.compile(
    rf"(?<!\w)(?:[0-9]{{1,6}} )?(?:{_FIRST}) ?{_NAME},? (?:n[.º°]{{1,2}} ?|nr\.? ?|д\. ?)?\Z"
)
_LAST_BEHIND = re.compile(rf"(?<![\w.])(?:[0-9]{{1,6}} )?(?:{_WORD} ){{0,2}}{_WORD} (?:\w{{1,9}}\.? )?\Z")
_OTHERS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\w)(?:P\.? ?O\.? ?Box|Postfach|Apartado|PSC) [0-9]{2,6}(?:, Box [0-9]{1,5})?",
        r"[\u4e00-\u9fff]{1,10}[路街道巷弄][0-9]{1,5}(?:弄[0-9]{1,4})?[号號]",
        r"〒[0-9]{3}-[0-9]{4}",
        r"[\u4e00-\u9fff]{1,10}[0-9]{1,3}丁目[0-9]{1,3}(?:番地?[0-9]{0,3}号?|-[0-9]{1,3})",
    )
)
_OTHERS_HINTS = ("box", "postfach", "apartado", "psc", "号", "號", "〒", "丁目")
_ADDRESS_WORDS = words("""
    address*, lives at, live at, living at, reside at, resides at, located at, office is at, home is at,
    deliver* to, ship to, shipped to, new one to, move to, moved to, adresse*, wohn*, dirección*, direccion*,
    vivo en, endereço*, moro na, indirizzo*, abito in, adres*, mieszka*, адрес*, живу*, osoite*, adress*
""")


def find(page: Page) -> Iterator[Finding]:
    """Street addresses."""
    if not page.has_digit:
        return
    for match in _AHEAD.finditer(page.text):
        yield from _ahead(page, match.start())
    for match in _BEHIND.finditer(page.text):
        yield from _behind(page, *match.span())
    if any(hint in page.lower for hint in _OTHERS_HINTS):
        for pattern in _OTHERS:
            for match in pattern.finditer(page.text):
                yield _finding(page, 0.7, *match.span())


def _finding(page: Page, score: float, start: int, end: int) -> Finding:
    """With the flat and the town, if they follow."""
    unit = _UNIT.match(page.text, end)
    return Finding("pii_leakage", "pii.address", score, (start, unit.end() if unit else end), label="ADDRESS")


def _ahead(page: Page, start: int) -> Iterator[Finding]:
    """12 Long Acre Street; 12, rue de la Paix."""
    if not page.spend("address", _CHECKS):
        return
    if match := _ENGLISH_STREET.match(page.text, start):
        yield _finding(page, 0.8, *match.span())
    if match := _FIRST_AHEAD.match(page.text, start):
        yield _finding(page, 0.75, *match.span())


def _behind(page: Page, start: int, end: int) -> Iterator[Finding]:
    """Calle Mayor 5; Hauptstraße 5; Kossuth utca 5."""
    before = page.text[max(0, start - 48) : start]
    last = before.rstrip(" ,").rpartition(" ")[2]
    if not last or not (last[0].isupper() or last in _LAST or last in ("д.", "nr", "nr.", "no.")):
        return
    if not page.spend("address", _CHECKS):
        return
    if match := _FIRST_BEHIND.search(before):
        yield _finding(page, 0.75, start - len(before) + match.start(), end)
    elif _is_street(last.lower()) or mentions(page.before(start), _ADDRESS_WORDS):
        if match := _LAST_BEHIND.search(before):
            yield _finding(page, 0.7, start - len(before) + match.start(), end)


def _is_street(last: str) -> bool:
    return last in _LAST or (last.endswith(_ENDINGS) and last not in _NO_STREETS and len(last) > 5)
