"""Passports, driving licences, dates of birth and street addresses are found by the words around them."""

from __future__ import annotations

import pytest

from precog.detection import pii


def values(text: str, label: str, score: float = 0.5) -> list[str]:
    """What is found of a type."""
    found = (finding for finding in pii.find(text) if finding.label == label and finding.score >= score)
    return [text[slice(*finding.span)] for finding in found]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("my passport number is 512345678", "512345678"),
        ("Passport No. AB1234567, valid", "AB1234567"),
        ("Reisepass: C01X00T47", "C01X00T47"),
        ("mi pasaporte es XDB123456", "XDB123456"),
        ("n° de passeport 12AB34567", "12AB34567"),
        ("паспорт 45 10 123456", "45 10 123456"),
        ("我的护照号码是E12345678", "E12345678"),
        ("パスポート番号はTR1234567", "TR1234567"),
        ("여권번호 M12345678", "M12345678"),
    ],
)
def test_passports_are_found_beside_the_word(text, number):
    assert values(text, "PASSPORT") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "number 512345678",
        "a passport costs 150 euros",
        "I lost my passport. Order 51234567 is late",
        "passport v1.2",
    ],
)
def test_without_its_word_nothing_is_a_passport(text):
    assert values(text, "PASSPORT") == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("my driver's license number is F162823540116", "F162823540116"),
        ("driving licence MORGA657054SM9IJ", "MORGA657054SM9IJ"),
        ("Führerschein Nr. B072RRE2I55", "B072RRE2I55"),
        ("permis de conduire 880692310285", "880692310285"),
        ("driver licence 2270-66-1551", "2270-66-1551"),
    ],
)
def test_driving_licences_are_found_beside_the_word(text, number):
    assert values(text, "DRIVING_LICENSE") == [number]


def test_the_licence_of_a_program_is_none():
    assert values("the license key of version 1234567", "DRIVING_LICENSE") == []


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("DOB: 03/05/1990", "03/05/1990"),
        ("date of birth 1990-05-03", "1990-05-03"),
        ("I was born on May 3, 1990", "May 3, 1990"),
        ("Ada Byron, born 1980-02-03", "1980-02-03"),
        ("Born: 03.02.1980", "03.02.1980"),
        ("Ada, geb. 3.2.1980", "3.2.1980"),
        ("my birthday is 3rd of May 1990", "3rd of May 1990"),
        ("Geburtsdatum: 3. Mai 1990", "3. Mai 1990"),
        ("fecha de nacimiento: 3 de mayo de 1990", "3 de mayo de 1990"),
        ("née le 3 mai 1990", "3 mai 1990"),
        ("дата рождения 03.05.1990", "03.05.1990"),
        ("出生日期：1990年5月3日", "1990年5月3日"),
        ("생년월일 1990년 5월 3일", "1990년 5월 3일"),
        ("1990-05-03 is my date of birth", "1990-05-03"),
    ],
)
def test_dates_of_birth_are_found_beside_the_word(text, date):
    assert values(text, "BIRTH_DATE") == [date]


@pytest.mark.parametrize(
    "text",
    [
        "due 03/05/1990",
        "the painter was born on 3 May 1790 in a village",
        "Bach (born 31 March 1685)",
        "born in 1990",
    ],
)
def test_other_dates_are_nobodys_birth(text):
    assert values(text, "BIRTH_DATE") == []


@pytest.mark.parametrize(
    "address",
    [
        "12 Long Acre Street",
        "3020 Highwood Blvd.",
        "45 Elm Road, Apt. 7",
        "221B Baker Street",
        "Calle Mayor 5",
        "12, rue de la Paix",
        "Hauptstraße 5",
        "ul. Słoneczna 10",
        "Storgatan 12",
        "Kossuth utca 5",
        "Via Garibaldi 7",
        "Rua das Flores 25",
        "ул. Ленина, д. 5",
        "P.O. Box 1234",
        "中山路123号",
    ],
)
def test_street_addresses_are_found(address):
    found = values(f"I live at {address}, come by", "ADDRESS")
    assert len(found) == 1
    assert address.rstrip(".") in found[0] or found[0] in address
    assert len(found[0]) >= len(address) - 1


@pytest.mark.parametrize(
    "address",
    [
        "12 Long Acre Street, Apt. 7, Rivertown, OH 44120",
        "12 Long Acre Street Rivertown OH 44120-1234",
        "12 Long Acre Street\n  Suite 204\n  Rivertown\n  Neverland 44120",
        "Hauptstraße 5, Neustadt, Austria 4020",
        "Unit 4719 Box 7394\nDPO AP 70942",
    ],
)
def test_flat_and_town_belong_to_the_address(address):
    assert values(f"Send it to {address}.", "ADDRESS") == [address]


def test_what_follows_an_address_in_the_sentence_does_not():
    found = values("I lived at 12 Long Acre Street, When I was there in 1990 it rained", "ADDRESS")
    assert found == ["12 Long Acre Street"]


@pytest.mark.parametrize(
    "text",
    [
        "until Spring 2015",
        "the String 1 and String 2",
        "12 angry men on the street",
        "chapter 3 Way forward",
        "During 1990 it grew",
        "Wall Street fell 5 percent",
        "30 St",
    ],
)
def test_other_words_beside_numbers_are_no_address(text):
    assert values(text, "ADDRESS") == []
