"""The short way to a verdict, which must not differ from the long one but in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from precog.core import lifecycle
from precog.errors import StorageUnavailable
from precog.surfaces.guard import SHORTCUTS
from tests.conftest import Sandbox
from tests.surfaces.guarding import (
    ATTACK,
    GUARD,
    HARMLESS,
    QUOTA,
    WITH_ADDRESS,
    fresh,
    prompt,
    rows,
    set_policy,
    table,
)
from tests.surfaces.test_hostile_bodies import HOSTILE
from tests.surfaces.test_shortcut import Both

Answered = tuple[str, dict[str, str], Any]


class BothToGuard(Both):
    """The guard, asked by both ways."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, SHORTCUTS)
        self.key = sandbox.first.keys["agentid"].secret

    def ask(self, body: bytes, **environ: str) -> list[Answered]:
        sent = {
            "PATH_INFO": GUARD,
            "HTTP_X_AGENTID_API_KEY": self.key,
            "HTTP_X_API_KEY": "",
            "HTTP_X_CORRELATION_ID": "same",
            "HTTP_X_REQUEST_ID": "same",
        }
        return super().ask(body, **{**sent, **environ})

    def judge(self, text: str, **fields: Any) -> list[Answered]:
        return self.ask(json.dumps(prompt(text, **fields)).encode())


@pytest.fixture
def both(sandbox: Sandbox) -> BothToGuard:
    return BothToGuard(sandbox)


PASSING = ("guard_event_id", "client_event_id", "processing_time_ms")


def lasting(answer: Answered) -> Answered:
    """The answer without what is another one each time."""
    status, headers, body = answer
    body = {name: value for name, value in body.items() if name not in PASSING}
    headers = {name: value for name, value in headers.items() if name not in (QUOTA[1], "Content-Length")}
    return status, headers, body


@pytest.mark.parametrize(
    ("text", "status"),
    [(HARMLESS, "200"), (ATTACK, "403"), (WITH_ADDRESS, "200"), ("", "200"), ("é😀", "200")],
)
@pytest.mark.parametrize(
    "policy",
    [{}, {"masking": True}, {"shadow_mode": True}, {"inject_transparency_metadata": True}],
    ids=lambda policy: next(iter(policy), "default"),
)
def test_a_verdict_is_the_same_by_both_ways(both, text, status, policy):
    if policy:
        set_policy(both.sandbox, **policy)
    long, short = both.judge(text)
    assert lasting(short) == lasting(long)
    assert short[0].startswith("200" if "shadow_mode" in policy else status)
    assert short[2].keys() == long[2].keys()
    assert both.flask_saw == 0
    assert int(short[1][QUOTA[1]]) == int(long[1][QUOTA[1]]) - 1


def test_both_ways_store_the_same(both):
    both.judge(ATTACK, user_id="user-7", model="gpt-4o", metadata={"workflow_run_id": "run-1", "a": [1.5]})
    kept = rows(both.sandbox)
    assert len(kept) == 2
    for one in kept:
        one.pop("interactionId")
        one.pop("eventId")
        for name in ("guard_event_id", "client_event_id", "processing_ms"):
            one["guard"].pop(name)
    assert kept[0] == kept[1]
    assert len(table(both.sandbox, "impact_events")) == 2


def test_a_question_asked_again_by_the_other_way_is_the_same_one(both):
    long, short = both.judge(ATTACK, client_event_id=fresh())
    assert long[2]["guard_event_id"] == short[2]["guard_event_id"]
    assert len(rows(both.sandbox)) == 1


@pytest.mark.parametrize(
    ("body", "environ"),
    [
        (prompt(7), {}),
        ({}, {}),
        (prompt(client_event_id="event-7"), {}),
        (prompt(system_id="sys-0"), {}),
        (prompt(expected_languages="en"), {}),
        (prompt("x" * 262_145), {}),
        (prompt(), {"HTTP_X_AGENTID_API_KEY": "sk_live_nobody"}),
        (prompt(), {"HTTP_X_AGENTID_API_KEY": ""}),
        (prompt(), {"CONTENT_TYPE": "text/plain"}),
        (prompt(), {"CONTENT_TYPE": "application/json; charset=utf-8"}),
        (prompt(), {"CONTENT_LENGTH": "5"}),
        (prompt(), {"CONTENT_LENGTH": "9999999"}),
        (prompt(), {"REQUEST_METHOD": "GET"}),
        (prompt(), {"PATH_INFO": f"{GUARD}/"}),
    ],
    ids=str,
)
def test_whatever_is_not_ordinary_gets_the_long_ways_answer(both, body, environ):
    long, short = both.ask(json.dumps(body).encode(), **environ)
    assert lasting(short) == lasting(long)
    assert both.flask_saw == 1


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_gets_the_long_ways_answer(sqlite_sandbox, raw):
    long, short = BothToGuard(sqlite_sandbox).ask(raw)
    assert lasting(short) == lasting(long)
    assert (short[0][:3], short[2]["reason"]) == ("400", "invalid_payload")


def test_a_refusal_is_made_once_and_in_the_guards_form(both, monkeypatch):
    set_policy(both.sandbox, rate_limits={"per_second": 1})
    answers = both.judge(HARMLESS) + both.judge(HARMLESS)
    assert [status[:3] for status, _, _ in answers] == ["200", "200", "429", "429"]
    assert lasting(answers[2]) == lasting(answers[3])
    assert answers[3][2] == {"allowed": False, "reason": "rate_limit_exceeded"}
    assert answers[3][1]["Retry-After"] == "1"
    judged: list[str] = []
    monkeypatch.setattr(lifecycle, "guard", lambda *args: judged.append("once") or 1 / 0)
    assert [status[:3] for status, _, _ in both.judge(HARMLESS)[1:]] == ["500"]
    assert judged == ["once"] * 2  # one a way


def test_without_storage_the_answer_is_the_policys_by_both_ways(both, monkeypatch):
    both.judge(HARMLESS)

    def away(*args, **kwargs):
        raise StorageUnavailable()

    monkeypatch.setattr(type(both.sandbox.services.db), "write_patiently", away)
    opened = both.judge(ATTACK)
    assert [(answer[0][:3], answer[2]["degraded"]) for answer in opened] == [("403", ["storage"])] * 2
    monkeypatch.undo()
    set_policy(both.sandbox, failure_mode="fail_close")
    both.judge(HARMLESS)
    monkeypatch.setattr(type(both.sandbox.services.db), "write_patiently", away)
    long, short = both.judge(HARMLESS)
    assert lasting(short) == lasting(long)
    assert (short[0][:3], short[2]["reason"]) == ("503", "system_failure_db_unavailable")
