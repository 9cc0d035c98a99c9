"""Passports, driving licences and dates of birth: nothing but the words before them tells what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..findings import Finding
from .gate import any_of
from .page import Page, mentions, stems, words

_CHECKS = 250
# Letters, digits and single separators, five digits at least: those are counted afterwards.
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z_])(?=[A-Za-z]{0,8}[0-9])[0-9A-Za-z]++(?:[ -](?=[0-9])[0-9A-Za-z]++){0,4}+"
)
# A sentence's end parts the number from the words; the full stop of "no." does not.
_ENDED = re.compile(r"[!?\n]\s|\w{4}\.\s")

_MONTHS = frozenset(
    """
    jan january feb february mar march apr april may jun june jul july aug august sep sept september oct
    october nov november dec december januar februar märz mai juni juli oktober dezember janvier février
    mars avril juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo
    junio julio agosto septiembre octubre noviembre diciembre janeiro fevereiro março maio junho julho
    setembro outubro novembro dezembro gennaio febbraio aprile maggio giugno luglio settembre ottobre
    dicembre januari februari maart mei augustus stycznia lutego marca kwietnia maja czerwca lipca
    sierpnia września października listopada grudnia января февраля марта апреля мая июня июля августа
    сентября октября ноября декабря ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım
    aralık augusti
    """.split()
)
_LONGEST_DATE = 32
# So far from a word for birth its dates are looked for; of words closer together than that some are.
_CLOSE, _BEFORE_BIRTH, _AFTER_BIRTH = 40, 128, 96
# A word of a month's length before or after the number is looked at, and whether it is one only then.
_DATE = re.compile(
    r"(?<![0-9])(?:"
    r"[0-9]{1,2}(?:"
    r"([./-])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})"
    r"|(?:st|nd|rd|th|er|º|\.)?(?: de| of)? ([^\W\d_]{3,12})\.?(?: de| of|,)? ?(?:[0-9]{4}|'?[0-9]{2})"
    r")"
    r"|[0-9]{4}(?:"
    r"([./-])[0-9]{1,2}\3[0-9]{1,2}"
    r"| ?[年년] ?[0-9]{1,2} ?[月월] ?[0-9]{1,2} ?[日일]?"
    r")"
    r"|(?<![^\W_])([^\W\d_]{3,12})\.? [0-9]{1,2}(?:st|nd|rd|th)?,? (?:[0-9]{4}|'?[0-9]{2})"
    r")(?![0-9])"
)
_BIRTH = stems("""
    birth, born, dob, d.o.b, geboren, geb., geburt, naissance, né le, née le, nacimiento, nací, nacido,
    nacida, cumpleaños, nascimento, nasci, nascita, nato il, nata il, geboorte, födel, född, fødsel, født,
    syntym, urodz, naroz, narod, szület, născut, nasterii, рожд, родил, народж, роден, γέννησ, γεννήθ, doğum,
    出生, 生日, 生年月日, 誕生日, 생년월일, 생일, 태어, ميلاد, نשולד, לידה, जन्म, วันเกิด, ngày sinh,
    lahir
""")
# "born 1990-05-03" is a form's line; an encyclopedia writes "born on 3 May", or has a name of a month.
_BORN = re.compile(r"(?<!\w)(?:born|geboren|geb\.|née?|nacid[oa]|nascid[oa]|nat[oa]|ur\.):? \Z")
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
    stems: tuple[str, ...]
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


HINTS = {document.name: any_of(document.stems) for document in _DOCUMENTS} | {"birth_date": any_of(_BIRTH)}


def find(page: Page) -> Iterator[Finding]:
    """Numbers of passports and driving licences, and dates of birth."""
    documents = [document for document in _DOCUMENTS if document.name in page.hints]
    if documents:
        yield from _documents(page, documents)
    if "birth_date" in page.hints:
        yield from _birth_dates(page)


def _documents(page: Page, documents: list[_Document]) -> Iterator[Finding]:
    for match in _DOCUMENT.finditer(page.text):
        start, end = match.span()
        if end - start > 24 or not 5 <= sum(map(str.isdecimal, match[0])) <= 16:
            continue
        documents = [document for document in documents if page.spend(document.name, _CHECKS)]
        if not documents:
            return
        before = page.before(start, 48)
        for document in documents:
            if mentions(before, document.words) and not _ENDED.search(page.lower, max(0, start - 48), start):
                name = document.name
                yield Finding("pii_leakage", f"pii.{name}", 0.85, (start, end), label=name.upper())


def _dates(text: str) -> Iterator[re.Match[str]]:
    """The dates of a lower-case text that stand near a word for birth, and perhaps some more."""
    done = 0
    for place in sorted(place for stem in _BIRTH for place in _places(text, stem)):
        last = place + _AFTER_BIRTH
        for match in _DATE.finditer(text, max(done, place - _BEFORE_BIRTH), last + _LONGEST_DATE):
            if match.start() > last:
                break
            done = match.end()
            yield match
        done = max(done, last)


def _places(text: str, stem: str) -> Iterator[int]:
    """Where the stem stands, and of those that stand close together some."""
    place = text.find(stem)
    while place >= 0:
        yield place
        place = text.find(stem, place + _CLOSE)


def _birth_dates(page: Page) -> Iterator[Finding]:
    for match in _dates(page.lower):
        month = match[2] or match[4]
        if month and month not in _MONTHS:
            continue
        if not page.spend("birth date", _CHECKS):
            return
        start, end = match.span()
        before = page.lower[max(0, start - 40) : start] + page.lower[end : end + 24]
        if any(hint in before for hint in _BIRTH):
            # That somebody was born on a day is in every encyclopedia; "my birthday is" is in none.
            told = not month and _BORN.search(page.lower, max(0, start - 12), start)
            mine = told or mentions(page.around(start, end, before=40, after=24), _MINE)
            score = 0.85 if mine else 0.4
            yield Finding("pii_leakage", "pii.birth_date", score, (start, end), label="BIRTH_DATE")
