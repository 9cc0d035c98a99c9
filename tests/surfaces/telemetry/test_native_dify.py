"""Dify's bodies become telemetry."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.surfaces.telemetry.native import Mapped, Unmappable, to_canonical

NAMES = """request response query inputs prompt answer data outputs event metadata usage latency total_tokens
    total_price retriever_resources content score agent_thoughts tool tool_input observation status error code
    message id message_id workflow_run_id conversation_id user app_id workflow_id agentId elapsed_time
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
    (mapped,) = to_canonical("dify", body)
    return mapped


def chat_request() -> dict:
    return {
        "inputs": {},
        "query": "What are the specs of the iPhone 13?",
        "user": "abc-123",
        "response_mode": "blocking",
        "conversation_id": "",
        "files": [],
    }


def chat_answer() -> dict:
    return {
        "event": "message",
        "task_id": "task-1",
        "id": "msg-1",
        "message_id": "msg-1",
        "conversation_id": "conv-1",
        "mode": "chat",
        "answer": "It has a 6.1 inch display.",
        "metadata": {
            "usage": {
                "prompt_tokens": 1033,
                "prompt_unit_price": "0.001",
                "completion_tokens": 135,
                "total_tokens": 1168,
                "total_price": "0.0013030",
                "currency": "USD",
                "latency": 1.381760165997548,
            },
            "retriever_resources": [
                {
                    "position": 1,
                    "dataset_id": "ds-1",
                    "dataset_name": "iPhone",
                    "document_id": "doc-1",
                    "document_name": "iPhone List",
                    "segment_id": "seg-1",
                    "score": 0.98457545,
                    "content": "iPhone 13, 6.1 inch",
                }
            ],
        },
        "created_at": 1705407629,
    }


def workflow_answer(**data) -> dict:
    return {
        "task_id": "task-1",
        "workflow_run_id": "run-1",
        "data": {
            "id": "run-1",
            "workflow_id": "wf-1",
            "status": "succeeded",
            "outputs": {"text": "Nice to meet you."},
            "error": None,
            "elapsed_time": 0.875,
            "total_tokens": 3562,
            "total_steps": 8,
            "created_at": 1705407629,
            "finished_at": 1727807631,
            **data,
        },
    }


def history_item() -> dict:
    return {
        "id": "msg-7",
        "conversation_id": "conv-7",
        "parent_message_id": None,
        "inputs": {"name": "dify", "lang": "de"},
        "query": "Draw a cat and look up cats",
        "answer": "Here you are.",
        "status": "normal",
        "error": None,
        "feedback": {"rating": "like"},
        "retriever_resources": [{"document_name": "Cats", "content": "A cat is", "score": 0.5}],
        "agent_thoughts": [
            {
                "id": "t-1",
                "position": 1,
                "thought": "",
                "tool": "dalle3;search",
                "tool_labels": {"dalle3": {"en_US": "DALL-E"}},
                "tool_input": json.dumps({"dalle3": {"prompt": "a cat"}, "search": {"q": "cats"}}),
                "observation": json.dumps({"dalle3": "drawn", "search": '{"hits": 2}'}),
            },
            {"id": "t-2", "position": 2, "thought": "Done.", "tool": "", "tool_input": "", "observation": ""},
        ],
        "message_tokens": 10,
        "answer_tokens": 5,
        "total_tokens": 15,
        "provider_response_latency": 2.5,
        "total_price": "0.002",
        "currency": "USD",
        "created_at": 1705569239,
    }


def test_a_chat_pair_gives_prompt_response_and_ids():
    body = {"request": chat_request(), "response": chat_answer()}
    mapped = one(body)
    assert mapped.payload["prompt"] == "What are the specs of the iPhone 13?"
    assert mapped.payload["response"] == "It has a 6.1 inch display."
    assert mapped.payload["userId"] == "abc-123"
    assert mapped.payload["sessionId"] == mapped.payload["conversationId"] == "conv-1"
    assert mapped.message_id == "msg-1"
    assert mapped.native == body
    assert "agentId" not in mapped.payload


def test_a_merged_object_is_read_like_a_pair():
    pair, merged = (
        one({"request": chat_request(), "response": chat_answer()}),
        one({**chat_request(), **chat_answer()}),
    )
    assert merged.payload == pair.payload
    assert merged.message_id == pair.message_id


