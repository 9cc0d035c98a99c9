"""One interaction over HTTP: every spelling, every limit, once each, and on disk before the answer."""

from __future__ import annotations

import json
import re

import pytest

from precog.core import administration, telemetry
from precog.storage.engine import open_database
from tests.surfaces.calls import INGEST, field_fault, ingest, interaction, kept, refusal, stored

HOUR_MS = 3_600_000
SPELLINGS = [
    ("agentId", "agent_id", "support-bot"),
    ("toolCalls", "tool_calls", [{"name": "search", "input": {"q": 1}, "output": {"results": []}}]),
    ("userId", "user_id", "user-1"),
    ("sessionId", "session_id", "session-1"),
    ("conversationId", "conversation_id", "conv-1"),
]


def test_the_answer_is_the_documented_one(client):
    answer = client.post(INGEST, json=interaction(agentId="custom-agent-1"))
    assert answer.status_code == 200
    interaction_id = answer.json["interactionId"]
    assert answer.json == {
        "status": "success",
        "message": "Telemetry data ingested successfully",
        "agentId": "custom-agent-1",
        "interactionId": interaction_id,
    }
    assert re.fullmatch(r"int-[0-9a-f]{29}", interaction_id)
    assert "Idempotent-Replayed" not in answer.headers


def test_everything_that_was_sent_can_be_read_back(client):
    metadata = {
        "timestamp": "2024-01-15T12:30:00+02:00",
        "platform": "custom",
        "temperature": 0.7,
        "custom_field_2": 42,
        "custom_field_3": True,
        "experiment": {"id": "exp-123", "arms": [1, None, "ü"]},
    }
    calls = [{"name": "search", "input": {"query": "orders"}, "output": {"count": 5}, "success": True}]
    body = interaction(
        metadata=metadata, toolCalls=calls, userId="u", sessionId="s", conversationId="c", costCentre=["x", 1]
    )
    found = kept(client, ingest(client, **body))
    events = {name for name, value in found.items() if value is None} - {"native"}
    assert events >= {"systemId", "eventId", "guard", "action", "analyzedAt"}  # of a system's events alone
    assert {name: value for name, value in found.items() if name not in events} == {
        "interactionId": stored(client)[0]["interactionId"],
        "agentId": "bot",
        "prompt": "Hi",
        "response": "Hello",
        "metadata": metadata,
        "toolCalls": calls,
        "platform": "custom",
        "userId": "u",
        "sessionId": "s",
        "conversationId": "c",
        "timestamp": "2024-01-15T10:30:00.000Z",
        "receivedAt": "2026-01-15T10:30:00.000Z",
        "extra": {"costCentre": ["x", 1]},
        "native": None,
    }


@pytest.mark.parametrize(("camel", "snake", "value"), SPELLINGS)
def test_both_spellings_mean_the_same(client, camel, snake, value):
    body = interaction(**{camel: value})
    body[snake] = body.pop(camel)
    found = kept(client, ingest(client, agentId=body.pop("agentId", None), **body))
    assert found[camel] == value
    assert found["extra"] == {}


@pytest.mark.parametrize(("camel", "snake", "value"), SPELLINGS)
def test_both_spellings_at_once_must_agree(client, camel, snake, value):
    assert kept(client, ingest(client, **{camel: value, snake: value}))[camel] == value
    other = [] if isinstance(value, list) else value + "x"
    answer = client.post(INGEST, json=interaction(**{camel: value, snake: other}))
    assert field_fault(answer) == ("INVALID_FIELD_VALUE", camel)


def test_an_agents_name_is_trimmed(client):
    assert client.post(INGEST, json=interaction(agentId=" \tbot \n")).json["agentId"] == "bot"
    assert [agent["agentId"] for agent in client.get("/api/v1/agents").json["agents"]] == ["bot"]


@pytest.mark.parametrize("name", ["x", "x" * 200, "  " + "\N{GRINNING FACE}" * 200 + "  "])
def test_an_agents_name_has_up_to_200_characters(client, name):
    assert client.post(INGEST, json=interaction(agentId=name)).json["agentId"] == name.strip()


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_other_lengths_of_an_agents_name_are_refused(sqlite_client, name):
    answer = sqlite_client.post(INGEST, json=interaction(agentId=name))
    assert field_fault(answer) == ("INVALID_FIELD_VALUE", "agentId")


def test_prompt_and_response_may_be_empty(client):
    found = kept(client, ingest(client, prompt="", response=""))
    assert (found["prompt"], found["response"]) == ("", "")


@pytest.mark.parametrize("field", ["agentId", "prompt", "response"])
@pytest.mark.parametrize("null", [False, True])
def test_a_required_field_may_be_neither_absent_nor_null(sqlite_client, field, null):
    body = interaction(**{field: None})
    if not null:
        del body[field]
    assert field_fault(sqlite_client.post(INGEST, json=body)) == ("MISSING_REQUIRED_FIELD", field)


@pytest.mark.parametrize(
    ("field", "value", "received", "path"),
    [
        ("agentId", 7, "number", "agentId"),
        ("agentId", True, "boolean", "agentId"),
        ("prompt", {"text": "Hi"}, "object", "prompt"),
        ("response", ["Hello"], "array", "response"),
        ("metadata", "none", "string", "metadata"),
        ("metadata", [], "array", "metadata"),
        ("toolCalls", {}, "object", "toolCalls"),
        ("toolCalls", [{"name": "a"}, "b"], "string", "toolCalls[1]"),
        ("userId", 1.5, "number", "userId"),
    ],
)
def test_a_field_of_another_type_is_refused(sqlite_client, field, value, received, path):
    answer = sqlite_client.post(INGEST, json=interaction(**{field: value}))
    assert field_fault(answer) == ("INVALID_FIELD_TYPE", path)
    assert answer.json["error"]["details"]["received"] == received


