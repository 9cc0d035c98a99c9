"""Flowise's bodies become telemetry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.surfaces.telemetry.native import Mapped, Unmappable, to_canonical

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = """question form json text prompt response request status data error action chatId sessionId agentId
    chatMessageId executionId agentFlowExecutedData usedTools sourceDocuments agentReasoning output input
    content usageMetadata total_tokens calledTools timeMetadata delta metadata toolCalls
    overrideConfig headers"""


def native_json(names: str) -> st.SearchStrategy:
    """Any JSON, with the platform's names in any place and of any type."""
    keys = st.sampled_from(names.split()) | st.text(max_size=4)
    return st.recursive(
        ANYTHING,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=8),
        max_leaves=24,
    )


def one(body) -> Mapped:
    (mapped,) = to_canonical("flowise", body)
    return mapped


def chatflow() -> dict:
    return {
        "text": "Refunds take 14 days.",
        "question": "What is your refund policy?",
        "chatId": "c0ffee00-0001",
        "chatMessageId": "msg-0001",
        "sessionId": "session-1",
        "memoryType": "Buffer Memory",
        "sourceDocuments": [{"pageContent": "Refunds: 14 days.", "metadata": {"source": "policy.pdf"}}],
        "usedTools": [
            {"tool": "search", "toolInput": {"input": "refund"}, "toolOutput": '{"hits": 3}'},
            {"tool": "mail", "toolInput": {"to": "a@b.c"}, "toolOutput": "", "error": "SMTP refused"},
        ],
        "followUpPrompts": '["And exchanges?"]',
    }


def agent_node(**output) -> dict:
    return {
        "nodeLabel": "Agent",
        "nodeId": "agentAgentflow_0",
        "previousNodeIds": ["startAgentflow_0"],
        "status": "FINISHED",
        "data": {
            "id": "agentAgentflow_0",
            "name": "agentAgentflow",
            "input": {"messages": []},
            "output": output,
        },
    }


def agentflow(**more) -> dict:
    start = {
        "nodeLabel": "Start",
        "nodeId": "startAgentflow_0",
        "previousNodeIds": [],
        "status": "FINISHED",
        "data": {"id": "startAgentflow_0", "name": "startAgentflow", "input": {"question": "Book a room"}},
    }
    agent = agent_node(
        content="Booked.",
        timeMetadata={"start": 1000, "end": 2200, "delta": 1200},
        usageMetadata={"input_tokens": 90, "output_tokens": 10, "total_tokens": 100, "total_cost": 0.25},
        responseMetadata={"model_name": "gpt-4o-mini"},
        usedTools=[{"tool": "book", "toolInput": {"room": 7}, "toolOutput": "ok"}],
        calledTools=[
            {"name": "book", "args": {"room": 7}, "id": "1"},
            {"name": "pay", "args": {"eur": 90}, "id": "2"},
        ],
        sourceDocuments=[{"pageContent": "Room 7 is free", "metadata": {}}],
    )
    llm = agent_node(
        content="Done.",
        timeMetadata={"start": 2200, "end": 2500, "delta": 300},
        usageMetadata={"input_tokens": 9, "output_tokens": 1, "total_tokens": 10, "total_cost": 0.5},
    )
    return {
        "text": "Booked.",
        "question": "Book a room",
        "form": {},
        "chatId": "chat-9",
        "chatMessageId": "msg-9",
        "executionId": "exec-9",
        "agentFlowExecutedData": [start, agent, llm],
        "sessionId": "session-9",
        **more,
    }


def test_a_chatflow_answer_gives_prompt_response_and_ids():
    mapped = one(chatflow())
    assert mapped.payload["prompt"] == "What is your refund policy?"
    assert mapped.payload["response"] == "Refunds take 14 days."
    assert mapped.payload["sessionId"] == "session-1"
    assert mapped.payload["conversationId"] == "c0ffee00-0001"
    assert mapped.message_id == mapped.payload["metadata"]["message_id"] == "msg-0001"
    assert "agentId" not in mapped.payload and "userId" not in mapped.payload


def test_the_whole_body_is_kept_beside_the_payload():
    assert one(chatflow()).native == chatflow()


def test_used_tools_become_tool_calls_and_a_failed_one_says_why():
    assert one(chatflow()).payload["toolCalls"] == [
        {"name": "search", "input": {"input": "refund"}, "output": {"hits": 3}},
        {"name": "mail", "input": {"to": "a@b.c"}, "output": "", "success": False, "error": "SMTP refused"},
    ]


def test_source_documents_become_documents():
    documents = one(chatflow()).payload["metadata"]["documents"]
    assert documents == [{"content": "Refunds: 14 days.", "metadata": {"source": "policy.pdf"}}]


def test_a_json_answer_becomes_compact_text_in_its_own_order():
    body = {**chatflow(), "json": {"verdict": "grün", "a": [1, 2]}}
    del body["text"]
    assert one(body).payload["response"] == '{"verdict":"grün","a":[1,2]}'


