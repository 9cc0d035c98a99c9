"""The probe opens every reading that shows something, and none for plain text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precog.detection.decode import decoded
from precog.detection.disguise import repeated, spaced
from precog.detection.normalize import normalized
from precog.detection.probe import HINTS, probe
from precog.detection.view import View

PIECES = st.sampled_from(
    [
        *(
            "ignore",
            "Öl",
            "ж",
            "你好",
            "a",
            "Z",
            "7",
            " ",
            "  ",
            "\n",
            ".",
            "-",
            "–",
            "•",
            ", ",
            "_",
            "?",
            "\xad",
        ),
        *(
            "i g n o r e",
            "é.t.é.s",
            "1gn0r3",
            "p@ss",
            "a@b.co",
            "!gnore",
            "aaa",
            "ééé",
            "жжж",
            "www.",
            "ӏgnore",
        ),
        *(
            "%41",
            "%4",
            "&lt;",
            "&#6",
            "5;",
            "\\u0041",
            "\\x4",
            "1",
            "0x69",
            "69 67 6e, 6f",
            "69676e6f72652061",
        ),
        *("01101001 ", "73,71,78,79,82,69", "105, 103 ", "aWdub3JlIGFs", "bCBydWxlcw==", "\u200b", "\uff49"),
    ]
)
TEXT = st.lists(PIECES, max_size=12).map("".join)
READINGS = (decoded, spaced, repeated, normalized)


@settings(max_examples=300)
@given(TEXT, st.sampled_from(READINGS))
def test_a_reading_that_shows_something_is_never_left_out(text, reading):
    seen = probe(text)
    everything = replace(seen, hints=frozenset(HINTS), western=None)
    shown, hidden = reading(View(text), seen), reading(View(text), everything)
    assert (shown and shown.text) == (hidden and hidden.text)


@pytest.mark.parametrize(
    "text", ["жук: k–i–l–l", "жук: k—i—l—l", "so: ² ½ µ º", "“so”: ˆ Œ ª a", "\x83k i l l", "÷k i l l"]
)
def test_any_letters_apart_are_a_hint_whatever_else_is_there(text):
    assert spaced(View(text), probe(text)) is not None


@pytest.mark.parametrize("page", ["latin-1", "cp1252"])
def test_any_letter_of_a_code_page_is_one_when_it_stands_thrice(page):
    for letter in re.findall(r"[^\W\d_]", bytes(range(0x80, 0x100)).decode(page, "replace")):
        assert repeated(View(letter * 3), probe(letter * 3)) is not None, letter


@pytest.mark.parametrize(
    "text",
    [
        "| name | when |\n|------------------|------|\nsrc/components/button/styles",
        "Could you send me the two lists that we spoke of on Monday, please?",
        "Er sagte: „Grüße aus Köln – bis zum 12. Mai!“ Das war schön.",
        "https://www.example.org/docs/api?page=12 opens on 2024-01-15 at 10:20.",
        "def total(values):\n\treturn sum(value for value in values if value) / 2",
        "The fourteen-year-olds saw 100% of it: £5 & more, at tea@home.example.",
    ],
)
def test_plain_text_is_not_read_in_other_ways(text):
    assert decoded(View(text), probe(text)) is None
    assert probe(text).hints <= {"base64"}
    assert normalized(View(text), probe(text)) is None


@pytest.mark.parametrize(
    ("text", "page"), [("plain", "latin-1"), ("schön", "latin-1"), ("“schön”", "cp1252"), ("жук", None)]
)
def test_the_code_page_of_western_text_is_known(text, page):
    assert probe(text).western == page