@pytest.mark.parametrize("field", ["metadata", "toolCalls", "userId", "sessionId", "conversationId"])
def test_null_in_an_optional_field_is_as_if_it_were_absent(client, field):
    assert not kept(client, ingest(client, **{field: None}))[field]


def test_metadata_names_user_session_and_conversation_where_the_body_does_not(client):
    metadata = {"user_id": "u", "sessionId": "s", "conversation_id": "c"}
    found = kept(client, ingest(client, sessionId="the body's", metadata=metadata))
    assert (found["userId"], found["sessionId"], found["conversationId"]) == ("u", "the body's", "c")
    assert found["metadata"] == metadata


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        ("yesterday", "INVALID_FIELD_VALUE"),
        ("", "INVALID_FIELD_VALUE"),
        ("2024-02-30T10:30:00Z", "INVALID_FIELD_VALUE"),
        ("2024-01-15", "INVALID_FIELD_VALUE"),
        ("9999-12-31T23:59:59-12:00", "INVALID_FIELD_VALUE"),
        ("0001-01-01T00:00:00+12:00", "INVALID_FIELD_VALUE"),
        (1705314600, "INVALID_FIELD_TYPE"),
    ],
)
def test_a_timestamp_that_cannot_be_read_is_refused(sqlite_client, timestamp, code):
    answer = sqlite_client.post(INGEST, json=interaction(metadata={"timestamp": timestamp}))
    assert field_fault(answer) == (code, "metadata.timestamp")


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_the_senders_clock_never_replaces_the_servers(client, timestamp):
    found = kept(client, ingest(client, metadata={"timestamp": timestamp}))
    assert found["timestamp"][:19] == timestamp[:19]
    assert found["receivedAt"] == "2026-01-15T10:30:00.000Z"


def test_an_answered_interaction_is_seen_by_another_connection(client, sandbox, database_url):
    interaction_id = ingest(client, prompt="on disk?")
    other = open_database(database_url)
    try:
        row = other.read(telemetry.interactions.get, sandbox.organization_id, interaction_id)
    finally:
        other.close()
    assert row.prompt == "on disk?"


def test_interaction_ids_sort_by_time(client, clock):
    ids = []
    for step_ms in (0, 0, 0, 1, 60_000):
        clock.advance(step_ms)
        ids.append(ingest(client))
    assert ids == sorted(ids)


# --- idempotency keys -----------------------------------------------------------------------


def keyed(client, key, **fields):
    return client.post(INGEST, json=interaction(**fields), headers={"Idempotency-Key": key})


def test_a_retry_is_answered_with_the_first_id_and_stored_once(client):
    first, second = keyed(client, "order-1"), keyed(client, "order-1")
    assert second.status_code == 200
    assert second.json == first.json
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(stored(client)) == 1


def test_a_retry_may_be_spelled_ordered_and_spaced_otherwise(client):
    first = keyed(client, "k", metadata={"a": 1, "b": 2}, userId="u")
    body = {
        "user_id": "u",
        "metadata": {"b": 2, "a": 1},
        "response": "Hello",
        "prompt": "Hi",
        "agent_id": "bot",
    }
    again = client.post(
        INGEST,
        data=json.dumps(body, indent=4),
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first.json


@pytest.mark.parametrize(
    "other", [{"prompt": "Other"}, {"agentId": "other"}, {"metadata": {"a": 1}}, {"unknown": 1}]
)
def test_a_key_with_another_body_is_a_conflict(client, other):
    first = keyed(client, "k").json["interactionId"]
    assert refusal(keyed(client, "k", **other)) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert [one["interactionId"] for one in stored(client)] == [first]


def test_a_quoted_key_is_the_same_as_the_bare_one(client):
    keyed(client, '"order-1"')
    assert keyed(client, "order-1").headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("key", "status"), [("k", 200), ("k" * 255, 200), ("k" * 256, 400), ("", 400), ('""', 400)]
)
def test_a_key_has_1_to_255_characters(client, key, status):
    answer = keyed(client, key)
    assert answer.status_code == status
    if status == 400:
        assert field_fault(answer) == ("INVALID_FIELD_VALUE", "Idempotency-Key")
        assert stored(client) == []


def test_a_key_is_remembered_for_a_day_at_least(client, clock):
    first = keyed(client, "k").json
    clock.advance(24 * HOUR_MS)
    keyed(client, "another, which makes room")
    assert keyed(client, "k").json == first


def test_a_refused_interaction_does_not_use_up_its_key(client):
    assert field_fault(keyed(client, "k", agentId=""))[0] == "INVALID_FIELD_VALUE"
    assert "Idempotent-Replayed" not in keyed(client, "k").headers


def test_two_organizations_may_use_the_same_key(client, sandbox):
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    first = keyed(client, "k", prompt="mine").json["interactionId"]
    theirs = sandbox.app.test_client().post(
        INGEST,
        json=interaction(prompt="theirs"),
        headers={"Idempotency-Key": "k", "x-api-key": sandbox.key(organization_id=other.id)},
    )
    assert theirs.status_code == 200
    assert theirs.json["interactionId"] != first
