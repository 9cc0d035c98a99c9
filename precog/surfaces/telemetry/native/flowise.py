"""Flowise's bodies: chatflow and Agentflow v2 answers, and the callbacks of webhook-triggered flows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .shared import (
    AGENT_IDS,
    CONVERSATION_IDS,
    SESSION_IDS,
    USER_IDS,
    Found,
    Mapped,
    Object,
    Unmappable,
    choose,
    fault,
    first_id,
    first_text,
    parsed,
    record,
    records,
    sent_calls,
    sides,
    text,
    tokens,
    tool_call,
    total,
    without_headers,
)

# What starts a flow, besides a question: a form, a person's go-ahead, a webhook's body.
PROMPTS = ("question", "form", "humanInput", "webhook", "prompt")
RESPONSES = ("text", "json", "response")
LOOKED_FOR = PROMPTS + RESPONSES
FLOW_IDS = (*AGENT_IDS, "chatflowid", "chatflowId", "flowId")


def to_mapped(body: Any) -> list[Mapped]:
    """The one interaction in a Flowise body."""
    if not isinstance(body, dict):
        raise Unmappable(LOOKED_FOR)
    return choose(body, _to_native)


def _to_native(body: Object) -> list[Mapped]:
    native = without_headers(body)
    request, response = sides(native)
    return [_find(request, _answer(response)).to_mapped(native, looked_for=LOOKED_FOR)]


def _answer(response: Object) -> Object:
    """The flow's answer, taken out of a callback ({"status", "chatId", "data"}) when it came in one."""
    status, data = response.get("status"), response.get("data")
    if isinstance(status, str) and isinstance(data, dict):
        return {**response, **data, "status": status}
    return response


def _find(request: Object, answer: Object) -> Found:
    nodes = records(parsed(answer.get("agentFlowExecutedData")))
    outputs = [_data(node, "output") for node in nodes]
    chat_id = first_id(("chatId",), answer, request)
    return Found(
        prompt=first_text(PROMPTS, request, answer, *(_data(node, "input") for node in nodes)),
        response=first_text(RESPONSES, answer) or first_text(("content",), *reversed(outputs)),
        agent_id=first_id(FLOW_IDS, request, answer),
        user_id=first_id(USER_IDS, request, answer),
        session_id=first_id(SESSION_IDS, answer, request, record(request.get("overrideConfig"))) or chat_id,
        conversation_id=first_id(CONVERSATION_IDS, request, answer) or chat_id,
        message_id=first_id(("chatMessageId",), answer),
        tool_calls=_tool_calls(request, answer, nodes),
        metadata=_metadata(answer, nodes),
        sent_metadata={**record(answer.get("metadata")), **record(request.get("metadata"))},
    )


def _data(node: Object, name: str) -> Object:
    return record(record(node.get("data")).get(name))


def _metadata(answer: Object, nodes: list[Object]) -> Object:
    outputs = [_data(node, "output") for node in nodes]
    return {
        **_usage(list(filter(None, _inner(outputs, "usageMetadata"))) or _inner([answer], "usageMetadata")),
        "model": first_id(("model", "model_name"), answer, *_inner(outputs, "responseMetadata")),
        "response_time_ms": total(one.get("delta") for one in _inner(outputs, "timeMetadata")),
        "run_id": first_id(("executionId",), answer),
        "message_id": first_id(("chatMessageId",), answer),
        "status": _status(answer, nodes),
        "error": _error(answer, nodes),
        "action": record(answer.get("action")),
        "documents": _documents(answer, outputs),
    }


def _inner(outer: Iterable[Object], name: str) -> list[Object]:
    return [record(one.get(name)) for one in outer]


def _usage(usage: list[Object]) -> Object:
    read, written, used, cost = (
        total(one.get(name) for one in usage)
        for name in ("input_tokens", "output_tokens", "total_tokens", "total_cost")
    )
    return {**tokens(read=read, written=written, used=used), "total_cost": cost}


def _status(answer: Object, nodes: list[Object]) -> str | None:
    """A callback's status; a synchronous answer has none, but its nodes tell that it waits for a person."""
    if isinstance(answer.get("status"), str):
        return str(answer["status"])
    return "STOPPED" if any(node.get("status") == "STOPPED" for node in nodes) else None


def _error(answer: Object, nodes: list[Object]) -> str | None:
    """What went wrong with the flow, else with its first failed node; a failed tool is told with its call."""
    if found := fault(answer.get("error")):
        return found
    if answer.get("success") is False and isinstance(answer.get("message"), str):
        return str(answer["message"])
    for node in nodes:
        if node.get("status") == "ERROR":
            said = fault(record(node.get("data")).get("error"), _data(node, "output").get("error"))
            return said or f"{first_id(('nodeLabel', 'nodeId'), node) or 'a node'} failed"
    return "ERROR" if answer.get("status") == "ERROR" else None


def _tool_calls(request: Object, answer: Object, nodes: list[Object]) -> list[Object]:
    """Flowise tells of one call in up to three places: the answer, an agent's reasoning, a node's output."""
    found = _unrepeated(
        _used(answer),
        [call for one in records(answer.get("agentReasoning")) for call in _used(one)],
        [call for node in nodes for call in _of_node(_data(node, "output"))],
    )
    return found or sent_calls(request, answer)


def _used(holder: Object) -> list[Object]:
    return [
        tool_call(
            one.get("tool"), input=one.get("toolInput"), output=one.get("toolOutput"), error=one.get("error")
        )
        for one in records(holder.get("usedTools"))
    ]


def _of_node(output: Object) -> list[Object]:
    """The calls that ran, and those that the model asked for and that did not run."""
    used = _used(output)
    called = [tool_call(one.get("name"), input=one.get("args")) for one in records(output.get("calledTools"))]
    ran = {text([call["name"], call["input"]]) for call in used}
    return used + [call for call in called if text([call["name"], call["input"]]) not in ran]


def _documents(answer: Object, outputs: list[Object]) -> list[Object]:
    places = ([answer], records(answer.get("agentReasoning")), outputs)
    return _unrepeated(*([doc for holder in place for doc in _sources(holder)] for place in places))


def _sources(holder: Object) -> list[Object]:
    return [
        {"content": text(one.get("pageContent")), "metadata": record(one.get("metadata"))}
        for one in records(holder.get("sourceDocuments"))
    ]


def _unrepeated(*sources: list[Object]) -> list[Object]:
    """All sources as one list, without what an earlier source held; a source may repeat itself."""
    seen: set[str] = set()
    kept: list[Object] = []
    for source in sources:
        keys = [json.dumps(one, sort_keys=True) for one in source]
        kept += [one for one, key in zip(source, keys, strict=True) if key not in seen]
        seen.update(keys)
    return kept
