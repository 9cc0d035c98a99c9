"""Bodies that the guard and its events cannot take: hostile, wrong in a field, too large."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.surfaces.guarding import (
    ATTACK,
    EVENTS,
    GUARD,
    POSTS,
    event,
    form,
    fresh,
    post_raw,
    prompt,
    refused,
    rows,
)
from tests.surfaces.test_hostile_bodies import HOSTILE, a_gigabyte_of_zeros

INPUT_BYTES = 262_144


def invalid(answer, path):
    """Whether it is the 400 of a body, with a sentence about it."""
    body = dict(answer.json)
    details = body.pop("details")
    assert isinstance(details["message"], str)
    return (answer.status_code, body) == (400, form(path, "invalid_payload", "Invalid payload"))


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused(alone, path, raw):
    answer = post_raw(alone, path, raw)
    assert invalid(answer, path)
    refused(answer)


def test_what_is_wrong_with_a_body_is_told_without_repeating_it(alone):
    answer = post_raw(alone, GUARD, b'{"input": "private"')
    assert answer.json == {
        "allowed": False,
        "reason": "invalid_payload",
        "details": {"message": "The body is not valid JSON"},
    }


@pytest.mark.parametrize(
    ("field", "value", "received"),
    [
        ("input", None, "null"),
        ("input", 7, "number"),
        ("input", ["a"], "array"),
        ("input", {"text": "a"}, "object"),
        ("client_event_id", "", "another string"),
        ("client_event_id", "event-7", "another string"),
        ("client_event_id", 7, "number"),
        ("system_id", 7, "number"),
        ("system_id", "x" * 513, "string of 513 characters"),
        ("model", {}, "object"),
        ("user_id", 7, "number"),
        ("expected_languages", "en", "string"),
        ("expected_languages", ["en", 7], "an entry that is number"),
        ("expected_languages", ["en"] * 33, "33 entries"),
        ("request_identity", "me", "string"),
        ("metadata", [], "array"),
        ("client_capabilities", True, "boolean"),
    ],
)
def test_a_wrong_field_is_named(alone, field, value, received):
    answer = alone.post(GUARD, json={**prompt(), field: value})
    assert invalid(answer, GUARD)
    assert (answer.json["details"]["field"], answer.json["details"]["received"]) == (field, received)
    assert answer.json["details"]["expected"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None, "text/json"])
def test_only_json_is_read(alone, path, kind):
    answer = post_raw(alone, path, json.dumps(POSTS[path]), kind)
    body = dict(answer.json)
    assert body.pop("details") == {"message": "The Content-Type must be application/json"}
    assert (answer.status_code, body) == (415, form(path, "invalid_payload", "Unsupported media type"))


def test_a_gzipped_body_is_read_and_a_damaged_one_refused(guarded):
    zipped = gzip.compress(json.dumps(prompt(ATTACK)).encode())
    headers = {"Content-Encoding": "gzip"}
    assert post_raw(guarded, GUARD, zipped, **headers).json["reason"] == "prompt_injection"
    assert invalid(post_raw(guarded, GUARD, zipped[:-4], **headers), GUARD)
    answer = post_raw(guarded, GUARD, zipped, **{"Content-Encoding": "br"})
    assert (answer.status_code, answer.json["allowed"]) == (415, False)


# --- sizes


def of_size(piece: str, size_bytes: int) -> str:
    """The piece again and again, and spaces, up to so many bytes of UTF-8."""
    text = piece * (size_bytes // len(piece.encode()))
    return text + " " * (size_bytes - len(text.encode()))


@pytest.mark.parametrize(
    "piece",
    ["The museum opens at ten. ", "Le musée est fermé à Noël. ", "The museum \U0001f600 opens at ten. "],
    ids=["one byte", "two bytes", "four bytes"],
)
@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 413)])
def test_an_input_may_have_256_kib_of_utf_8(alone, piece, more, status):
    text = of_size(piece, INPUT_BYTES + more)
    answer = post_raw(alone, GUARD, json.dumps(prompt(text), ensure_ascii=False).encode())
    assert answer.status_code == status
    if status == 413:
        assert answer.json == {"allowed": False, "reason": "payload_too_large"}
        refused(answer)


def test_the_size_of_an_input_does_not_depend_on_how_it_is_written(alone):
    answer = alone.post(
        GUARD, data=b'{"input":"%s"}' % (b"\\u00e9" * 131_072), content_type="application/json"
    )
    assert answer.status_code == 200
    answer = alone.post(
        GUARD, data=b'{"input":"%s"}' % (b"\\u00e9" * 131_073), content_type="application/json"
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("path", POSTS)
def test_a_body_may_have_1_mib(alone, path):
    whole = json.dumps({**POSTS[path], **({"event_id": fresh()} if path == EVENTS else {})}).encode()
    for size, refusal_ in ((2**20, False), (2**20 + 1, True)):
        answer = post_raw(alone, path, whole + b" " * (size - len(whole)))
        assert (answer.status_code == 413) == refusal_
        if refusal_:
            assert answer.json == form(path, "payload_too_large", "Payload too large")


def test_a_large_event_is_stored_whole(guarded, sandbox):
    text = "\U0001f600 private " * 20_000
    assert guarded.post(EVENTS, json=event(input=text, output=text[::-1])).status_code == 200
    (row,) = rows(sandbox)
    assert (row["prompt"], row["response"]) == (text, text[::-1])


@pytest.mark.parametrize("path", POSTS)
def test_a_gzip_bomb_is_refused_before_it_goes_off(alone, path):
    answer = post_raw(alone, path, a_gigabyte_of_zeros()[:1_000_000], **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json) == (413, form(path, "payload_too_large", "Payload too large"))