def test_request_and_response_are_taken_as_a_pair():
    answer = chatflow()
    del answer["question"], answer["sessionId"]
    request = {"question": "Hi?", "overrideConfig": {"sessionId": "from-config"}, "streaming": False}
    mapped = one({"chatflowid": "flow-1", "request": request, "response": answer})
    assert mapped.payload["agentId"] == "flow-1"
    assert mapped.payload["prompt"] == "Hi?"
    assert mapped.payload["response"] == "Refunds take 14 days."
    assert mapped.payload["sessionId"] == "from-config"
    assert mapped.message_id == "msg-0001"


def test_a_pair_may_hold_bare_strings():
    payload = one({"request": "Hi?", "response": "Hello."}).payload
    assert (payload["prompt"], payload["response"]) == ("Hi?", "Hello.")


def test_a_question_may_stand_beside_the_whole_response():
    payload = one({"question": "Hi?", "response": {"text": "Hello.", "chatId": "c"}}).payload
    assert (payload["prompt"], payload["response"], payload["sessionId"]) == ("Hi?", "Hello.", "c")


def test_a_form_is_the_prompt_of_a_flow_that_no_question_started():
    payload = one({"request": {"form": {"name": "Ann", "age": 7}}, "response": {"text": "Hello Ann"}}).payload
    assert payload["prompt"] == '{"name":"Ann","age":7}'


@pytest.mark.parametrize("name", ["chatflowid", "chatflowId", "flowId", "agentId", "agent_id"])
def test_the_flow_id_names_the_agent(name):
    assert one({**chatflow(), name: 42}).payload["agentId"] == "42"


def test_an_agent_id_wins_over_a_flow_id():
    assert one({**chatflow(), "chatflowid": "flow", "agent_id": "mine"}).payload["agentId"] == "mine"


def test_an_agentflow_sums_tokens_cost_and_time_over_its_nodes():
    metadata = one(agentflow()).payload["metadata"]
    assert {name: metadata[name] for name in ("tokens_used", "input_tokens", "output_tokens")} == {
        "tokens_used": 110,
        "input_tokens": 99,
        "output_tokens": 11,
    }
    assert (metadata["total_cost"], metadata["response_time_ms"]) == (0.75, 1500)
    assert (metadata["run_id"], metadata["model"]) == ("exec-9", "gpt-4o-mini")


def test_a_call_that_ran_is_told_once_and_one_that_did_not_is_told_too():
    assert one(agentflow()).payload["toolCalls"] == [
        {"name": "book", "input": {"room": 7}, "output": "ok"},
        {"name": "pay", "input": {"eur": 90}, "output": None},
    ]


def test_what_reasoning_repeats_of_the_answer_is_not_told_again():
    body = chatflow()
    extra = {"tool": "clock", "toolInput": {}, "toolOutput": "12:00"}
    again = {"usedTools": [*body["usedTools"], None, extra], "sourceDocuments": body["sourceDocuments"]}
    payload = one({**body, "agentReasoning": [{"agentName": "Worker", "messages": ["hm"], **again}]}).payload
    assert [call["name"] for call in payload["toolCalls"]] == ["search", "mail", "clock"]
    assert len(payload["metadata"]["documents"]) == 1


def test_an_agent_that_made_one_call_twice_is_told_twice():
    call = {"tool": "clock", "toolInput": {}, "toolOutput": "12:00"}
    assert len(one({**chatflow(), "usedTools": [call, call]}).payload["toolCalls"]) == 2


def test_executed_nodes_alone_tell_prompt_and_response():
    payload = one({"agentFlowExecutedData": agentflow()["agentFlowExecutedData"]}).payload
    assert (payload["prompt"], payload["response"]) == ("Book a room", "Done.")


def test_a_failed_node_is_the_error():
    failed = {"nodeLabel": "HTTP 0", "status": "ERROR", "data": {"error": "connect ECONNREFUSED"}}
    assert (
        one(agentflow(agentFlowExecutedData=[failed])).payload["metadata"]["error"] == "connect ECONNREFUSED"
    )
    silent = {"nodeLabel": "HTTP 0", "status": "ERROR"}
    assert one(agentflow(agentFlowExecutedData=[silent])).payload["metadata"]["error"] == "HTTP 0 failed"


def test_a_success_callback_is_its_data():
    mapped = one({"status": "SUCCESS", "chatId": "chat-9", "data": agentflow()})
    assert (mapped.payload["prompt"], mapped.payload["response"]) == ("Book a room", "Booked.")
    assert mapped.payload["metadata"]["status"] == "SUCCESS"
    assert mapped.message_id == "msg-9"


def test_a_stopped_callback_keeps_the_whole_action():
    action = {"id": "a1", "mapping": {"approve": "Proceed", "reject": "Reject"}, "elements": []}
    data = {"text": "", "executionId": "exec-1", "action": action}
    payload = one({"status": "STOPPED", "chatId": "chat-1", "data": data}).payload
    assert (payload["prompt"], payload["response"], payload["sessionId"]) == ("", "", "chat-1")
    assert payload["metadata"] == {"status": "STOPPED", "action": action, "run_id": "exec-1"}


