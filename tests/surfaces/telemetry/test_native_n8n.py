"""n8n's items become telemetry, whatever they are wrapped in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.surfaces.telemetry.native import Mapped, Unmappable, to_canonical

NAMES = """json items data body headers params query request response output text chatInput input sessionId
    generations tokenUsage promptTokens intermediateSteps action tool observation execution error message
    workflow id agentId prompt resultData runData main startTime lastNodeExecuted startedAt stoppedAt metadata
    toolCalls"""


def native_json() -> st.SearchStrategy:
    """Any JSON, with the platform's names in any place and of any type."""
    keys = st.sampled_from(NAMES.split()) | st.text(max_size=4)
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=8),
        max_leaves=32,
    )


def one(body) -> Mapped:
    (mapped,) = to_canonical("n8n", body)
    return mapped


def item() -> dict:
    """What an AI Agent's output holds after a Merge with its Chat Trigger's."""
    return {
        "action": "sendMessage",
        "sessionId": "session-1",
        "chatInput": "What is 6 times 7?",
        "output": "42",
        "intermediateSteps": [
            {
                "action": {
                    "tool": "calculator",
                    "toolInput": {"input": "6*7"},
                    "log": "Invoking calculator",
                    "messageLog": [],
                    "toolCallId": "call_1",
                    "type": "tool_call",
                },
                "observation": '[{"response": 42}]',
            }
        ],
    }


def webhook(body) -> dict:
    return {
        "headers": {"authorization": "Bearer s3cret", "host": "n8n.local"},
        "params": {},
        "query": {"token": "t"},
        "body": body,
        "webhookUrl": "https://n8n.local/webhook/1",
        "executionMode": "production",
    }


def model_output() -> dict:
    return {
        "response": {"generations": [[{"text": "Forty-two", "generationInfo": {"finish_reason": "stop"}}]]},
        "tokenUsage": {"completionTokens": 3, "promptTokens": 20, "totalTokens": 23},
    }


def run(name: str, *items: dict, start: int, **more) -> dict:
    data = {name: [[{"json": one, "pairedItem": {"item": 0}} for one in items]]}
    return {"startTime": start, "executionTime": 5, "executionStatus": "success", "data": data, **more}


def execution(**result) -> dict:
    agent = {key: value for key, value in item().items() if key in ("output", "intermediateSteps")}
    trigger = {key: value for key, value in item().items() if key in ("action", "sessionId", "chatInput")}
    run_data = {
        "AI Agent": [run("main", agent, start=200)],
        "OpenAI Chat Model": [
            run("ai_languageModel", model_output(), start=210),
            run("ai_languageModel", model_output(), start=220),
        ],
        "When chat message received": [run("main", trigger, start=100)],
    }
    return {
        "id": 231,
        "workflowId": "wf-1",
        "workflowName": "Support",
        "status": "success",
        "mode": "webhook",
        "startedAt": "2026-01-15T10:30:00.000Z",
        "stoppedAt": "2026-01-15T10:30:01.250Z",
        "finished": True,
        "retryOf": None,
        "data": {"resultData": {"runData": run_data, "lastNodeExecuted": "AI Agent", **result}},
    }


@pytest.mark.parametrize(
    "body",
    [
        item(),
        [item()],
        {"json": item()},
        [{"json": item(), "binary": {}, "pairedItem": {"item": 0}}],
        {"items": [item()]},
        {"items": [{"json": item()}]},
        {"data": [item()]},
        {"body": item()},
        webhook(item()),
        webhook([{"json": item()}]),
        [{"json": webhook(item())}],
    ],
)
def test_an_item_is_found_in_every_wrapper(body):
    payload = one(body).payload
    assert (payload["prompt"], payload["response"]) == ("What is 6 times 7?", "42")
    assert payload["sessionId"] == "session-1"
    assert [call["name"] for call in payload["toolCalls"]] == ["calculator"]
    assert "agentId" not in payload


