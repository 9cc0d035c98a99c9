"""Words: the same stems for what is searched and for what is asked."""

from __future__ import annotations

import pytest

from precog.core.words import LONGEST_WORD, STOP_WORDS, lacking, spoken, stems, stems_by_word, told


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


@pytest.mark.parametrize(
    "text",
    [
        "Made without leather.",
        "No leather",
        "leather-free",
        "Free of leather, warm",
        "free from any leather",
        "Not made with leather",
        "non-leather",
        "neither wool nor leather",
        "doesn't contain leather",
        "no wool or leather",
    ],
)
def test_what_a_text_denies_is_not_what_it_has(text: str) -> None:
    assert "leather" not in told(text)
    assert lacking("leather") in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "no sugar leather",
        "not only leather",
        "No. Leather.",
        "without wool, leather",
        "without wool but leather",
        "wool-free leather",
        "Not waterproof leather",
        "no wool and leather",
    ],
)
def test_a_denial_ends_early(text: str) -> None:
    assert "leather" in told(text)
    assert lacking("leather") not in told(text)


def test_children_are_found_by_the_child() -> None:
    assert stems("children men's women feet") == stems("child man woman foot")
