"""Bodies that nobody sends by mistake: each is refused in the exact form, and none is a server error."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog.surfaces.telemetry.routes import PLATFORMS
from tests.surfaces.calls import BATCH, INGEST, interaction, kept, refusal, stored
from tests.surfaces.generated import any_json

ROUTES = [INGEST, BATCH, *(f"/api/v1/integrations/{name}/telemetry" for name in PLATFORMS)]
VALID = json.dumps(interaction()).encode()


def with_prompt(written: str) -> bytes:
    """A valid body but for the prompt, which is written as given."""
    return b'{"agentId":"bot","response":"Hello","prompt":' + written.encode() + b"}"


def with_metadata(written: str) -> bytes:
    return VALID.replace(b"}", b',"metadata":' + written.encode() + b"}")


HOSTILE = {
    "empty": b"",
    "not JSON": b"agentId=bot",
    "cut off": VALID[:-1],
    "two values": VALID + VALID,
    "null": b"null",
    "number": b"7",
    "string": b'"text"',
    "array": b"[]",
    "array of objects": b"[" + VALID + b"]",
    "byte order mark": b"\xef\xbb\xbf" + VALID,
    "UTF-16": json.dumps(interaction()).encode("utf-16"),
    "UTF-32": json.dumps(interaction()).encode("utf-32"),
    "latin-1": with_prompt('"é"').decode().encode("latin-1"),
    "a surrogate in UTF-8": with_prompt('"?"').replace(b"?", b"\xed\xa0\x80"),
    "100,000 arrays": with_metadata('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "100,000 objects": with_metadata('{"a":' * 100_000 + "1" + "}" * 100_000),
    "100,000 open arrays": b"[" * 100_000,
    "65 levels": with_metadata('{"a":' + "[" * 63 + "]" * 63 + "}"),
    "NUL": with_prompt('"a\0b"'),
    "NUL, escaped": with_prompt(r'"a\u0000b"'),
    "NUL in a key": with_metadata('{"a\0":1}'),
    "NUL in a key, escaped": with_metadata(r'{"a\u0000":1}'),
    "half a pair": with_prompt(r'"\ud83d"'),
    "the other half": with_prompt(r'"\ude00"'),
    "halves the wrong way round": with_prompt(r'"\ude00\ud83d"'),
    "half a pair in a key": with_metadata(r'{"\udc00":1}'),
    "1e400": with_metadata('{"a":1e400}'),
    "-1e400": with_metadata('{"a":-1e400}'),
    "NaN": with_metadata('{"a":NaN}'),
    "Infinity": with_metadata('{"a":-Infinity}'),
    "20 digits": with_metadata('{"a":12345678901234567890}'),
    "one more than 63 bits": with_metadata('{"a":9223372036854775808}'),
    "one less than 63 bits": with_metadata('{"a":-9223372036854775809}'),
    "5,000 digits": with_metadata('{"a":' + "9" * 5_000 + "}"),
    "a key twice": VALID[:-1] + b',"agentId":"bot"}',
    "a key twice, inside": with_metadata('{"a":{"b":1,"b":1}}'),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused(sqlite_client, raw):
    assert refusal(sqlite_client.post(INGEST, data=raw, content_type="application/json")) == (
        400,
        "INVALID_REQUEST",
    )


@pytest.mark.parametrize("route", ROUTES[1:])
@pytest.mark.parametrize(
    "name", ["not JSON", "null", "100,000 arrays", "NUL, escaped", "half a pair", "1e400"]
)
def test_a_hostile_body_is_refused_on_every_route(sqlite_client, route, name):
    answer = sqlite_client.post(route, data=HOSTILE[name], content_type="application/json")
    assert refusal(answer) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        ('"\N{GRINNING FACE} \\u0001 \\u202e"', "\N{GRINNING FACE} \x01 \u202e"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("[" * 62 + "]" * 62, json.loads("[" * 62 + "]" * 62)),
    ],
)  # fmt: skip
def test_what_is_strange_and_right_is_stored_as_it_came(client, written, value):
    answer = client.post(INGEST, data=with_metadata(f'{{"a":{written}}}'), content_type="application/json")
    assert answer.status_code == 200, answer.json
    assert kept(client, answer.json["interactionId"])["metadata"] == {"a": value}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('application/json; charset="UTF-8"', 200),
        ("application/vnd.acme+json", 200),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=klingon", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonl", 415),
        ("nonsense", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_only_json_in_utf_8_is_read(sqlite_client, kind, status):
    answer = sqlite_client.post(INGEST, data=VALID, content_type=kind)
    assert answer.status_code == status
    assert status == 200 or refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


# --- gzip -----------------------------------------------------------------------------------


def zipped(client, raw, route=INGEST, encoding="gzip"):
    return client.post(
        route, data=raw, content_type="application/json", headers={"Content-Encoding": encoding}
    )


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip "])
def test_a_gzipped_body_is_read(client, encoding):
    answer = zipped(client, gzip.compress(VALID), encoding=encoding)
    assert answer.status_code == 200
    assert stored(client)[0]["prompt"] == "Hi"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        VALID,
        gzip.compress(VALID)[:-1],
        gzip.compress(VALID)[:20],
        gzip.compress(VALID)[:-8] + bytes(8),
        gzip.compress(VALID) + b"x",
        gzip.compress(VALID) + gzip.compress(VALID),
        gzip.compress(gzip.compress(VALID)),
        gzip.compress(HOSTILE["NUL, escaped"]),
        zlib.compress(VALID),
    ],
    ids=["empty", "plain", "short", "shorter", "wrong sum", "more", "twice", "double", "hostile", "zlib"],
)
def test_a_damaged_gzip_body_is_refused(sqlite_client, raw):
    assert refusal(zipped(sqlite_client, raw)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip", "zstd", "x"])
def test_another_encoding_is_refused(sqlite_client, encoding):
    answer = zipped(sqlite_client, gzip.compress(VALID), encoding=encoding)
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


def a_gigabyte_of_zeros() -> bytes:
    """Made of one zipped megabyte, over and over: a flush in full makes each begin anew."""
    zipper = zlib.compressobj(9, wbits=31)
    block = bytes(2**20)
    first = zipper.compress(block) + zipper.flush(zlib.Z_FULL_FLUSH)
    again = zipper.compress(block) + zipper.flush(zlib.Z_FULL_FLUSH)
    return first + again * 1_023


def test_a_gzip_bomb_is_refused_before_it_goes_off(sqlite_client):
    bomb = a_gigabyte_of_zeros()
    assert len(bomb) < 2 * 2**20
    tracemalloc.start()
    try:
        answer = zipped(sqlite_client, bomb, BATCH)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refusal(answer) == (413, "PAYLOAD_TOO_LARGE")
    assert peak < 32 * 2**20  # the limit of a batch is 10 MiB


# --- sizes ----------------------------------------------------------------------------------


def of_size(size: int) -> bytes:
    return with_prompt('"' + "x" * (size - len(with_prompt('""'))) + '"')


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("beyond", "status"), [(0, 200), (1, 413)])
def test_a_body_may_be_as_large_as_the_limit(make_sandbox, tmp_path, encode, beyond, status):
    client = make_sandbox(database=str(tmp_path / "d.sqlite3"), max_request_bytes=5_000).client
    encoding = "identity" if encode is bytes else "gzip"
    answer = zipped(client, encode(of_size(5_000 + beyond)), encoding=encoding)
    assert answer.status_code == status
    if beyond:
        assert refusal(answer) == (413, "PAYLOAD_TOO_LARGE")
        assert answer.json["error"]["details"] == {"limit_bytes": 5_000}


def test_the_limits_are_1_mib_and_for_a_batch_10(sqlite_client):
    def post(route, raw):
        return sqlite_client.post(route, data=raw, content_type="application/json").status_code

    assert post(INGEST, of_size(2**20)) == 200
    assert post(INGEST, of_size(2**20 + 1)) == 413
    assert post(ROUTES[2], of_size(2**20 + 1)) == 413
    assert post(BATCH, b'{"interactions":[' + of_size(10 * 2**20 - 19) + b"]}") == 200
    assert post(BATCH, b'{"interactions":[' + of_size(10 * 2**20 - 18) + b"]}") == 413


# --- anything at all ------------------------------------------------------------------------

NAMES = """agentId agent_id prompt response metadata toolCalls tool_calls userId sessionId timestamp
    interactions idempotencyKey idempotency_key request text question answer query output json items"""
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answered_well(answer) -> bool:
    return answer.status_code in (200, 400) and (answer.status_code == 200 or "error" in answer.json)


@SOME
@given(route=st.sampled_from(ROUTES), raw=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered(sqlite_client, route, raw):
    answer = sqlite_client.post(route, data=raw, content_type="application/json")
    assert answered_well(answer), answer.json


@SOME
@given(route=st.sampled_from(ROUTES), value=any_json(*NAMES.split()), deep=st.booleans())
def test_any_json_is_answered(client, route, value, deep):
    one = interaction(metadata={"a": value}, other=value) if deep else value
    raw = json.dumps({"interactions": [one, interaction()]} if route == BATCH else one)
    answer = client.post(f"{route}?agentId=bot", data=raw, content_type="application/json")
    assert answered_well(answer), answer.json
    assert client.get("/api/v1/interactions?limit=1").status_code == 200
