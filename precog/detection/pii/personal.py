"""Passports, driving licences and dates of birth: nothing but the words before them tells what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..findings import Finding
from .page import Page, mentions, stems, words

_CHECKS = 4000
# Letters, digits and single separators, five digits at least: those are counted afterwards.
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z_])(?=[A-Za-z]{0,8}[0-9])[0-9A-Za-z]++(?:[ -](?=[0-9])[0-9A-Za-z]++){0,4}+"
)

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
    "|januar|februar|märz|mai|juni|juli|oktober|dezember"
    "|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
    "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    "|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
    "|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    "|januari|februari|maart|mei|augustus"
    "|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia"
    "|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
    "|ocak|şubat|mart|nisan|mayıs|haziran|temmuz|ağustos|eylül|ekim|kasım|aralık"
)
_DATE = re.compile(
    r"(?<![0-9])(?:"
    r"[0-9]{1,2}([./-])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{4}([./-])[0-9]{1,2}\2[0-9]{1,2}"
    r"|[0-9]{4} ?[年년] ?[0-9]{1,2} ?[月월] ?[0-9]{1,2} ?[日일]?"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|er|º|\.)?(?: de| of)? (?:{_MONTHS})\.?(?: de| of|,)? ?"
    r"(?:[0-9]{4}|'?[0-9]{2})"
    rf"|(?:{_MONTHS})\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? (?:[0-9]{{4}}|'?[0-9]{{2}})"
    r")(?![0-9])",
)
_BIRTH = stems("""
    birth, born, dob, d.o.b, geboren, geburt, naissance, né le, née le, nacimiento, nací, nacido, nacida,
    cumpleaños, nascimento, nasci, nascita, nato il, nata il, geboorte, födel, född, fødsel, født, syntym,
    urodz, naroz, narod, szület, născut, nasterii, рожд, родил, народж, роден, γέννησ, γεννήθ, doğum,
    出生, 生日, 生年月日, 誕生日, 생년월일, 생일, 태어, ميلاد, نשולד, לידה, जन्म, วันเกิด, ngày sinh,
    lahir
""")
_MINE = words("""
    date of birth, birth date*, birthdate*, birthday*, dob, d o b, i was born, i m born, my, your, her,
    patient*, customer*, geburtsdatum*, geboren am, ich bin, né le, née le, je suis*, date de naissance,
    fecha de nacimiento, nací*, data de nascimento, nasci em, data di nascita, sono nat*, geboortedatum*,
    födelsedatum*, fødselsdato*, syntymäaika*, data urodzenia, datum narození, дата рождения, родил*,
    doğum*, *出生日期*, *生日*, *生年月日*, *誕生日*, *생년월일*, *ميلاد*, *לידה*, *जन्म*, ngày sinh,
    lahir
""")


@dataclass(frozen=True, slots=True)
class _Document:
    """A paper with a number on it, by the words that it goes by."""

    name: str
    hints: tuple[str, ...]
    words: tuple[str, ...]


_DOCUMENTS = (
    _Document(
        "passport",
        stems("""
            passport, pasaporte, passeport, reisepass, passnummer, passaporto, passaporte, paspoort,
            paszport, pasaport, pașaport, útlevél, passi, pas č, паспорт, διαβατηρ, 护照, 護照,
            パスポート, 旅券, 여권, جواز, דרכון, पासपोर्ट, hộ chiếu, หนังสือเดินทาง, paspor
        """),
        words("""
            passport*, pasaport*, passeport*, reisepass*, passnummer*, passaport*, paspoort*, paszport*,
            pașaport*, útlevél*, passin*, pas č*, паспорт*, διαβατηρ*, *护照*, *護照*, *パスポート*,
            *旅券*, *여권*, *جواز*, *דרכון*, *पासपोर्ट*, hộ chiếu, *หนังสือเดินทาง*, paspor*
        """),
    ),
    _Document(
        "driving_license",
        stems("""
            licen, permis, führerschein, fuehrerschein, conducir, conduc, patente, habilitação, cnh,
            rijbewijs, körkort, førerkort, kørekort, ajokort, prawo jazdy, prawa jazdy, řidičsk, водител,
            посвідчення водія, ehliyet, 驾驶证, 驾照, 駕照, 運転免許, 운전면허, رخصة, רישיון
        """),
        words("""
            driver s licen*, drivers licen*, driver licen*, driving licen*, dl number, dl no,
            permis de conduire, führerschein*, fuehrerschein*, licencia de conduc*, carnet de conducir,
            permiso de conduc*, carta de condução, habilitação, cnh, patente*, rijbewijs*, körkort*,
            førerkort*, kørekort*, ajokort*, prawo jazdy, prawa jazdy, řidičsk*, водительск*,
            посвідчення водія, ehliyet*, sürücü belgesi*, *驾驶证*, *驾照*, *駕照*, *運転免許*,
            *운전면허*, *رخصة*, *רישיון*
        """),
    ),
)  # fmt: skip


def find(page: Page) -> Iterator[Finding]:
    """Numbers of passports and driving licences, and dates of birth."""
    if not page.has_digit:
        return
    for document in _DOCUMENTS:
        if any(hint in page.lower for hint in document.hints):
            yield from _documents(page, document)
    if any(hint in page.lower for hint in _BIRTH):
        yield from _birth_dates(page)


def _documents(page: Page, document: _Document) -> Iterator[Finding]:
    for match in _DOCUMENT.finditer(page.text):
        digits = sum(map(str.isdecimal, match[0][:40]))
        if not 5 <= digits <= 16 or len(match[0]) > 24:
            continue
        if not page.spend(document.name, _CHECKS):
            continue
        before = page.lower[max(0, match.start() - 48) : match.start()]
        # A sentence's end parts the number from the words; the full stop of "no." does not.
        if mentions(page.before(match.start(), 48), document.words) and not re.search(
            r"[!?\n]\s|\w{4}\.\s", before
        ):
            yield Finding(
                "pii_leakage", f"pii.{document.name}", 0.85, match.span(), label=document.name.upper()
            )


def _birth_dates(page: Page) -> Iterator[Finding]:
    for match in _DATE.finditer(page.lower):
        if not page.spend("birth date", _CHECKS):
            continue
        start, end = match.span()
        before = page.lower[max(0, start - 40) : start] + page.lower[end : end + 24]
        if any(hint in before for hint in _BIRTH):
            # That somebody was born on a day is in every encyclopedia; "my birthday is" is in none.
            score = 0.85 if mentions(page.around(start, end, before=40, after=24), _MINE) else 0.4
            yield Finding("pii_leakage", "pii.birth_date", score, (start, end), label="BIRTH_DATE")
