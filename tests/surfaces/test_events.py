"""What happened afterwards: events are taken once, join their verdicts, and are told how long they took."""

from __future__ import annotations

import pytest

from tests.parallel import in_threads
from tests.surfaces.guarding import (
    ATTACK,
    EVENTS,
    FINALIZE,
    GUARD,
    HARMLESS,
    ask,
    client_of,
    event,
    fresh,
    prompt,
    refused,
    rows,
    table,
)


def tell(client, event_id=None, **fields):
    """The interaction's id of an event that was taken."""
    answer = client.post(EVENTS, json=event(event_id, **fields))
    assert answer.status_code == 200, answer.json
    return answer.json["interaction_id"]


def finalize(client, event_id, **fields):
    return client.post(FINALIZE, json={"client_event_id": event_id, "sdk_ingest_ms": 42, **fields})


# --- one row


def test_a_verdict_what_happened_and_its_timing_are_one_row(guarded, sandbox):
    event_id = fresh()
    verdict = ask(guarded, client_event_id=event_id)
    sandbox.clock.advance(1_000)
    interaction_id = tell(guarded, event_id, user_id="user-7", latency=840.5, usage={"prompt_tokens": 9})
    assert finalize(guarded, event_id).status_code == 200
    (row,) = rows(sandbox)
    assert row["interactionId"] == interaction_id
    assert row["guard"]["guard_event_id"] == verdict["guard_event_id"]
    assert (row["prompt"], row["response"], row["promptSent"]) == (HARMLESS, "Within thirty days.", None)
    assert (row["guardedAt"], row["ingestedAt"]) == ("2026-01-15T10:30:00.000Z", "2026-01-15T10:30:01.000Z")
    assert row["extra"] == {"model": "gpt-4o", "latency": 840.5, "usage": {"prompt_tokens": 9}}
    assert (row["userId"], row["sdkIngestMs"], row["analyzedAt"]) == ("user-7", 42, None)


def test_a_verdict_that_comes_after_its_event_joins_it(guarded, sandbox):
    event_id = fresh()
    interaction_id = tell(guarded, event_id)
    verdict = ask(guarded, client_event_id=event_id)
    (row,) = rows(sandbox)
    assert (row["interactionId"], row["response"]) == (interaction_id, "Within thirty days.")
    assert row["guard"]["guard_event_id"] == verdict["guard_event_id"]
    assert ask(guarded, client_event_id=event_id)["guard_event_id"] == verdict["guard_event_id"]


def test_an_event_without_a_verdict_is_a_row_of_its_own(guarded, sandbox):
    tell(guarded)
    (row,) = rows(sandbox)
    assert (row["guard"], row["action"], row["guardedAt"]) == (None, None, None)


@pytest.mark.parametrize("first", ["guard", "event"])
def test_what_was_sent_on_is_kept_where_it_is_not_what_was_asked_about(guarded, sandbox, first):
    event_id = fresh()
    steps = [
        lambda: ask(guarded, "Write to a@example.org", client_event_id=event_id),
        lambda: tell(guarded, event_id, input="Write to <EMAIL_1>"),
    ]
    for step in steps if first == "guard" else reversed(steps):
        step()
    (row,) = rows(sandbox)
    assert (row["prompt"], row["promptSent"]) == ("Write to a@example.org", "Write to <EMAIL_1>")


def test_an_event_names_its_verdict_by_its_id_alone(guarded, sandbox):
    """A report about the check itself carries the verdict's other id, and must not take the event's row."""
    event_id = fresh()
    verdict = ask(guarded, client_event_id=event_id)
    about = {
        "guard_event_id": verdict["guard_event_id"],
        "preflight_for_client_event_id": event_id,
        "event_category": "guard",
    }
    tell(guarded, metadata=about)
    tell(guarded, event_id)
    assert len(rows(sandbox)) == 2
    (row,) = rows(sandbox, eventId=event_id)
    assert row["response"] == "Within thirty days."


# --- once


