"""`precog serve`: what it prints, what it logs, and how it goes."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .live import Server, free_port, precog, precog_json, running, select_for, serving

INGEST = "/api/v1/telemetry/ingest"
BODY = b'{"agentId":"slow","prompt":"asked slowly","response":"answered"}'
KEY = re.compile(r"\b(?:px_live|sk_live|aa)_[0-9A-Za-z]{36}\b")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An instance and its first key."""
    instance = tmp_path_factory.mktemp("serve") / "instance"
    return instance, precog_json("init", instance=instance)["keys"]["precogx"]


@pytest.fixture(scope="module")
def server(made: tuple[Path, str]) -> Iterator[Server]:
    with serving(made[0]) as running:
        yield running


def lines(server: Server, **facts: Any) -> list[dict[str, Any]]:
    """The log's lines about requests of which these facts hold; the server writes them a little later."""
    for _ in range(250):
        text = server.log.read_text().splitlines()
        told = [json.loads(line) for line in text if line.startswith('{"time"') and '"route"' in line]
        if found := [line for line in told if line.items() >= facts.items()]:
            return found
        select_for(0.02)
    return []


def stored(instance: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(instance / "precog.sqlite3")) as db:
        return [prompt for (prompt,) in db.execute("SELECT prompt FROM interactions")]


# --- the first start and the next ones


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_an_empty_instance_prints_its_keys_once_and_a_curl_line_that_works(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        printed, _, rest = server.log.read_text().partition("  curl")
        (organization,) = precog_json("org", "list", instance=tmp_path)["organizations"]
        assert organization["id"] in printed
        shown = KEY.findall(printed)
        assert sorted(key[:-32] for key in shown) == sorted(kept_keys(tmp_path))

        command = "curl" + rest.partition("\n\n")[0]
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30)

        assert json.loads(done.stdout)["status"] == "success"
        assert [line["status"] for line in lines(server, route=INGEST)] == [200]
        assert stored(tmp_path) == ["Hello"]


def kept_keys(instance: Path) -> dict[str, str]:
    """What is kept of each key in the clear, and its id."""
    (organization,) = precog_json("org", "list", instance=instance)["organizations"]
    keys = precog_json("keys", "list", "--org", organization["id"], instance=instance)["keys"]
    return {key["display"]: key["id"] for key in keys}


def test_a_later_start_prints_no_secret(made: tuple[Path, str], server: Server) -> None:
    printed = server.log.read_text().splitlines()[0]
    assert printed == f"Precog listens on {server.url}, documentation at {server.url}/docs"
    assert not KEY.search(server.log.read_text())


@pytest.mark.parametrize("empty", [True, False])
def test_json_says_where_it_listens_and_what_was_made(empty: bool, tmp_path: Path) -> None:
    if not empty:
        precog("init", instance=tmp_path)
    with serving(tmp_path, arguments=("--json",)) as server:
        said = json.loads(server.log.read_text().splitlines()[0])
        assert said["url"] == server.url
        if not empty:
            assert said["created"] is None
            return
        assert said["created"].keys() == {"organization", "system", "keys"}
        key = said["created"]["keys"]["precogx"]
        assert server.request("GET", "/api/v1/usage", key=key)[0] == 200


# --- refusals


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_open_address_is_refused_while_there_is_no_key(host: str, tmp_path: Path) -> None:
    done = precog("serve", "--host", host, "--port", str(free_port()), instance=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: There is no API key yet, so {host} would be open to all: run precog init first.\n"
    )
    assert precog_json("org", "list", instance=tmp_path)["organizations"] == []


def test_an_open_address_is_served_once_there_is_a_key(made: tuple[Path, str]) -> None:
    with serving(made[0], arguments=("--host", "0.0.0.0")) as server:
        assert server.request("GET", "/readyz")[0] == 200
        assert warned_of_the_issuer(server)


def test_an_open_address_with_an_issuer_and_a_closed_one_without_are_no_cause_to_warn(tmp_path: Path) -> None:
    precog_json("init", instance=tmp_path)
    with serving(tmp_path) as server:
        assert not warned_of_the_issuer(server)
    (tmp_path / "config.py").write_text('ISSUER = "https://precog.example.com"\n')
    with serving(tmp_path, arguments=("--host", "0.0.0.0")) as server:
        assert not warned_of_the_issuer(server)


def warned_of_the_issuer(server: Server) -> bool:
    """Whether the log says so, which is written in order: a request's line comes later."""
    assert lines(server, route="/healthz")
    return "PRECOG_ISSUER is not set" in server.log.read_text()


