"""The short way answers as the long way does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from precog.surfaces.shortcut import Shortcut, Shortcuts
from precog.surfaces.telemetry import SHORTCUTS

from ..conftest import Sandbox
from .agents_with_keys import agent, tokens

INGEST = "/api/v1/telemetry/ingest"
GOOD = {"agentId": "bot", "prompt": "p", "response": "r", "metadata": {"platform": "custom"}, "odd": [1]}


def ask(app: Callable[..., Any], body: bytes, **environ: str) -> tuple[str, dict[str, str], Any]:
    """Status, headers and parsed body of a POST straight to the WSGI application."""
    told: list[Any] = []
    sent = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": INGEST,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        **environ,
    }
    parts = app(sent, lambda status, headers, exc_info=None: told.append((status, headers)))
    content = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    ((status, headers),) = told
    return status, dict(headers), json.loads(content or b"null")


class Both:
    """One application, asked by both ways."""

    def __init__(self, sandbox: Sandbox, shortcuts: Iterable[Shortcut] = SHORTCUTS) -> None:
        self.sandbox = sandbox
        self.key = sandbox.first.keys["precogx"].secret
        self.flask_saw = 0
        self.short = Shortcuts(self._long, sandbox.services, shortcuts, limit_bytes=1024 * 1024)

    def _long(self, environ: Any, start_response: Any) -> Any:
        self.flask_saw += 1
        return self.sandbox.app.wsgi_app(environ, start_response)

    def ask(self, body: bytes, **environ: str) -> list[tuple[str, dict[str, str], Any]]:
        environ = {"HTTP_X_API_KEY": self.key, "HTTP_X_REQUEST_ID": "same", **environ}
        return [ask(self.sandbox.app.wsgi_app, body, **environ), ask(self.short, body, **environ)]


@pytest.fixture
def both(sandbox: Sandbox) -> Both:
    return Both(sandbox)


def without_ids(answer: tuple[str, dict[str, str], Any]) -> tuple[str, dict[str, str], Any]:
    status, headers, body = answer
    body = {name: value for name, value in body.items() if name != "interactionId"}
    return status, {**headers, "RateLimit-Remaining": "n"}, body


def test_an_ordinary_request_is_answered_alike_without_flask(both: Both) -> None:
    long, short = both.ask(json.dumps(GOOD).encode())
    assert without_ids(short) == without_ids(long)
    assert short[0].startswith("200")
    assert both.flask_saw == 0


def test_both_ways_store_the_same(both: Both) -> None:
    kept = [
        both.sandbox.client.get(f"/api/v1/interactions/{body['interactionId']}").json
        for _, _, body in both.ask(json.dumps(GOOD).encode())
    ]
    for one in kept:
        one.pop("interactionId")
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("body", "environ"),
    [
        (b"{}", {}),
        (b"[]", {}),
        (b"{", {}),
        (b'{"agentId":"bot","agent_id":"other","prompt":"","response":""}', {}),
        (json.dumps(GOOD).encode(), {"HTTP_X_API_KEY": "px_live_nobody"}),
        (json.dumps(GOOD).encode(), {"CONTENT_TYPE": "text/plain"}),
        (json.dumps(GOOD).encode(), {"CONTENT_TYPE": "application/json; charset=utf-8"}),
        (json.dumps(GOOD).encode(), {"HTTP_CONTENT_ENCODING": "gzip"}),
        (json.dumps(GOOD).encode(), {"HTTP_IDEMPOTENCY_KEY": '""'}),
        (json.dumps(GOOD).encode(), {"CONTENT_LENGTH": ""}),
        (json.dumps(GOOD).encode(), {"CONTENT_LENGTH": "10"}),
        (json.dumps(GOOD).encode(), {"CONTENT_LENGTH": "9999999"}),
        (json.dumps(GOOD).encode(), {"CONTENT_LENGTH": "many"}),
        (json.dumps(GOOD).encode(), {"REQUEST_METHOD": "GET"}),
    ],
)
def test_whatever_is_not_ordinary_gets_the_long_ways_answer(
    both: Both, body: bytes, environ: dict[str, str]
) -> None:
    long, short = both.ask(body, **environ)
    assert without_ids(short) == without_ids(long)
    assert both.flask_saw == 1


def test_a_replay_is_told_as_such(both: Both) -> None:
    long, short = both.ask(json.dumps(GOOD).encode(), HTTP_IDEMPOTENCY_KEY="once")
    assert "Idempotent-Replayed" not in long[1]
    assert short[1]["Idempotent-Replayed"] == "true"
    assert short[2] == long[2]


def test_what_core_refuses_is_refused_once_and_in_the_surfaces_form(both: Both) -> None:
    both.sandbox.set_plan("FREE")
    first, second = (
        both.ask(json.dumps(GOOD).encode()),
        both.ask(json.dumps({**GOOD, "agentId": "b"}).encode()),
    )
    assert [status[:3] for status, _, _ in first + second] == ["200", "200", "403", "403"]
    assert without_ids(second[0]) == without_ids(second[1])
    remaining = [int(headers["RateLimit-Remaining"]) for _, headers, _ in first + second]
    assert remaining == [199, 198, 197, 196]


def test_an_agents_token_beside_a_key_goes_the_long_way(both: Both) -> None:
    made = agent(both.sandbox.client)
    token = tokens(both.sandbox.client, made)["access_token"]
    for body in (GOOD, {**GOOD, "agentId": made["id"]}):
        long, short = both.ask(json.dumps(body).encode(), HTTP_AUTHORIZATION=f"Bearer {token}")
        assert without_ids(short) == without_ids(long)
        assert short[0].startswith("403" if body is GOOD else "200")
    assert both.flask_saw == 2