def test_an_event_is_taken_once(guarded, sandbox):
    event_id = fresh()
    tell(guarded, event_id)
    again = guarded.post(EVENTS, json=event(event_id, output="Another"))
    assert again.status_code == 409
    assert again.json == {"error": "DUPLICATE_EVENT_ID", "reason": "replay_detected", "event_id": event_id}
    assert [row["response"] for row in rows(sandbox)] == ["Within thirty days."]


def test_an_event_is_the_same_in_any_form_of_its_id(guarded):
    event_id = fresh()
    tell(guarded, event_id.upper())
    again = guarded.post(EVENTS, json=event(event_id))
    assert (again.status_code, again.json["event_id"]) == (409, event_id)


def test_of_many_tellers_at_once_exactly_one_is_taken(sandbox):
    event_id = fresh()

    def send(number):
        return client_of(sandbox).post(EVENTS, json=event(event_id, output=str(number))).status_code

    assert sorted(in_threads(20, send)) == [200] + [409] * 19
    assert len(rows(sandbox)) == 1


def test_of_many_verdicts_at_once_on_one_question_there_is_one(sandbox):
    event_id = fresh()

    def send(_):
        body = prompt(ATTACK, client_event_id=event_id)
        return client_of(sandbox).post(GUARD, json=body).json["guard_event_id"]

    assert len(set(in_threads(20, send))) == 1
    assert len(rows(sandbox)) == 1
    assert len(table(sandbox, "impact_events")) == 1


def test_verdicts_and_events_at_once_meet_in_their_rows(sandbox):
    ids = [fresh() for _ in range(10)]

    def send(number):
        event_id = ids[number // 2]
        path, body = (GUARD, prompt(client_event_id=event_id)) if number % 2 else (EVENTS, event(event_id))
        return client_of(sandbox).post(path, json=body).status_code

    assert in_threads(20, send) == [200] * 20
    found = rows(sandbox)
    assert {row["eventId"] for row in found} == set(ids)
    assert len(found) == 10
    assert all(row["guard"] and row["response"] for row in found)


# --- the timing


def test_a_timing_is_taken_once_and_repeated_in_peace(guarded, sandbox):
    event_id = fresh()
    tell(guarded, event_id)
    answers = [finalize(guarded, event_id, sdk_ingest_ms=ms) for ms in (42, 42, 7)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json == answers[2].json == {"status": "success", "client_event_id": event_id}
    assert rows(sandbox)[0]["sdkIngestMs"] == 42


def test_a_timing_of_nothing_is_not_found(guarded):
    assert refused(finalize(guarded, fresh())) == (404, "Not found")


def test_a_timing_reaches_no_other_systems_event(sandbox):
    from precog.core import policies

    other = policies.create_system(sandbox.services, sandbox.organization_id, "other")
    client, event_id = client_of(sandbox, sandbox.key()), fresh()
    tell(client, event_id, system_id=other.id)
    answer = finalize(client, event_id, system_id=sandbox.first.system.id)
    assert refused(answer) == (404, "Not found")
    assert finalize(client, event_id, system_id=other.id).status_code == 200


@pytest.mark.parametrize("ms", [0, 0.25, 1e12, None])
def test_a_timing_is_any_number_of_milliseconds(guarded, sandbox, ms):
    event_id = fresh()
    tell(guarded, event_id)
    assert finalize(guarded, event_id, sdk_ingest_ms=ms).status_code == 200
    assert rows(sandbox)[0]["sdkIngestMs"] == ms


@pytest.mark.parametrize("ms", [-1, 1e13, "42", True, [42]])
def test_what_is_no_timing_is_refused(guarded, ms):
    assert refused(finalize(guarded, fresh(), sdk_ingest_ms=ms)) == (400, "Invalid payload")


# --- what may stand in an event


def test_nulls_empty_texts_and_unknown_fields_are_taken(guarded, sandbox):
    names = ("system_id", "model", "user_id", "timestamp", "usage", "tokens", "latency", "event_type")
    tell(guarded, input="", output="", **dict.fromkeys((*names[1:], "severity", "metadata")))
    tell(guarded, user_id="", metadata={"a": None, "deep": {"b": [1, None]}}, novelty=[{"c": "d"}])
    newest, oldest = rows(sandbox)
    assert (oldest["extra"], oldest["metadata"]) == ({}, {})
    assert newest["metadata"] == {"a": None, "deep": {"b": [1, None]}}
    assert newest["extra"] == {"model": "gpt-4o", "novelty": [{"c": "d"}]}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-15T10:29:59.123456Z", "2026-01-15T10:29:59.123Z"),
        ("2026-01-15T12:29:59+02:00", "2026-01-15T10:29:59.000Z"),
        ("1999-12-31T23:59:59Z", "1999-12-31T23:59:59.000Z"),
    ],
)
def test_the_senders_time_stands_beside_ours(guarded, sandbox, written, read):
    tell(guarded, timestamp=written)
    (row,) = rows(sandbox)
    assert (row["timestamp"], row["receivedAt"]) == (read, "2026-01-15T10:30:00.000Z")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", None),
        ("event_id", "event-7"),
        ("event_id", 7),
        ("input", None),
        ("input", ["a"]),
        ("output", None),
        ("output", {}),
        ("timestamp", "yesterday"),
        ("timestamp", 1_768_473_000),
        ("metadata", []),
        ("usage", 12),
        ("tokens", "many"),
        ("latency", -1),
        ("latency", "840"),
        ("model", 7),
        ("model", "x" * 513),
        ("user_id", {}),
        ("severity", False),
    ],
)
def test_a_wrong_field_is_named(sqlite_sandbox, field, value):
    answer = client_of(sqlite_sandbox).post(EVENTS, json={**event(), field: value})
    assert refused(answer) == (400, "Invalid payload")
    assert answer.json["details"]["field"] == field


