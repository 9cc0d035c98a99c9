"""What is read as JSON, to the letter."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from precog.errors import MalformedBody
from precog.surfaces.body import MAX_DEPTH, MAX_INTEGER, parse
from tests.surfaces.generated import storable_json

NOT_JSON = [
    b"",
    b" ",
    b"{",
    b'{"a":1',
    b'{"a":1,}',
    b"[1 2]",
    b"{'a':1}",
    b"undefined",
    b'"\x01"',
    b"01",
    b"1.",
    b"{}{}",
]
NOT_UTF_8 = ['{"a":"é"}'.encode("latin-1"), '{"a":"b"}'.encode("utf-16"), b'{"a":"\xed\xa0\x80"}', b"\xff"]
NUL = [b'"\\u0000"', b'{"a":["x\\u0000y"]}', b'{"\\u0000":1}', b'{"a":{"b\\u0000":1}}']
HALF_PAIRS = [
    b'"\\ud83d"',
    b'"\\ude00\\ud83d"',
    b'{"\\udfff":1}',
    b'[["\\ud800x"]]',
    b'{"a":{"b":"\\uD83D"}}',
]
OUT_OF_RANGE = [b"1e400", b"-1e400", b'{"a":[1e309]}']
TOO_WIDE = [
    b"9223372036854775808",
    b"-9223372036854775809",
    b"12345678901234567890",
    b"1" * 5_000,
    b"-" + b"9" * 100_000,
]
NO_NUMBERS = [b"NaN", b"Infinity", b"-Infinity"]
TWICE = [b'{"a":1,"a":1}', b'[{"b":{"a":1,"c":2,"a":3}}]', b'{"a":1,"\\u0061":2}']

REFUSED = (
    [(raw, "The body is not valid JSON") for raw in NOT_JSON]
    + [(raw, "The body is not UTF-8") for raw in NOT_UTF_8]
    + [(raw, "The body has a NUL character") for raw in NUL]
    + [(raw, "The body has half a surrogate pair") for raw in HALF_PAIRS]
    + [(raw, "The body has a number that is out of range") for raw in OUT_OF_RANGE]
    + [(raw, "The body has an integer of more than 63 bits") for raw in TOO_WIDE]
    + [(raw, "The body has an object with the same key twice") for raw in TWICE]
    + [(raw, f"{raw.decode()} is not JSON") for raw in NO_NUMBERS]
)


@pytest.mark.parametrize(("raw", "reason"), REFUSED, ids=[str(raw[:24]) for raw, _ in REFUSED])
def test_what_is_not_taken_is_refused_with_a_reason(raw, reason):
    with pytest.raises(MalformedBody) as refusal:
        parse(raw)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b" \r\n\t{} ", {}),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('"\N{GRINNING FACE}"'.encode(), "\N{GRINNING FACE}"),
        (b'"\\u0001\\u001f\\u007f"', "\x01\x1f\x7f"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"9223372036854775807", MAX_INTEGER),
        (b"-9223372036854775808", -MAX_INTEGER - 1),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
        (b"1e-400", 0.0),
        (b'{"a":1,"A":2,"":3}', {"a": 1, "A": 2, "": 3}),
    ],
)
def test_what_is_strange_and_right_is_taken(raw, value):
    assert parse(raw) == value


def nested(levels: int, opening: bytes, closing: bytes, inside: bytes = b"") -> bytes:
    return opening * levels + inside + closing * levels


@pytest.mark.parametrize(("opening", "closing", "inside"), [(b"[", b"]", b""), (b'{"a":', b"}", b"1")])
def test_64_levels_are_taken_and_more_are_not(opening, closing, inside):
    parse(nested(MAX_DEPTH, opening, closing, inside))
    for levels in (MAX_DEPTH + 1, 500, 100_000):
        with pytest.raises(MalformedBody, match="nested"):
            parse(nested(levels, opening, closing, inside))


def test_arrays_and_objects_count_alike_as_levels():
    parse(nested(MAX_DEPTH // 2, b'[{"a":', b"}]", b"1"))
    with pytest.raises(MalformedBody, match="nested deeper than 64 levels"):
        parse(nested(MAX_DEPTH // 2, b'[{"a":', b"}]", b"[]"))


def test_text_at_the_deepest_level_is_checked_too():
    with pytest.raises(MalformedBody, match="NUL"):
        parse(nested(MAX_DEPTH, b"[", b"]", b'"\\u0000"'))


def test_many_brackets_side_by_side_are_not_depth():
    assert parse(b"[" + b"[]," * 1_000 + b"{}]") == [[]] * 1_000 + [{}]


@given(st.binary())
@example(b"\xef\xbb\xbf{}")
def test_whatever_the_bytes_they_are_json_or_refused(raw):
    try:
        found = parse(raw)
    except MalformedBody:
        return
    assert found == json.loads(raw)


@given(storable_json(), st.booleans())
def test_every_value_that_can_be_stored_comes_through_as_it_was(value, ascii_only):
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
