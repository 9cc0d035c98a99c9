"""The platforms' endpoints: our own body or theirs, whose agent it is, and each message once."""

from __future__ import annotations

import pytest

from tests.surfaces.calls import INGEST, field_fault, interaction, kept, refusal, stored

# Each as its platform writes it, with its own id for the message and without the agent's.
NATIVE = {
    "flowise": {
        "question": "Hi",
        "text": "Hello",
        "chatId": "chat-1",
        "chatMessageId": "message-1",
        "usedTools": [{"tool": "search", "toolInput": {"q": "a"}, "toolOutput": "b"}],
    },
    "n8n": [{"json": {"chatInput": "Hi", "output": "Hello", "sessionId": "chat-1", "executionId": "7"}}],
    "dify": {
        "request": {"query": "Hi", "inputs": {}, "user": "user-1"},
        "response": {
            "event": "message",
            "message_id": "message-1",
            "conversation_id": "chat-1",
            "answer": "Hello",
            "metadata": {"usage": {"total_tokens": 12, "latency": 1.5}},
        },
    },
}
NAMED = {"flowise": {"chatflowid": "flow-1"}, "n8n": {"workflowId": "flow-1"}, "dify": {"app_id": "flow-1"}}
PLATFORMS = [*NATIVE, "custom"]


def post(client, platform, body, query="", **headers):
    return client.post(f"/api/v1/integrations/{platform}/telemetry{query}", json=body, headers=headers)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_canonical_body_is_taken_and_stamped(client, platform):
    answer = post(client, platform, interaction(metadata={"platform": "other", "model": "gpt-4"}, extra=1))
    assert answer.status_code == 200
    assert answer.json.keys() == {"status", "message", "agentId", "interactionId"}
    found = kept(client, answer.json["interactionId"])
    assert (found["prompt"], found["response"], found["agentId"]) == ("Hi", "Hello", "bot")
    assert found["metadata"] == {"platform": platform, "model": "gpt-4"}
    assert found["platform"] == platform
    assert found["native"] is None
    assert found["extra"] == {"extra": 1}


@pytest.mark.parametrize("platform", NATIVE)
def test_a_platforms_own_body_is_understood_and_kept_whole(client, platform):
    answer = post(client, platform, NATIVE[platform], "?agentId=bot")
    assert answer.status_code == 200
    found = kept(client, answer.json["interactionId"])
    assert (found["prompt"], found["response"], found["sessionId"]) == ("Hi", "Hello", "chat-1")
    assert found["metadata"]["platform"] == found["platform"] == platform
    assert found["native"] == NATIVE[platform]


def test_what_a_platform_tells_of_tools_and_tokens_is_mapped(client):
    flowise = kept(client, post(client, "flowise", NATIVE["flowise"], "?agentId=bot").json["interactionId"])
    assert flowise["toolCalls"] == [{"name": "search", "input": {"q": "a"}, "output": "b"}]
    dify = kept(client, post(client, "dify", NATIVE["dify"], "?agentId=bot").json["interactionId"])
    assert (dify["metadata"]["tokens_used"], dify["metadata"]["response_time_ms"]) == (12, 1500)
    assert dify["userId"] == "user-1"


def named(platform):
    body = NATIVE[platform]
    return [{"json": body[0]["json"] | NAMED["n8n"]}] if platform == "n8n" else body | NAMED[platform]


@pytest.mark.parametrize("platform", NATIVE)
def test_the_flow_names_the_agent(client, platform):
    answer = post(client, platform, named(platform), "?agentId=query", **{"X-Agent-Id": "header"})
    assert answer.json["agentId"] == "flow-1"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("query", "header", "name"),
    [
        ("?agentId=from%20query", "header", "from query"),
        ("", "header", "header"),
        ("?agentId=", "header", "header"),
    ],
)
def test_query_or_header_names_the_agent_where_the_body_does_not(client, platform, query, header, name):
    body = NATIVE.get(platform, {"prompt": "Hi", "response": "Hello"})
    assert post(client, platform, body, query, **{"X-Agent-Id": header}).json["agentId"] == name


@pytest.mark.parametrize("platform", PLATFORMS)
def test_without_any_name_the_agent_is_missing(sqlite_client, platform):
    body = NATIVE.get(platform, {"prompt": "Hi", "response": "Hello"})
    assert field_fault(post(sqlite_client, platform, body)) == ("MISSING_REQUIRED_FIELD", "agentId")


@pytest.mark.parametrize("name", ["x" * 201, "%20", "a%00"])
def test_an_agents_name_in_the_query_keeps_the_same_rules(client, name):
    answer = post(client, "n8n", NATIVE["n8n"], f"?agentId={name}")
    assert field_fault(answer) == ("INVALID_FIELD_VALUE", "agentId")


