"""All finders together: one finding a place, any text at all, and bounded work."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.detection import pii
from precog.detection.findings import Finding
from precog.detection.masking import mask, unmask

PIECES = [
    "1",
    "1 ",
    "11 ",
    "1-",
    "1.",
    "+1 ",
    "@",
    "a@",
    "a@a.",
    "a.",
    "::",
    "1::2 ",
    "a:",
    "(1",
    "((",
    "路1",
    "一",
    "+12025550123 ",
    "4111 1111 1111 1111 ",
    "GB82 WEST 1234 5698 7654 32 ",
    "123456782 bsn sin ",
    "91.198.174.192 ",
    "Aa ",
    "12 Aa ",
    "Rue ",
    "Aaaagata 1 ",
    "passport 12345678 ",
    "born 1/1/2001 ",
    "jo(at)a ",
    "00:1A:2B:3C:4D:5E ",
    "phone 1234567 ",
    "٣",
    "İ1",
    "\ud8001",
    "9 99 99 99 999 999 99 ",
    "AAAAAA99A99A999A ",
    "1BvBMSEYstWetqTFn5Au4 ",
]


@pytest.fixture(scope="module", autouse=True)
def _ready():
    """The first use makes the hints ready, which takes longer than a single example may."""
    pii.gate()


def finding(start: int, end: int, score: float) -> Finding:
    return Finding("pii_leakage", "pii.test", score, (start, end), label="TEST")


def test_plain_prose_has_none():
    assert pii.find("") == []
    assert pii.find("The committee met in 1977, for 3 hours; 25 % of the 1,200 members came.") == []


def test_a_text_of_many_kinds():
    text = "Jo, jo@rivertown.org, +44 20 8366 1177, pays by 4111 1111 1111 1111 from 91.198.174.192"
    found = pii.find(text)
    assert [one.label for one in found] == ["EMAIL", "PHONE", "CREDIT_CARD", "IP"]
    assert unmask(*_masked(text, found)) == text


def _masked(text: str, found: list[Finding]):
    masked = mask(text, found)
    return masked.text, masked.placeholders


def test_of_overlapping_findings_the_strongest_stays():
    weak, strong, apart = finding(0, 5, 0.5), finding(4, 8, 0.9), finding(8, 9, 0.1)
    assert pii.strongest([weak, apart, strong]) == [strong, apart]


def test_of_equally_strong_ones_the_longest_stays():
    assert pii.strongest([finding(0, 5, 0.5), finding(0, 9, 0.5)]) == [finding(0, 9, 0.5)]


def test_what_overlaps_only_the_dropped_stays():
    first, middle, last = finding(0, 5, 0.6), finding(4, 10, 0.7), finding(9, 12, 0.8)
    assert pii.strongest([first, middle, last]) == [first, last]


def hold(text: str) -> None:
    found = pii.find(text)
    ends = [0]
    for one in found:
        start, end = one.span
        assert ends[-1] <= start < end <= len(text)
        assert 0 <= one.score <= 1
        assert one.category == "pii_leakage"
        assert one.label
        ends.append(end)
    assert unmask(*_masked(text, found)) == text


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_gives_spans_within_it(text):
    hold(text)


SCRAPS = st.one_of(st.sampled_from(PIECES), st.text("0123456789 -.:/+()@aAxXİ", max_size=12))


@given(st.lists(SCRAPS, max_size=30))
def test_any_heap_of_pieces_gives_spans_within_it(pieces):
    hold("".join(pieces))


def seconds(text: str) -> float:
    began = time.process_time()
    pii.scan(text)
    return time.process_time() - began


@pytest.mark.parametrize("piece", PIECES)
def test_long_hostile_text_takes_linear_time(piece):
    # Quadratic work on a quarter of a megabyte would take minutes; the limit leaves room for a busy machine.
    assert seconds((piece * (1 << 18))[: 1 << 18]) < 2


def test_what_was_not_looked_into_is_counted():
    few = pii.scan("123456782 bsn " * 10)
    assert few.unchecked == 0
    many = pii.scan("+12025550123 " * 600)
    assert many.unchecked > 0
    # Beyond the bound they are taken for what they look like.
    assert len([one for one in many.findings if one.label == "PHONE"]) == 600