@pytest.mark.parametrize("body", [[item(), item()], {"items": [item(), item()]}, webhook([item(), item()])])
def test_every_item_is_an_interaction_of_its_own(body):
    mapped = to_canonical("n8n", body)
    assert [one.native for one in mapped] == [item(), item()]


def test_one_item_is_kept_with_its_wrapper():
    assert one([{"json": item(), "pairedItem": 0}]).native == [{"json": item(), "pairedItem": 0}]


@pytest.mark.parametrize(
    "body",
    [
        webhook(item()),
        [webhook(item()), webhook(item())],
        [{"json": webhook(item())}],
        webhook(webhook(item())),
        {"request": webhook(item()), "response": {"output": "42"}},
        {"input": webhook({"a": 1}), "output": "42"},
        {"data": [execution(runData={"Webhook": [run("main", webhook(item()), start=1)]})]},
    ],
)
def test_a_webhooks_headers_are_never_kept(body):
    mapped = to_canonical("n8n", body)
    assert mapped[0].native
    assert "s3cret" not in repr(mapped)


def test_a_webhook_called_without_a_body_is_read_from_its_query():
    assert one({**webhook({}), "query": {"chatInput": "Hi?"}}).payload["prompt"] == "Hi?"


def test_a_wrapper_names_the_agent_of_its_items():
    mapped = to_canonical("n8n", {"agentId": "a", "items": [item(), {**item(), "agentId": "b"}]})
    assert [one.payload["agentId"] for one in mapped] == ["a", "b"]


def test_a_wrapper_names_the_workflow_of_its_items_and_no_more():
    body = {"workflow": {"id": 7, "name": "Support", "nodes": [{}]}, "items": [item(), item()]}
    mapped = to_canonical("n8n", body)
    assert [one.payload["agentId"] for one in mapped] == ["7", "7"]
    assert mapped[0].payload["metadata"] == {"workflow_name": "Support"}


def test_items_without_an_interaction_are_left_out_beside_one():
    assert one([{"rows": 3}, {"json": item()}, "text", None]).payload["response"] == "42"


def test_an_item_is_no_wrapper_for_having_lists_of_its_own():
    assert one({**item(), "items": [{"output": "other"}], "data": [{}]}).payload["response"] == "42"


@pytest.mark.parametrize("name", ["chatInput", "input", "query", "prompt", "question"])
def test_a_prompt_has_many_names(name):
    assert one({name: "Hi?", "output": "Hello."}).payload["prompt"] == "Hi?"


def test_chat_input_is_the_prompt_before_any_other_name():
    body = {"question": "q", "prompt": "p", "query": "u", "input": "i", "chatInput": "Hi?"}
    assert one(body).payload["prompt"] == "Hi?"


@pytest.mark.parametrize("name", ["output", "text", "response"])
def test_a_response_has_many_names(name):
    assert one({"chatInput": "Hi?", name: "Hello."}).payload["response"] == "Hello."


def test_a_structured_output_becomes_compact_text():
    assert (
        one({"chatInput": "Hi?", "output": {"b": 1, "a": ["ü"]}}).payload["response"] == '{"b":1,"a":["ü"]}'
    )


def test_intermediate_steps_become_tool_calls():
    call = {"name": "calculator", "input": {"input": "6*7"}, "output": [{"response": 42}]}
    assert one(item()).payload["toolCalls"] == [call]


def test_an_agent_that_only_called_tools_is_an_interaction():
    assert one({"output": "", "intermediateSteps": item()["intermediateSteps"]}).payload["toolCalls"]


def test_a_chat_message_alone_has_an_empty_response():
    payload = one(
        {"action": "sendMessage", "sessionId": "s", "chatInput": "Hi?", "metadata": {"lang": "de"}}
    ).payload
    assert (payload["prompt"], payload["response"], payload["sessionId"]) == ("Hi?", "", "s")
    assert payload["metadata"] == {"lang": "de"}


