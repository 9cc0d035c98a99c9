"""The flow that is printed for those who have no client of their own: guard, model, ingest, finalize."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from .guarded import ATTACK, HARMLESS, MASKED, WITH_ADDRESS, Guarded, ingest_ms


class Blocked(Exception):
    """The guard said no."""


def flow(live: Guarded, prompt: str, headers: dict[str, str]) -> dict[str, Any]:
    """One model call, as it is printed."""
    common = {"system_id": live.system_id, "user_id": live.user_id}
    event_id = str(uuid.uuid4())
    payload = {**common, "input": prompt, "client_event_id": event_id}
    guard = requests.post(f"{live.base_url}/guard", json=payload, headers=headers, timeout=30).json()
    if not guard["allowed"]:
        raise Blocked(guard["reason"])
    sent = guard.get("transformed_input", prompt)
    report = {
        **common,
        "event_id": event_id,
        "input": sent,
        "output": f"You said: {sent}",
        "model": "echo-1",
        "metadata": {"client_event_id": event_id, "guard_event_id": guard["guard_event_id"]},
    }
    told = requests.post(f"{live.base_url}/ingest", json=report, headers=headers, timeout=30)
    end = {"client_event_id": event_id, "system_id": live.system_id, "sdk_ingest_ms": 42}
    ended = [
        requests.post(f"{live.base_url}/ingest/finalize", json=end, headers=headers, timeout=30)
        for _ in range(2)  # it is safe to retry
    ]
    again = requests.post(f"{live.base_url}/ingest", json=report, headers=headers, timeout=30)
    assert told.ok, told.text
    assert [one.status_code for one in ended] == [200, 200]
    assert again.status_code == 409
    assert again.json() == {
        "error": "DUPLICATE_EVENT_ID",
        "reason": "replay_detected",
        "event_id": event_id,
    }
    return dict(guard)


def transports(live: Guarded) -> list[dict[str, str]]:
    return [{"x-agentid-api-key": live.key}, {"Authorization": f"Bearer {live.key}"}]


@pytest.mark.parametrize("transport", [0, 1])
def test_the_printed_flow_leaves_one_complete_row(live: Guarded, transport: int) -> None:
    guard = flow(live, HARMLESS, transports(live)[transport])

    (row,) = live.rows()
    assert (row["prompt"], row["response"], ingest_ms(row)) == (HARMLESS, f"You said: {HARMLESS}", 42)
    assert row["guard"]["guard_event_id"] == guard["guard_event_id"]


def test_the_printed_flow_ends_where_a_prompt_is_blocked(live: Guarded) -> None:
    with pytest.raises(Blocked, match="prompt_injection"):
        flow(live, ATTACK, transports(live)[0])
    (row,) = live.rows()
    assert (row["prompt"], row["guard"]["action"], ingest_ms(row)) == (ATTACK, "block", None)


def test_the_printed_flow_sends_on_what_was_masked(live: Guarded) -> None:
    live.set_policy(masking=True)
    flow(live, WITH_ADDRESS, transports(live)[0])
    (row,) = live.rows()
    assert row["response"] == f"You said: {MASKED}"


def test_an_event_that_nobody_told_of_cannot_be_ended(live: Guarded) -> None:
    end = {"client_event_id": str(uuid.uuid4()), "system_id": live.system_id, "sdk_ingest_ms": 1}
    status, _, answer = live.post("ingest/finalize", end)
    assert (status, answer) == (404, {"error": "Not found"})


def test_the_configuration_is_real_booleans(live: Guarded) -> None:
    headers = {"x-agentid-api-key": live.key}
    status, _, config = live.server.request("GET", "/api/v1/agent/config", headers=headers)
    assert status == 200
    flags = {name: value for name, value in config.items() if name.startswith("block_")}
    assert {
        "block_pii_leakage",
        "block_db_access",
        "block_code_execution",
        "block_toxicity",
        "block_on_heuristic",
    } <= flags.keys()
    assert {type(value) for value in flags.values()} == {bool}
    assert config["failure_mode"] == "fail_open"


@pytest.mark.parametrize(
    ("body", "reason"),
    [([], "invalid_payload"), ({}, "invalid_payload"), ({"input": "x" * 262_145}, "payload_too_large")],
)
def test_each_refusal_of_the_guard_says_that_nothing_is_allowed(
    live: Guarded, body: Any, reason: str
) -> None:
    if body:
        body["system_id"] = live.system_id
    _, _, answer = live.post("guard", body)
    assert (answer["allowed"], answer["reason"]) == (False, reason)


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("DELETE", 405)])
def test_a_wrong_method_is_no_verdict_to_pass(live: Guarded, method: str, status: int) -> None:
    headers = {"x-agentid-api-key": live.key}
    said, _, answer = live.server.request(method, "/api/v1/guard", headers=headers)
    assert (said, answer["allowed"]) == (status, False)
