"""Phone numbers: international ones by their plan, others by their grouping or the words around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import phonenumbers

from ..findings import Finding
from .page import Page, mentions, words

# Numbers that the library may look up; later ones are judged by their look alone.
_LOOKUPS = 120
_CHECKS = 500
# What looks like one country's number without being one may be a part of another's.
_DOUBTFUL = 0.7

# A run is entered only at its beginning and never given back: linear. Three separators are " - " or ") (".
_RUN = re.compile(
    r"[+(0-9](?<![0-9A-Za-z_].)(?<![0-9][.,:/-].)(?<![0-9A-Fa-f]{4}-.)"
    r"(?:(?<=\+) ?\(?[0-9]|(?<=\()[0-9]|(?<=[0-9]))(?:[ ().\-/]{0,3}[0-9]){6,}+"
)
_INTERNATIONAL = re.compile(r"(?:\+|(?<![0-9])00)[ (]?[1-9](?:[ ().\-/]{0,3}[0-9]){6,14}(?![0-9])")
_NORTH_AMERICAN = re.compile(
    r"(?<![0-9])(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}([-. ]))[2-9][0-9]{2}[-. ][0-9]{4}(?![0-9])"
)
_FORMS = (
    # Dates, times of day, decimals, years, versions and IP addresses, thousands: what is no phone number.
    r"[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{4}|[0-9]{2})(?: [0-9]{1,2})?",
    r"(?:19|20)[0-9]{2}[./-][0-9]{1,2}[./-][0-9]{1,2}(?:[ -][0-9]{1,2})?",
    r"(?:1[5-9]|20)[0-9]{2} ?[-/] ?(?:1[5-9]|20)[0-9]{2}",
    r"(?:19|20)[0-9]{6}(?:[0-9]{6})?",
    r"[0-9]+\.[0-9]+",
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
    r"[0-9]{1,3}(?: [0-9]{3})+",
    r"[0-9]{1,3}(?:\.[0-9]{3})+",
)
_NO_PHONE = re.compile(rf"(?:{'|'.join(_FORMS)})\Z")
_REST_OF_WORD = re.compile(r"[xX](?![0-9])|(?![xX])[0-9A-Za-zÀ-ɏ_]|-[0-9A-Fa-f]{4}-|-[A-Za-z]{0,12}[0-9]")
_EXTENSION = re.compile(r" ?(?:x|,? ?ext\.?|,? ?extension) ?[0-9]{1,6}(?![0-9A-Za-z_])", re.IGNORECASE)
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+\Z")
_GROUPS = re.compile(r"[0-9]+")

# Regions whose numbers are written with a leading 0 and in groups, tried in turn.
_TRUNK_REGIONS = tuple("GB FR DE IT AU NL JP IN CH BE SE AT ZA KR CN".split())

_WORDS = words("""
    phone*, telephone*, tel, mobile*, cell, cellphone*, fax, call, dial, ring, whatsapp*, sms, text me,
    reach me, reach us, answering, messages to, message to, office, hotline, landline, pager, voicemail,
    contact number, my number, her number, his number, telefon*, teléfono*, móvil, movil, celular*,
    llama*, appel*, portable, téléphone*, numéro, handy*, mobil*, rufnummer*, anruf*, erreichbar,
    cellulare, chiama*, numero di, telemóvel*, telemovel, telefone*, ligue, puhelin*, puh, telefoon*,
    mobiel*, komórk*, zadzwoń, numer, tlf, telefonnummer*, telefón*, тел, телефон*, позвон*, звон*, моб,
    τηλ*, κινητό*, điện thoại, sđt, *电话*, *手机*, *電話*, *手機*, *携帯*, *전화*, *휴대폰*, *연락처*,
    *هاتف*, *جوال*, *موبايل*, *טלפון*, *נייד*, *โทร*, *फोन*, *मोबाइल*, nomor, hp, telp, simu, gsm, cep
""")
_OTHER_WORDS = words("""
    order*, invoice*, ticket, case, reference, ref, id, isbn, issn, version, serial, account*, tracking,
    sku, part, model, policy, zip, port, build, license, licence, passport, pid, uuid, guid, hash, commit,
    timestamp, epoch, doi, rfc, patent, iban, card*, ssn