def test_a_chat_session_that_is_only_loaded_is_no_interaction():
    with pytest.raises(Unmappable):
        one({"action": "loadPreviousSession", "sessionId": "s"})


def test_a_model_nodes_generations_are_the_response():
    payload = one(model_output()).payload
    assert (payload["prompt"], payload["response"]) == ("", "Forty-two")
    assert payload["metadata"] == {"tokens_used": 23, "input_tokens": 20, "output_tokens": 3}


def test_estimated_tokens_stand_in_for_counted_ones():
    body = {**model_output(), "tokenUsageEstimate": {"completionTokens": 4, "promptTokens": 5}}
    del body["tokenUsage"]
    assert one(body).payload["metadata"] == {"tokens_used": 9, "input_tokens": 5, "output_tokens": 4}


def test_an_agent_id_beside_a_model_nodes_output_does_not_make_it_canonical():
    payload = one({"agentId": "a", "prompt": "6*7?", **model_output()}).payload
    assert (payload["agentId"], payload["prompt"], payload["response"]) == ("a", "6*7?", "Forty-two")


def test_a_failed_workflow_is_an_interaction_with_an_error():
    body = {
        "execution": {
            "id": "231",
            "url": "https://n8n.local/execution/231",
            "error": {"message": "Bad key", "stack": "NodeApiError: ..."},
            "lastNodeExecuted": "AI Agent",
            "mode": "webhook",
        },
        "workflow": {"id": 7, "name": "Support"},
    }
    payload = one([{"json": body}]).payload
    assert (payload["agentId"], payload["prompt"], payload["response"]) == ("7", "", "")
    assert payload["metadata"] == {
        "error": "Bad key",
        "run_id": "231",
        "workflow_name": "Support",
        "mode": "webhook",
        "last_node": "AI Agent",
        "execution_url": "https://n8n.local/execution/231",
    }


def test_a_workflow_that_failed_at_its_trigger_has_an_error_too():
    body = {
        "trigger": {"error": {"message": "No route"}, "mode": "trigger"},
        "workflow": {"id": "7", "name": "S"},
    }
    assert one(body).payload["metadata"] == {"error": "No route", "mode": "trigger", "workflow_name": "S"}


def test_an_execution_is_put_together_from_its_nodes():
    mapped = one(execution())
    assert (mapped.payload["prompt"], mapped.payload["response"]) == ("What is 6 times 7?", "42")
    assert (mapped.payload["agentId"], mapped.payload["sessionId"]) == ("wf-1", "session-1")
    assert [call["name"] for call in mapped.payload["toolCalls"]] == ["calculator"]
    assert mapped.payload["metadata"] == {
        "tokens_used": 46,
        "input_tokens": 40,
        "output_tokens": 6,
        "run_id": "231",
        "workflow_name": "Support",
        "status": "success",
        "mode": "webhook",
        "last_node": "AI Agent",
        "response_time_ms": 1250,
    }
    assert mapped.message_id is None


def test_the_last_node_has_the_last_word_in_an_execution():
    nodes = {
        "Rewrite": [run("main", {"output": "rewritten"}, start=300)],
        "AI Agent": [run("main", {"chatInput": "Hi?", "output": "raw"}, start=200)],
        "Log": [run("main", {"output": "logged"}, start=400)],
    }
    assert one(execution(runData=nodes, lastNodeExecuted="Rewrite")).payload["response"] == "rewritten"


def test_an_executions_webhook_is_unwrapped():
    nodes = {"Webhook": [run("main", webhook({"chatInput": "Hi?"}), start=1)]}
    assert one(execution(runData=nodes)).payload["prompt"] == "Hi?"


def test_a_page_of_executions_gives_one_interaction_each():
    assert len(to_canonical("n8n", {"data": [execution(), execution()], "nextCursor": "x"})) == 2