def test_a_chat_answer_brings_tokens_price_latency_and_documents():
    assert one(chat_answer()).payload["metadata"] == {
        "tokens_used": 1168,
        "input_tokens": 1033,
        "output_tokens": 135,
        "total_price": "0.0013030",
        "currency": "USD",
        "response_time_ms": 1382,
        "message_id": "msg-1",
        "documents": [
            {
                "content": "iPhone 13, 6.1 inch",
                "source": "iPhone List",
                "document_id": "doc-1",
                "score": 0.98457545,
            }
        ],
    }


def test_an_answer_alone_has_an_empty_prompt():
    assert one(chat_answer()).payload["prompt"] == ""


def test_a_query_may_stand_beside_the_whole_response():
    payload = one({"query": "Hi?", "response": chat_answer()}).payload
    assert (payload["prompt"], payload["response"]) == ("Hi?", "It has a 6.1 inch display.")


def test_inputs_are_the_prompt_of_a_workflow():
    request = {"inputs": {"name": "Ann", "text": "Grüße"}, "response_mode": "blocking", "user": "u"}
    mapped = one({"request": request, "response": workflow_answer()})
    assert mapped.payload["prompt"] == '{"name":"Ann","text":"Grüße"}'
    assert mapped.payload["response"] == "Nice to meet you."
    assert mapped.payload["agentId"] == "wf-1"
    assert mapped.message_id == "run-1"
    assert mapped.payload["metadata"] == {
        "tokens_used": 3562,
        "response_time_ms": 875,
        "run_id": "run-1",
        "status": "succeeded",
    }


def test_a_finished_workflow_event_carries_inputs_and_outputs():
    data = {"inputs": {"query": "Hi?"}, "outputs": {"answer": "Hello.", "files": []}}
    payload = one({"event": "workflow_finished", **workflow_answer(**data)}).payload
    assert (payload["prompt"], payload["response"]) == ("Hi?", '{"answer":"Hello.","files":[]}')


@pytest.mark.parametrize(
    ("error", "told"), [("Model not found", "Model not found"), (None, "failed"), ("", "failed")]
)
def test_a_failed_workflow_has_an_empty_response_and_an_error(error, told):
    payload = one(workflow_answer(status="failed", outputs=None, error=error)).payload
    assert (payload["prompt"], payload["response"]) == ("", "")
    assert (payload["metadata"]["status"], payload["metadata"]["error"]) == ("failed", told)


def test_an_app_id_names_the_agent_before_a_workflow_id():
    assert one({**workflow_answer(), "app_id": 12}).payload["agentId"] == "12"
    assert one({**workflow_answer(), "app_id": 12, "agentId": "a"}).payload["agentId"] == "a"


def test_a_history_item_is_its_own_pair():
    mapped = one(history_item())
    assert (mapped.payload["prompt"], mapped.payload["response"]) == (
        "Draw a cat and look up cats",
        "Here you are.",
    )
    assert mapped.message_id == "msg-7"
    assert mapped.payload["conversationId"] == "conv-7"
    assert mapped.payload["metadata"] == {
        "tokens_used": 15,
        "input_tokens": 10,
        "output_tokens": 5,
        "total_price": "0.002",
        "currency": "USD",
        "response_time_ms": 2500,
        "message_id": "msg-7",
        "status": "normal",
        "documents": [{"content": "A cat is", "source": "Cats", "score": 0.5}],
        "inputs": {"name": "dify", "lang": "de"},
    }


def test_a_thoughts_tools_each_get_their_own_input_and_observation():
    assert one(history_item()).payload["toolCalls"] == [
        {"name": "dalle3", "input": {"prompt": "a cat"}, "output": "drawn"},
        {"name": "search", "input": {"q": "cats"}, "output": {"hits": 2}},
    ]


def test_input_that_is_not_keyed_by_tool_goes_to_the_first_tool_alone():
    thought = {"tool": "search; search;clock;", "tool_input": '{"q": "cats"}', "observation": "2 hits"}
    assert one({**history_item(), "agent_thoughts": [thought]}).payload["toolCalls"] == [
        {"name": "search", "input": {"q": "cats"}, "output": "2 hits"},
        {"name": "clock", "input": None, "output": None},
    ]


def test_tool_input_that_is_no_json_stays_text():
    thought = {"tool": "search", "tool_input": "{cats", "observation": "2 hits"}
    calls = one({**history_item(), "agent_thoughts": [thought]}).payload["toolCalls"]
    assert calls == [{"name": "search", "input": "{cats", "output": "2 hits"}]