def test_a_port_in_use_is_a_sentence_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = precog("serve", "--port", str(port), instance=tmp_path / "instance")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: 127.0.0.1:{port} cannot be listened on: Address already in use.\n"
    assert not (tmp_path / "instance").exists()


# --- HTTP


def test_a_connection_serves_many_requests(made: tuple[Path, str], server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        connection.connect()
        first = connection.sock
        headers = {"x-api-key": made[1], "Content-Type": "application/json"}
        for body in (BODY, b"not json", BODY):
            connection.request("POST", INGEST, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == (200 if body == BODY else 400)
        assert connection.sock is first


def test_a_chunked_body_is_read_whole(made: tuple[Path, str], server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        headers = {"x-api-key": made[1], "Content-Type": "application/json"}
        pieces = (BODY[at : at + 7] for at in range(0, len(BODY), 7))
        connection.request("POST", INGEST, pieces, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["agentId"]) == (200, "slow")


# --- the log


def test_each_request_is_one_line_of_json_without_its_content(made: tuple[Path, str], server: Server) -> None:
    instance, key = made
    body = {"agentId": "discreet-agent", "prompt": "confided", "response": "whispered"}
    asked = {"X-Request-Id": "seen-by-the-log"}
    status, headers, _ = server.request("POST", INGEST, key=key, body=body, headers=asked)
    assert (status, headers["x-request-id"]) == (200, "seen-by-the-log")
    server.request("GET", "/api/v1/agents/discreet-agent?hidden=1", key=key)

    (line,) = lines(server, request_id="seen-by-the-log")
    (organization,) = precog_json("org", "list", instance=instance)["organizations"]
    assert (line["method"], line["route"], line["status"]) == ("POST", INGEST, 200)
    assert line["duration_ms"] > 0
    assert (line["organization"], line["key"]) == (organization["id"], kept_keys(instance)[key[:-32]])
    log = server.log.read_text()
    for secret in (key, "discreet-agent", "confided", "whispered", "hidden"):
        assert secret not in log


def test_a_request_without_a_key_is_logged_as_nobodys(server: Server) -> None:
    server.request("GET", "/api/v1/nowhere", headers={"X-Request-Id": "a-stranger"})
    (line,) = lines(server, request_id="a-stranger")
    assert (line["status"], line["route"], line["organization"], line["key"]) == (404, None, None, None)


def test_a_server_says_where_its_threads_are_when_it_is_asked(tmp_path: Path) -> None:
    precog_json("init", instance=tmp_path)
    with serving(tmp_path) as server:
        assert "most recent call first" in server.where_it_is()
        assert server.request("GET", "/healthz")[0] == 200


# --- the end


def half_a_request(server: Server, key: str) -> socket.socket:
    """A request of which the last bytes are still to come."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = f"POST {INGEST} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nx-api-key: {key}\r\n"
    connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:9])
    return connection


def wait_until_closed(server: Server) -> None:
    """Poll until nobody listens: a closing socket tells nobody."""
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        except OSError:
            return
        select_for(0.02)
    raise AssertionError("the server goes on listening")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_go_says_so_and_finishes_what_it_began(
    how: signal.Signals, tmp_path: Path
) -> None:
    key = precog_json("init", instance=tmp_path)["keys"]["precogx"]
    with serving(tmp_path) as server, half_a_request(server, key) as connection:
        assert server.request("GET", "/readyz")[0] == 200
        server.process.send_signal(how)
        while (answer := server.request("GET", "/readyz"))[0] == 200:
            pass
        assert (answer[0], answer[2]) == (503, {"status": "draining"})
        assert server.request("GET", "/healthz")[0] == 200
        wait_until_closed(server)
        assert server.process.poll() is None

        connection.sendall(BODY[9:])

        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(timeout=10) == 0
    assert stored(tmp_path) == ["asked slowly"]


IMPATIENT = """
import sys
from precog import create_app, logs, serving
logs.log_as_json("info")
app = create_app({"instance": sys.argv[1]})
serving.serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=2, grace_s=0, patience_s=0.2)
"""


def test_a_sender_that_stalls_does_not_keep_the_server_from_going(tmp_path: Path) -> None:
    key = precog_json("init", instance=tmp_path)["keys"]["precogx"]
    port = free_port()
    command = [sys.executable, "-c", IMPATIENT, str(tmp_path), str(port)]
    with (
        running(command, port=port, log=tmp_path / "log") as server,
        half_a_request(server, key) as connection,
    ):
        assert server.stop() == 0
        assert connection.recv(65536) == b""
    assert "stopped with requests unfinished" in server.log.read_text()
    assert stored(tmp_path) == []
