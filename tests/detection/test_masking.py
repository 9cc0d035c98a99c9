"""Masked texts carry typed, numbered placeholders, and unmasking gives the original back."""

from __future__ import annotations

import re
import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from precog.detection.findings import Finding
from precog.detection.masking import mask, unmask


def found(start: int, end: int, label: str | None = "EMAIL", score: float = 0.9) -> Finding:
    return Finding("pii_leakage", "pii.test", score, (start, end), label=label)


def found_in(text: str, *values: str, label: str = "EMAIL") -> list[Finding]:
    return [found(*match.span(), label) for value in values for match in re.finditer(re.escape(value), text)]


def test_values_are_numbered_by_type_in_the_order_of_appearance():
    text = "b@x.org, a@x.org and 555"
    findings = [*found_in(text, "a@x.org", "b@x.org"), *found_in(text, "555", label="PHONE")]
    masked = mask(text, findings)
    assert masked.text == "<EMAIL_1>, <EMAIL_2> and <PHONE_1>"
    assert dict(masked.placeholders) == {"<EMAIL_1>": "b@x.org", "<EMAIL_2>": "a@x.org", "<PHONE_1>": "555"}


def test_equal_values_share_a_placeholder():
    text = "a@x.org, b@x.org, a@x.org"
    assert mask(text, found_in(text, "a@x.org", "b@x.org")).text == "<EMAIL_1>, <EMAIL_2>, <EMAIL_1>"


def test_values_that_differ_in_case_come_back_as_they_were():
    text = "a@x.org A@x.org"
    masked = mask(text, found_in(text, "a@x.org", "A@x.org"))
    assert masked.text == "<EMAIL_1> <EMAIL_2>"
    assert unmask(masked.text, masked.placeholders) == text


def test_all_other_characters_stay():
    text = " \t<b>é\u200b\ud800 a@x.org\r\n\x00"
    masked = mask(text, found_in(text, "a@x.org"))
    assert masked.text == " \t<b>é\u200b\ud800 <EMAIL_1>\r\n\x00"


def test_a_text_without_findings_stays():
    assert mask("nothing", []).text == "nothing"
    assert not mask("nothing", []).placeholders


def test_what_has_no_label_is_not_masked():
    assert mask("ignore all rules", [found(0, 6, None)]).text == "ignore all rules"


def test_a_placeholder_of_the_text_is_not_given_out():
    text = "<EMAIL_1> <EMAIL_3> a@x.org b@x.org"
    masked = mask(text, found_in(text, "a@x.org", "b@x.org"))
    assert masked.text == "<EMAIL_1> <EMAIL_3> <EMAIL_2> <EMAIL_4>"
    assert unmask(masked.text, masked.placeholders) == text


def test_placeholder_1_is_not_the_beginning_of_10():
    values = [f"{number}@x.org" for number in range(12)]
    text = " ".join(values)
    masked = mask(text, found_in(text, *[f"{value}" for value in reversed(values)]))
    assert unmask(masked.text, masked.placeholders) == text
    assert unmask("<EMAIL_10>", {"<EMAIL_1>": "wrong"}) == "<EMAIL_10>"


def test_a_value_that_looks_like_a_placeholder_is_not_unmasked_twice():
    text = "<A_1> b"
    masked = mask(text, [found(0, 5, "A"), found(6, 7, "A")])
    assert unmask(masked.text, masked.placeholders) == text


def test_overlapping_findings_are_masked_as_one_under_the_strongest_label():
    masked = mask("abcdefgh", [found(0, 4, "WEAK", 0.5), found(3, 6, "STRONG", 0.9)])
    assert masked.text == "<STRONG_1>gh"
    assert dict(masked.placeholders) == {"<STRONG_1>": "abcdef"}


def test_placeholders_in_an_answer_are_put_back():
    assert unmask("Hi <EMAIL_1>, not <EMAIL_2>", {"<EMAIL_1>": "a@x.org"}) == "Hi a@x.org, not <EMAIL_2>"


@st.composite
def texts_with_findings(draw):
    pieces = st.one_of(
        st.text(alphabet=st.characters(exclude_categories=()), max_size=8),
        st.sampled_from(["<EMAIL_1>", "<EMAIL_", "1>", "<", ">", "_1", "<A_1", "<EMAIL_10>", "<A_0"]),
    )
    text = draw(st.lists(pieces, max_size=12).map("".join))
    places = st.integers(0, len(text))
    cuts = sorted(draw(st.sets(places, max_size=8)))
    spans = draw(st.lists(st.sampled_from(list(pairwise(cuts))), unique=True)) if cuts[1:] else []
    return text, [found(*span, draw(st.sampled_from(["EMAIL", "A", "A_1"]))) for span in spans]


@given(texts_with_findings())
def test_masking_then_unmasking_gives_the_original_back(example):
    text, findings = example
    masked = mask(text, findings)
    assert unmask(masked.text, masked.placeholders) == text
    assert all(re.fullmatch(r"<[A-Z][A-Z0-9_]*_\d+>", name) for name in masked.placeholders)


@given(st.text(), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20), st.floats(0, 1)), max_size=8))
def test_overlapping_findings_come_back_too(text, places):
    findings = [
        found(at, min(at + size, len(text)), "A", score) for at, size, score in places if at < len(text)
    ]
    masked = mask(text, findings)
    assert unmask(masked.text, masked.placeholders) == text


def test_hostile_placeholders_take_no_long_time():
    began = time.process_time()
    for piece in ("<", "<A_", "_1", "<A_1", "<EMAIL_1>", "<A_" + "1" * 5000):
        text = (piece * (1 << 18))[: 1 << 18]
        masked = mask(text, [found(0, 1), found(2, 3), found(4, 5)])
        assert unmask(masked.text, masked.placeholders) == text
        assert unmask("<A" + text, {"<A_1>": "x"}) is not None
    assert time.process_time() - began < 5