@pytest.mark.parametrize("event", ["message", "agent_message", "message_replace"])
def test_an_event_with_an_answer_is_an_interaction(event):
    body = {"event": event, "task_id": "t", "message_id": "m", "conversation_id": "c", "answer": "Hello."}
    assert (one(body).payload["response"], one(body).message_id) == ("Hello.", "m")


def test_the_answer_gathered_from_a_stream_may_be_sent_with_its_last_event():
    end = {**chat_answer(), "event": "message_end", "query": "Hi?", "answer": "Hello."}
    assert (one(end).payload["prompt"], one(end).payload["response"]) == ("Hi?", "Hello.")


def test_an_error_event_is_an_interaction_with_an_error():
    body = {
        "event": "error",
        "message_id": "m",
        "status": 400,
        "code": "invalid_param",
        "message": "Bad model",
    }
    assert one(body).payload["metadata"] == {"error": "Bad model", "status": "400", "message_id": "m"}


def test_an_api_error_in_place_of_the_response_is_the_error():
    answer = {"code": "app_unavailable", "message": "App unavailable", "status": 400}
    payload = one({"request": chat_request(), "response": answer}).payload
    assert (payload["response"], payload["metadata"]["error"]) == ("", "App unavailable")


@pytest.mark.parametrize(
    "body",
    [
        {
            "event": "message_end",
            "message_id": "m",
            "conversation_id": "c",
            "metadata": chat_answer()["metadata"],
        },
        {
            "event": "workflow_started",
            "workflow_run_id": "r",
            "data": {"id": "r", "inputs": {"query": "Hi?"}},
        },
        {
            "event": "node_finished",
            "workflow_run_id": "r",
            "data": {"inputs": {"a": "b"}, "outputs": {"a": "b"}},
        },
        {"event": "agent_thought", "message_id": "m", "thought": "Hm", "tool": "search", "tool_input": "{}"},
        {"event": "text_chunk", "data": {"text": "Hel"}},
        {"event": "ping"},
        {},
        {"query": 5, "answer": True},
        [],
        [history_item()],
        "text",
        None,
    ],
)
def test_a_body_without_an_interaction_says_what_was_looked_for(body):
    with pytest.raises(Unmappable) as caught:
        one(body)
    assert caught.value.looked_for[0] == "query"
    assert {"answer", "data.outputs"} <= set(caught.value.looked_for)


def test_the_senders_own_metadata_is_kept_without_what_is_mapped_by_name():
    body = {**chat_answer(), "metadata": {**chat_answer()["metadata"], "annotation_reply": {"id": "n"}}}
    metadata = one(body).payload["metadata"]
    assert metadata["annotation_reply"] == {"id": "n"}
    assert not {"usage", "retriever_resources"} & metadata.keys()


def test_a_canonical_body_comes_back_as_it_is():
    body = {"agent_id": "a", "prompt": "p", "response": "r", "query": "ignored", "toolCalls": []}
    assert one(body) == Mapped(body)


def test_an_agent_id_does_not_make_a_pair_canonical():
    mapped = one({"agentId": "a", "request": chat_request(), "response": chat_answer()})
    assert (mapped.payload["agentId"], mapped.payload["response"]) == ("a", "It has a 6.1 inch display.")


def test_headers_are_not_kept():
    data = {"outputs": {"text": "ok"}, "inputs": {"headers": {"Authorization": "Bearer s3cret"}}}
    assert "s3cret" not in repr(one(workflow_answer(**data)))


def test_fields_of_the_wrong_type_are_ignored():
    usage = {"total_tokens": "many", "prompt_tokens": True, "latency": float("inf"), "total_price": []}
    thoughts = [5, {"tool": ["x"]}, {"tool": "a;;"}]
    body = {
        **chat_answer(),
        "metadata": {"usage": usage, "retriever_resources": 7},
        "agent_thoughts": thoughts,
    }
    payload = one({**body, "message_id": {}, "user": []}).payload
    assert payload["metadata"] == {}
    assert payload["toolCalls"] == [{"name": "a", "input": None, "output": None}]
    assert "userId" not in payload


@given(native_json())
def test_any_json_is_mapped_or_unmappable(body):
    try:
        mapped = to_canonical("dify", body)
    except Unmappable:
        return
    for interaction in mapped:
        if interaction.native is not None:
            assert isinstance(interaction.payload["prompt"], str)
            assert isinstance(interaction.payload["response"], str)
