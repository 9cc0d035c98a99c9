"""Cards, bank accounts and wallets are found by their checksums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.detection import pii
from precog.detection.pii.payment import luhn


def values(text: str, label: str, score: float = 0.5) -> list[str]:
    """What is found of a type."""
    found = (finding for finding in pii.find(text) if finding.label == label and finding.score >= score)
    return [text[slice(*finding.span)] for finding in found]


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "6200000000000005",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ],
)
def test_cards_are_found(number):
    for text in (number, f"use {number}.", f"use {number}, code 123", f"({number})", f"{number}です"):
        assert values(text, "CREDIT_CARD") == [number]


@pytest.mark.parametrize("number", ["4222222222222", "630427373398", "180016070420458", "3598899323053410"])
def test_rarer_cards_are_found_beside_a_word(number):
    assert values(f"the total is {number}", "CREDIT_CARD") == []
    for text in (
        "my card is {}",
        "mi tarjeta {}",
        "Kreditkarte: {}",
        "карта {}",
        "我的信用卡{}",
        "カード番号は{}",
    ):
        assert values(text.format(number), "CREDIT_CARD") == [number]


def test_a_wrong_digit_is_no_card():
    assert values("card 4111111111111112", "CREDIT_CARD") == []


def test_digits_that_pass_the_checksum_but_belong_to_no_issuer_are_no_card():
    assert luhn("1000000000000008")
    assert values("number 1000000000000008", "CREDIT_CARD") == []


def test_cards_in_a_row_are_all_found():
    cards = ["4111 1111 1111 1111", "5555 5555 5555 4444", "6011 1111 1111 1117"]
    assert values(" ".join(cards), "CREDIT_CARD") == cards
    assert values(f"7 12 {cards[0]} 123", "CREDIT_CARD") == [cards[0]]


@pytest.mark.parametrize(
    "text",
    [
        "x4111111111111111",
        "4111111111111111x",
        "0.4111111111111111",
        "94111111111111111111111",
        "a_4111111111111111",
    ],
)
def test_a_card_is_no_part_of_something_longer(text):
    assert values(text, "CREDIT_CARD") == []


def test_a_card_is_not_a_phone_too():
    assert [finding.label for finding in pii.find("call 4111 1111 1111 1111")] == ["CREDIT_CARD"]


@given(st.integers(10**15, 10**16 - 1))
def test_the_checksum_is_right_for_one_last_digit_of_ten(number):
    digits = str(number)[:-1]
    assert sum(luhn(f"{digits}{last}") for last in range(10)) == 1


@pytest.mark.parametrize(
    "number",
    [
        "GB82WEST12345698765432",
        "GB82 WEST 1234 5698 7654 32",
        "gb82west12345698765432",
        "DE89 3704 0044 0532 0130 00",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_ibans_are_found(number):
    for text in (number, f"pay to {number} today", f"IBAN:{number}.", f"({number})", f"{number}です"):
        assert values(text, "IBAN", 0.9) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "GB82WEST12345698765433",
        "XX82WEST12345698765432",
        "GB82WEST1234569876543",
        "aGB82WEST12345698765432",
        "DE12 apples",
    ],
)
def test_what_carries_no_checksum_of_its_country_is_no_iban(text):
    assert values(text, "IBAN") == []


def test_a_mistyped_iban_is_found_where_it_is_called_one():
    assert values("my IBAN is GB82WEST12345698765433", "IBAN") == ["GB82WEST12345698765433"]


def test_a_bic_needs_the_word():
    assert values("BIC: DEUTDEFF500", "BIC") == ["DEUTDEFF500"]
    assert values("the code DEUTDEFF500 and 1", "BIC") == []


@pytest.mark.parametrize(
    "address",
    [
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
        "0x52908400098527886E0F7030069857D2E4169EE7",
    ],
)
def test_wallets_are_found(address):
    assert values(f"send it to {address}.", "CRYPTO_WALLET") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
        "0x52908400098527886E0F7030069857D2E4169EE",
        "0x52908400098527886E0F7030069857D2E4169EE7AB",
        "1111111111111111111111111111111111",
    ],
)
def test_other_long_words_are_no_wallets(text):
    assert values(f"send it to {text}.", "CRYPTO_WALLET") == []