# --- operations


def test_the_steps_of_a_run_are_events_found_together(guarded, sandbox):
    ask(guarded, metadata={"workflow_run_id": "run-1"})
    for category in ("tool", "delivery", "workflow"):
        tell(guarded, metadata={"workflow_run_id": "run-1", "event_category": category}, output="")
    tell(guarded, metadata={"workflowRunId": "run-2", "eventCategory": "inbox"})
    found = sandbox.client.get("/api/v1/interactions?workflowRunId=run-1").json["interactions"]
    assert [row["eventCategory"] for row in found] == ["workflow", "delivery", "tool", None]
    (other,) = sandbox.client.get("/api/v1/interactions?workflowRunId=run-2").json["interactions"]
    assert other["eventCategory"] == "inbox"


@pytest.mark.parametrize("odd", [7, None, "", "  ", ["run"], "x" * 513])
def test_a_run_that_is_no_name_is_none(guarded, sandbox, odd):
    tell(guarded, metadata={"workflow_run_id": odd, "event_category": odd})
    (row,) = rows(sandbox)
    assert (row["workflowRunId"], row["eventCategory"]) == (None, None)
    assert row["metadata"]["workflow_run_id"] == odd


def test_the_list_is_filtered_by_system_event_run_and_action(guarded, sandbox):
    blocked, told = fresh(), fresh()
    ask(guarded, ATTACK, client_event_id=blocked, metadata={"workflow_run_id": "run-1"})
    ask(guarded, client_event_id=told)
    tell(guarded, told)
    sandbox.client.post("/api/v1/telemetry/ingest", json={"agentId": "a", "prompt": "", "response": ""})

    def ids(query):
        found = sandbox.client.get(f"/api/v1/interactions?{query}").json["interactions"]
        return [row["eventId"] for row in found]

    system = sandbox.first.system.id
    assert ids("") == [None, told, blocked]
    assert ids(f"systemId={system}") == [told, blocked]
    assert ids("systemId=sys-0") == []
    assert ids(f"eventId={told}") == [told]
    assert ids("action=block") == [blocked]
    assert ids("action=allow") == [told]
    assert ids(f"systemId={system}&action=block&workflowRunId=run-1") == [blocked]
