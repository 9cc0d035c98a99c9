"""E-mail addresses and phone numbers are found, and what merely looks like them is not."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precog.detection import pii


@pytest.fixture(scope="module", autouse=True)
def _ready():
    """The first use makes the hints ready, which takes longer than a single example may."""
    pii.gate()


def values(text: str, label: str, score: float = 0.5) -> list[str]:
    """What is found of a type."""
    found = (finding for finding in pii.find(text) if finding.label == label and finding.score >= score)
    return [text[slice(*finding.span)] for finding in found]


@pytest.mark.parametrize(
    "address",
    [
        "jo@rivertown.org",
        "jo.van-der_berg+news@mail.rivertown.co.uk",
        "JO@RIVERTOWN.ORG",
        "o'neil@rivertown.org",
        "jürgen@bücherei.de",
        "иван@почта.рф",
        "jo@xn--bcherei-n2a.xn--p1ai",
        "1@rivertown.org",
    ],
)
def test_addresses_are_found_whole(address):
    for text in (
        address,
        f"<{address}>",
        f"mailto:{address}.",
        f"write to {address}, please",
        f"email={address}&x",
        f"请写信给{address}谢谢",
    ):
        assert values(text, "EMAIL", 0.9) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "me@home",
        "@handle and @other.name",
        "a @ b",
        "logo@2x.png",
        "left-pad@1.3.0",
        "@types/node@18.2.1",
        "jo@-.org",
        "jo@a..org",
        "user@host:~/work",
        "postgres://app:hunter2@db.rivertown.org/main",
        "@@@@",
        "...@rivertown.org",
    ],
)
def test_what_only_has_an_at_sign_is_no_address(text):
    assert values(text, "EMAIL") == []


def test_a_repository_is_hardly_an_address():
    assert values("git clone git@codehost.org:team/project.git", "EMAIL") == []


@pytest.mark.parametrize(
    "spelled",
    [
        "jo [at] rivertown [dot] org",
        "jo(at)rivertown.org",
        "jo at rivertown dot org",
        "jo.doe AT mail DOT rivertown DOT org",
    ],
)
def test_spelled_out_addresses_are_found(spelled):
    assert values(f"Reach me: {spelled}, thanks", "EMAIL") == [spelled]


@pytest.mark.parametrize("text", ["look at me dot", "meet at noon", "f(at) = 3", "x [at] y"])
def test_at_in_a_sentence_is_no_address(text):
    assert values(text, "EMAIL") == []


@pytest.mark.parametrize(
    "number",
    [
        "+44 20 8366 1177",
        "+442083661177",
        "+1 (415) 555-2671",
        "+49 (0)30 901820",
        "+33 6 12 34 56 78",
        "+91-98765-43210",
        "+81 3-1234-5678",
        "+86 138 1234 5678",
        "+7 (912) 345-67-89",
        "+55 11 91234-5678",
        "+46 (0)8 928 571 38",
    ],
)
def test_international_numbers_are_found_without_a_word(number):
    assert values(f"it was {number}, I think", "PHONE") == [number]


@pytest.mark.parametrize(
    "number",
    ["(415) 555-2671", "415-555-2671", "415.555.2671", "1-415-555-2671", "07700 900 123", "06 78 12 35 90"],
)
def test_clearly_grouped_numbers_are_found_without_a_word(number):
    assert values(f"it was {number}, I think", "PHONE") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "Phone: {}",
        "call me at {}",
        "Telefon {}",
        "mi móvil es {}",
        "mon téléphone: {}",
        "телефон {}",
        "电话：{}",
        "私の電話は{}です",
        "전화번호는 {}",
        "هاتف {}",
        "{} (office)",
    ],
)
@pytest.mark.parametrize("number", ["60-56-85-91", "78 651 450", "5552671", "(37) 788-063", "0490 75 40 81"])
def test_national_numbers_are_found_beside_a_word(text, number):
    assert values(text.format(number), "PHONE") == [number]


@pytest.mark.parametrize("number", ["415-555-2671x89", "+1 415 555 2671 ext. 89"])
def test_an_extension_belongs_to_the_number(number):
    assert values(f"Fax: {number}.", "PHONE") == [number]


def test_a_longer_number_is_not_cut_to_what_looks_north_american():
    assert values("Phone: 21 284 698 2548", "PHONE") == ["21 284 698 2548"]


def test_unknown_words_make_no_phone():
    assert values("the result is 5552671 or 60-56-85-91", "PHONE") == []


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "call 550e8400-e29b-41d4-a716-446655440000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "commit 4152671555a1",
        "version 1.20.300.4000",
        "10.120.30.145",
        "2024-05-17 12:30:59",
        "2024-05-17T12:30:59Z",
        "17.05.2024",
        "1990-1995",
        "20240517",
        "1715949059",
        "1715949059123",
        "order 415-555-2671",
        "invoice 20240517-415",
        "ISBN 978-3-16-148410-0",
        "$1,415,555,267",
        "1 415 555 267 EUR",
        "3.14159265358979",
        "1+1234567",
        "01 02 03 04 05 06",
        "x = 4155552671",
        "SKU-415-555-2671",
    ],
)
def test_other_numbers_are_no_phones(text):
    assert values(text, "PHONE") == []


@given(st.uuids(), st.sampled_from(["id {}", "call {}", "phone {}", "{}"]))
@settings(max_examples=500)
def test_no_uuid_is_a_phone_or_a_card(value: uuid.UUID, text):
    labels = {finding.label for finding in pii.find(text.format(value)) if finding.score >= 0.5}
    assert not labels & {"PHONE", "CREDIT_CARD"}


@given(
    st.datetimes(), st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%Y%m%d%H%M%S"])
)
def test_no_date_is_a_phone(value, form):
    assert values(f"at {value.strftime(form)} sharp", "PHONE") == []