@pytest.mark.parametrize("platform", ["flowise", "dify"])
def test_a_platforms_message_is_stored_once(client, platform):
    first = post(client, platform, NATIVE[platform], "?agentId=bot")
    second = post(client, platform, NATIVE[platform], "?agentId=bot")
    assert second.json == first.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(stored(client)) == 1


def test_two_platforms_messages_of_one_number_are_two(client):
    assert post(client, "flowise", NATIVE["flowise"], "?agentId=bot").status_code == 200
    assert post(client, "dify", NATIVE["dify"], "?agentId=bot").status_code == 200
    assert len(stored(client)) == 2


def test_the_header_is_the_idempotency_key_before_the_platforms_own(client):
    one, two = NATIVE["flowise"], NATIVE["flowise"] | {"chatMessageId": "message-2"}
    post(client, "flowise", one, "?agentId=bot", **{"Idempotency-Key": "k"})
    answer = post(client, "flowise", two, "?agentId=bot", **{"Idempotency-Key": "k"})
    assert refusal(answer) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("platform", "looked_for"),
    [
        ("flowise", ("question", "text", "json")),
        ("n8n", ("chatInput", "output")),
        ("dify", ("query", "answer", "data.outputs")),
    ],
)
def test_a_body_without_prompt_and_response_says_which_fields_were_looked_for(
    sqlite_client, platform, looked_for
):
    answer = post(sqlite_client, platform, {"weather": "fine"}, "?agentId=bot")
    assert field_fault(answer) == ("MISSING_REQUIRED_FIELD", "prompt")
    assert all(name in answer.json["error"]["details"]["expected"] for name in looked_for)


def test_a_canonical_body_on_custom_is_checked_as_on_ingest(sqlite_client):
    body = interaction(prompt=1)
    answer, ingested = post(sqlite_client, "custom", body), sqlite_client.post(INGEST, json=body)
    assert field_fault(answer) == ("INVALID_FIELD_TYPE", "prompt")
    assert answer.json == ingested.json


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("body", ["null", "1", '"text"', "true"])
def test_a_body_that_is_no_object_or_array_is_refused(sqlite_client, platform, body):
    answer = sqlite_client.post(
        f"/api/v1/integrations/{platform}/telemetry", data=body, content_type="application/json"
    )
    assert refusal(answer) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("platform", ["flowise", "dify", "custom"])
def test_several_interactions_at_once_are_n8ns_alone(sqlite_client, platform):
    assert refusal(post(sqlite_client, platform, [interaction(), interaction()]))[0] == 400


def test_an_unknown_platform_is_not_found(sqlite_client):
    assert refusal(post(sqlite_client, "langflow", interaction())) == (404, "NOT_FOUND")


# --- several n8n items ----------------------------------------------------------------------

ITEMS = [{"json": {"chatInput": f"Q{n}", "output": f"A{n}"}} for n in range(3)]


def test_several_items_are_answered_like_a_batch(client):
    answer = post(client, "n8n", ITEMS, "?agentId=bot")
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["accepted"], answer.json["rejected"]) == ("success", 3, 0)
    found = [kept(client, one["interactionId"]) for one in answer.json["results"]]
    assert [one["prompt"] for one in found] == ["Q0", "Q1", "Q2"]
    assert [one["native"] for one in found] == ITEMS
    assert {one["platform"] for one in found} == {"n8n"}


def test_a_wrong_item_does_not_sink_the_others(client):
    items = [{"json": {**ITEMS[0]["json"], "agentId": "x" * 201}}, ITEMS[1]]
    answer = post(client, "n8n", items, "?agentId=bot")
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["accepted"], answer.json["rejected"]) == ("partial", 1, 1)
    assert answer.json["results"][0]["error"]["code"] == "INVALID_FIELD_VALUE"


def test_items_that_are_all_wrong_are_400_with_results(sqlite_client):
    answer = post(sqlite_client, "n8n", ITEMS)
    assert answer.status_code == 400
    assert {one["error"]["code"] for one in answer.json["results"]} == {"MISSING_REQUIRED_FIELD"}


def test_a_retry_of_several_items_replays_each_of_them(client):
    key = {"Idempotency-Key": "k"}
    first = post(client, "n8n", ITEMS, "?agentId=bot", **key)
    second = post(client, "n8n", ITEMS, "?agentId=bot", **key)
    assert second.json["results"] == [one | {"replayed": True} for one in first.json["results"]]
    assert len(stored(client)) == 3


def test_no_more_items_are_taken_than_a_batch_has(sqlite_client):
    items = [{"chatInput": "Q", "output": "A"}] * 1001
    assert field_fault(post(sqlite_client, "n8n", items, "?agentId=bot")) == ("INVALID_FIELD_VALUE", "items")
