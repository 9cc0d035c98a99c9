"""What no client library sends, to a real server: bodies whose length is absent or a lie."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest

from tests.live import Server, precog_json, serving
from tests.surfaces.calls import INGEST, interaction

VALID = json.dumps(interaction()).encode()
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[tuple[Server, str]]:
    instance = tmp_path_factory.mktemp("hostile")
    key = precog_json("init", instance=instance)["keys"]["precogx"]
    with serving(instance) as server:
        yield server, key


def exchange(
    live: tuple[Server, str], lines: list[str], body: bytes, *, hang_up: bool = False
) -> tuple[int, bytes]:
    """Send exactly this, and return the status and all that came back; 0 when nothing did."""
    server, key = live
    head = [f"POST {INGEST} HTTP/1.1", "Host: x", "Connection: close", f"x-api-key: {key}", *lines, "", ""]
    address = server.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=20) as connection:
        connection.sendall("\r\n".join(head).encode() + body)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return int(answer.split(b" ", 2)[1]) if answer else 0, answer


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


@pytest.mark.parametrize(
    ("lines", "body", "status", "code"),
    [
        ([JSON], b"", 400, b"INVALID_REQUEST"),
        ([JSON], VALID, 400, b"INVALID_REQUEST"),
        ([JSON, f"Content-Length: {len(VALID)}"], VALID, 200, b"success"),
        ([JSON, f"Content-Length: {len(VALID) - 1}"], VALID, 400, b"INVALID_REQUEST"),
        ([JSON, "Content-Length: 9999999999"], VALID, 413, b"PAYLOAD_TOO_LARGE"),
        ([JSON, "Content-Length: -1"], VALID, 400, b""),
        ([JSON, "Content-Length: ten"], VALID, 400, b""),
        ([JSON, "Content-Length: 10", "Content-Length: 20"], VALID, 400, b""),
        ([JSON, CHUNKED], chunks(VALID[:9], VALID[9:]), 200, b"success"),
        ([JSON, CHUNKED], chunks(VALID[:9]), 400, b"INVALID_REQUEST"),
        ([JSON, CHUNKED], chunks(*[b" " * 65_536] * 17), 413, b"PAYLOAD_TOO_LARGE"),
        ([JSON, CHUNKED, "Content-Encoding: gzip"], chunks(gzip.compress(VALID, mtime=0)), 200, b"success"),
        ([JSON, CHUNKED], b"zz\r\n" + VALID, 400, b""),
    ],
)
def test_a_length_that_is_absent_or_wrong_is_refused_or_does_no_harm(live, lines, body, status, code):
    found, answer = exchange(live, lines, body)
    assert found == status, answer
    assert code in answer


@pytest.mark.parametrize(
    ("lines", "body"),
    [([JSON, f"Content-Length: {len(VALID) + 9}"], VALID), ([JSON, CHUNKED], chunks(VALID[:-1])[:-5])],
    ids=["length", "chunks"],
)
def test_a_body_that_was_cut_off_is_not_stored(live, lines, body):
    server, key = live
    found, answer = exchange(live, lines, body.replace(b"Hi", b"Hj"), hang_up=True)
    assert found in (0, 400), answer
    kept = server.request("GET", "/api/v1/interactions?limit=200", key=key)[2]["interactions"]
    assert not [one for one in kept if one["prompt"] == "Hj"]
