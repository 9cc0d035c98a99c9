"""Words: the same stems for what is searched and for what is asked."""

from __future__ import annotations

import pytest

from precog.core.words import LONGEST_WORD, STOP_WORDS, spoken, stems, stems_by_word


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("boots", "boot"),
        ("hiking", "hike"),
        ("batteries", "battery"),
        ("CAFÉ", "cafe"),
        ("men\N{RIGHT SINGLE QUOTATION MARK}s", "men's"),
        ("ﬁre", "fire"),
        ("Straße", "STRASSE"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stems(one) == stems(other) != []


def test_what_a_question_is_made_of_is_left_out() -> None:
    assert stems("I need a good lamp for my desk, please") == stems("lamp desk")
    assert stems("What would you recommend?") == []


def test_no_stop_word_is_written_as_no_text_says_it() -> None:
    assert [word for word in STOP_WORDS if list(spoken(word)) != [word]] == []


@pytest.mark.parametrize("text", ["", "*", '"" OR NEAR( -', "'; -- )(", "\0", "_ _", "\U0001f600"])
def test_signs_are_no_words(text: str) -> None:
    assert all(word.isalnum() for word in spoken(text))


def test_a_word_is_only_so_long_and_a_text_has_only_so_many() -> None:
    assert stems("x" * 10_000) == ["x" * LONGEST_WORD]
    found = stems_by_word(" ".join(f"w{number}" for number in range(10_000)), most=64)
    assert list(found) == [f"w{number}" for number in range(64)]


def test_a_stem_is_told_by_the_word_that_was_said() -> None:
    assert stems_by_word("Hiking boots, and a boot", most=9) == {"hike": "hiking", "boot": "boots"}