@pytest.mark.parametrize(
    ("result", "more", "error"),
    [
        ({"error": {"message": "Timed out"}}, {}, "Timed out"),
        (
            {"runData": {"HTTP": [run("main", start=1, error={"message": "ECONNREFUSED"})]}},
            {},
            "ECONNREFUSED",
        ),
        ({}, {"status": "crashed"}, "crashed"),
    ],
)
def test_an_execution_that_failed_says_so(result, more, error):
    assert one({**execution(**result), **more}).payload["metadata"]["error"] == error


@pytest.mark.parametrize("stopped", [None, "soon", "2026-01-15T10:30:01", 5])
def test_times_that_cannot_be_compared_give_no_response_time(stopped):
    assert "response_time_ms" not in one({**execution(), "stoppedAt": stopped}).payload["metadata"]


def test_a_pair_is_taken_apart_and_its_sides_unwrapped():
    body = {
        "workflow": {"id": "wf-1", "name": "Support"},
        "executionId": 231,
        "request": [{"json": {"chatInput": "Hi?", "sessionId": "s"}}],
        "response": {"json": {"output": "Hello."}},
    }
    payload = one(body).payload
    assert (payload["prompt"], payload["response"]) == ("Hi?", "Hello.")
    assert (payload["agentId"], payload["sessionId"]) == ("wf-1", "s")
    assert payload["metadata"] == {"run_id": "231", "workflow_name": "Support"}


def test_the_items_of_a_pair_belong_together_in_their_order():
    requests = [{"json": {"chatInput": "Hi?"}}, {"json": {"chatInput": "Bye?"}}]
    responses = [{"output": "Hello."}, {"output": ""}, {"rows": 3}]
    body = {"agentId": "a", "metadata": {"x": 1}, "request": requests, "response": responses}
    first, second = to_canonical("n8n", body)
    assert (first.payload["agentId"], first.payload["prompt"], first.payload["response"]) == (
        "a",
        "Hi?",
        "Hello.",
    )
    assert (second.payload["agentId"], second.payload["prompt"], second.payload["response"]) == (
        "a",
        "Bye?",
        "",
    )
    assert (first.payload["metadata"], second.payload["metadata"]) == ({"x": 1}, {})
    assert second.native == {"agentId": "a", "request": {"chatInput": "Bye?"}, "response": {"output": ""}}


def test_a_workflow_id_names_the_agent_when_nothing_else_does():
    assert one({**item(), "workflowId": 7}).payload["agentId"] == "7"
    assert one({**item(), "workflowId": 7, "workflow": {"id": "w"}}).payload["agentId"] == "w"
    assert one({**item(), "workflow": {"id": "w"}, "agentId": "a"}).payload["agentId"] == "a"


def test_canonical_items_come_back_as_they_are():
    canonical = {"agentId": "a", "prompt": "p", "response": "r", "metadata": {"x": 1}}
    assert to_canonical("n8n", canonical) == [Mapped(canonical)]
    assert to_canonical("n8n", [{"json": canonical}, canonical]) == [Mapped(canonical)] * 2
    assert to_canonical("n8n", webhook(canonical)) == [Mapped(canonical)]


@pytest.mark.parametrize(
    "body", [None, 1, "text", [], {}, [[]], {"items": []}, {"json": {}}, webhook({}), [{"a": 1}]]
)
def test_a_body_with_nothing_in_it_says_what_was_looked_for(body):
    with pytest.raises(Unmappable) as caught:
        one(body)
    assert caught.value.looked_for[:2] == ("chatInput", "input")
    assert {"output", "text", "response"} <= set(caught.value.looked_for)


@given(native_json())
def test_any_json_is_mapped_or_unmappable(body):
    try:
        mapped = to_canonical("n8n", body)
    except Unmappable:
        return
    assert mapped
    for interaction in mapped:
        if interaction.native is not None:
            assert isinstance(interaction.payload["prompt"], str)
            assert isinstance(interaction.payload["response"], str)