""")


HINTS = {"phone": "[0-9](?:[ ().\\-/]{0,3}[0-9]){6}"}


def find(page: Page) -> Iterator[Finding]:
    """Phone numbers."""
    if "phone" not in page.hints:
        return
    for run in _RUN.finditer(page.text):
        start, end = run.span()
        if _goes_on(page.text, end):
            continue
        if not page.visit(3):
            return
        found = list(_known(page, start, end))
        yield from found
        digits = sum(map(str.isdecimal, run[0])) if end - start < 64 else end - start
        if digits <= 15 and all(one.score <= _DOUBTFUL for one in found):
            yield from _national(page, start, end, digits)


def _goes_on(text: str, end: int) -> bool:
    """Whether the digits begin a word, such as a UUID, rather than a number with an extension."""
    return _REST_OF_WORD.match(text, end) is not None


def _finding(page: Page, score: float, start: int, end: int) -> Finding:
    """With the extension, if one follows."""
    extension = _EXTENSION.match(page.text, end)
    if extension:
        end = extension.end()
    return Finding("pii_leakage", "pii.phone", score, (start, end), label="PHONE")


def _known(page: Page, start: int, end: int) -> Iterator[Finding]:
    """The numbers within a run that are phone numbers by their form."""
    text = page.text
    if "+" in text[start : start + 2] or "00" in text[start : start + 64]:
        for match in _INTERNATIONAL.finditer(text, start, end):
            score = _international(page, match)
            if score:
                yield _finding(page, score, *match.span())
        return
    for match in _NORTH_AMERICAN.finditer(text, start, end):
        score = _north_american(page, match)
        if score:
            yield _finding(page, score, *match.span())


def _international(page: Page, match: re.Match[str]) -> float:
    plus = match[0][0] == "+"
    if not page.spend("phone", _LOOKUPS):
        return 0.5 if plus else 0.0
    named = mentions(page.around(*match.span(), before=40, after=16), _WORDS)
    number = _parsed(match[0] if plus else "+" + match[0][2:], None) if plus or named else None
    if number is None:
        return 0.0
    if phonenumbers.is_valid_number(number):
        return 0.95 if named else 0.9
    return 0.75 if named else 0.3


def _north_american(page: Page, match: re.Match[str]) -> float:
    if not page.spend("phone", _LOOKUPS):
        return 0.5
    named = mentions(page.around(*match.span(), before=40, after=16), _WORDS)
    if not named and mentions(page.before(match.start(), 20), _OTHER_WORDS):
        return 0.0
    number = _parsed(match[0], "US")
    if number is None or not phonenumbers.is_valid_number(number):
        return 0.7 if named else 0.3
    if named:
        return 0.95
    return 0.5 if match[1] == " " else 0.75


def _national(page: Page, start: int, end: int, digits: int) -> Iterator[Finding]:
    text = page.text[start:end]
    if not page.spend("national phone", _CHECKS):
        return
    doubtful = _NO_PHONE.match(text) is not None
    if doubtful and not _THOUSANDS.match(text):
        return
    named = mentions(page.around(start, end, before=32, after=12), _WORDS)
    if (doubtful and not named) or mentions(page.before(start, 20), _OTHER_WORDS):
        return
    grouped = len(_GROUPS.findall(text)) > 1
    if named:
        yield _finding(page, 0.75 if grouped else 0.6, start, end)
    elif grouped and digits >= 9 and text.lstrip("(")[0] == "0":
        yield from _with_trunk_zero(page, text, start, end)


def _with_trunk_zero(page: Page, text: str, start: int, end: int) -> Iterator[Finding]:
    """Numbers as they are written at home, such as 07700 900 123 and 06 12 34 56 78."""
    groups = _GROUPS.findall(text)
    if all(int(after) == int(before) + 1 for before, after in pairwise(groups)):
        return
    for region in _TRUNK_REGIONS:
        if not page.spend("phone", _LOOKUPS):
            return
        number = _parsed(text, region)
        if number is not None and phonenumbers.is_valid_number(number):
            yield _finding(page, 0.6, start, end)
            return


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