def test_an_answer_that_waits_for_a_person_is_stopped():
    waiting = {"nodeLabel": "Human", "status": "STOPPED", "data": {}}
    payload = one(agentflow(agentFlowExecutedData=[waiting], action={"id": "a1"})).payload
    assert (payload["metadata"]["status"], payload["metadata"]["action"]) == ("STOPPED", {"id": "a1"})


@pytest.mark.parametrize("error", ["Flow failed", {"message": "Flow failed", "stack": "..."}])
def test_an_error_callback_has_no_response_but_an_error(error):
    payload = one({"status": "ERROR", "chatId": "chat-1", "error": error}).payload
    assert (payload["prompt"], payload["response"]) == ("", "")
    assert payload["metadata"] == {"status": "ERROR", "error": "Flow failed"}


def test_a_refused_prediction_keeps_its_message():
    answer = {"statusCode": 500, "success": False, "message": "Chatflow not found", "stack": {}}
    payload = one({"request": {"question": "Hi?"}, "response": answer}).payload
    assert (payload["prompt"], payload["response"]) == ("Hi?", "")
    assert payload["metadata"]["error"] == "Chatflow not found"


def test_headers_are_not_kept_at_any_depth():
    http = {"method": "GET", "headers": [{"key": "Authorization", "value": "Bearer s3cret"}]}
    body = agentflow(
        agentFlowExecutedData=[{"data": {"input": http, "output": {"http": {"Headers": {"k": "s3cret"}}}}}]
    )
    assert "s3cret" not in repr(one(body))
    assert one(body).native["agentFlowExecutedData"][0]["data"]["input"] == {"method": "GET"}


def test_the_senders_own_metadata_and_tool_calls_are_kept():
    call = {"name": "search", "input": {}, "output": {}}
    body = {
        **chatflow(),
        "usedTools": [],
        "toolCalls": [call],
        "metadata": {"environment": "prod", "message_id": "x"},
    }
    payload = one(body).payload
    assert payload["toolCalls"] == [call]
    assert (payload["metadata"]["environment"], payload["metadata"]["message_id"]) == ("prod", "msg-0001")


@pytest.mark.parametrize(
    "body",
    [
        {"agentId": "a", "prompt": "p", "response": "r", "metadata": {"x": 1}, "text": "ignored"},
        {"prompt": "p", "response": ""},
        {"agentId": "a", "prompt": "p"},
        {"agentId": "a", "prompt": 5},
        {"agent_id": "a", "response": "r"},
        {"agent_id": "a", "prompt": "p", "response": {"unknown": 1}},
    ],
)
def test_a_canonical_body_comes_back_as_it_is(body):
    mapped = one(body)
    assert mapped == Mapped(body)
    assert mapped.payload is not body


def test_an_agent_id_does_not_make_a_native_body_canonical():
    mapped = one({"agentId": "a", "prompt": "p", "text": "t"})
    assert (mapped.payload["prompt"], mapped.payload["response"]) == ("p", "t")
    assert mapped.native is not None


@pytest.mark.parametrize("body", [None, 1, "text", [], [chatflow()], {}, {"text": 7, "question": True}])
def test_a_body_with_nothing_in_it_says_what_was_looked_for(body):
    with pytest.raises(Unmappable) as caught:
        one(body)
    assert caught.value.looked_for[0] == "question"
    assert {"text", "json"} <= set(caught.value.looked_for)


def test_fields_of_the_wrong_type_are_ignored():
    wrong = {
        "usedTools": [1, {"tool": 5}],
        "sourceDocuments": {},
        "chatMessageId": [],
        "agentFlowExecutedData": [{"data": {"output": {"usageMetadata": {"total_tokens": True}}}}, 3],
    }
    mapped = one({**chatflow(), **wrong})
    assert mapped.payload["toolCalls"] == [{"name": "5", "input": None, "output": None}]
    assert mapped.message_id is None
    assert not {"documents", "tokens_used"} & mapped.payload["metadata"].keys()


@pytest.mark.parametrize(
    "output",
    [
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"a": 1, "a": 2}',
        '{"a": 1e999}',
        '{"a": 9223372036854775808}',
        "[" * 33 + "]" * 33,
        "[" * 100_000,
        "[1",
        "true",
    ],
)
def test_a_string_of_json_that_no_body_could_hold_stays_a_string(output):
    call = {"tool": "t", "toolInput": {}, "toolOutput": output}
    assert one({**chatflow(), "usedTools": [call]}).payload["toolCalls"][0]["output"] == output


@given(native_json(NAMES))
def test_any_json_is_mapped_or_unmappable(body):
    try:
        mapped = to_canonical("flowise", body)
    except Unmappable:
        return
    for interaction in mapped:
        if interaction.native is None:
            assert interaction.payload == body
        else:
            assert isinstance(interaction.payload["prompt"], str)
            assert isinstance(interaction.payload["response"], str)


def test_the_custom_integration_takes_our_own_form_as_it_is():
    assert to_canonical("custom", {"question": "q"}) == [Mapped({"question": "q"})]
    with pytest.raises(Unmappable):
        to_canonical("custom", [{"prompt": "p", "response": "r"}])
