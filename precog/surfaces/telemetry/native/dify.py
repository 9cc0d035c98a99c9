"""Dify's bodies: chat and workflow answers, the streaming events that carry one, message history items."""

from __future__ import annotations

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
    identifier,
    known,
    milliseconds,
    number,
    parsed,
    record,
    records,
    sent_calls,
    sides,
    text,
    tokens,
    tool_call,
    without_headers,
)

PROMPTS = ("query", "inputs", "prompt")
LOOKED_FOR = ("query", "inputs", "data.inputs", "prompt", "answer", "data.outputs", "response")
APP_IDS = (*AGENT_IDS, "app_id", "workflow_id")
FAILED = ("failed", "error", "exception")


def to_mapped(body: Any) -> list[Mapped]:
    """The one interaction in a Dify body."""
    if not isinstance(body, dict):
        raise Unmappable(LOOKED_FOR)
    return choose(body, _to_native)


def _to_native(body: Object) -> list[Mapped]:
    native = without_headers(body)
    request, answer = sides(native)
    return [_find(request, answer, _run(answer)).to_mapped(native, looked_for=LOOKED_FOR)]


def _run(answer: Object) -> Object:
    """The workflow run that the body tells of; a streaming event's `data` is one only at the run's end."""
    event = answer.get("event")
    return record(answer.get("data")) if event == "workflow_finished" or not isinstance(event, str) else {}


def _find(request: Object, answer: Object, run: Object) -> Found:
    conversation_id = first_id(CONVERSATION_IDS, answer, request)
    return Found(
        prompt=first_text(PROMPTS, request, answer, run),
        response=text(answer.get("answer")) or text(run.get("outputs")) or text(answer.get("response")),
        agent_id=first_id(APP_IDS, request, answer, run),
        user_id=first_id((*USER_IDS, "user"), request, answer),
        session_id=first_id(SESSION_IDS, request, answer) or conversation_id,
        conversation_id=conversation_id,
        message_id=_message_id(answer) or first_id(("workflow_run_id",), answer),
        tool_calls=_tool_calls(answer) or sent_calls(request, answer),
        metadata=_metadata(request, answer, run),
        sent_metadata=_sent_metadata(request, answer),
    )


def _message_id(answer: Object) -> str | None:
    """The message's id; an item of the message history has it under `id` alone."""
    is_history = {"conversation_id", "query", "answer"} <= answer.keys()
    return identifier(answer.get("message_id"), answer.get("id") if is_history else None)


def _metadata(request: Object, answer: Object, run: Object) -> Object:
    usage = record(record(answer.get("metadata")).get("usage"))
    return {
        **_usage(usage, answer, run),
        **{name: _as_it_is(name, usage, answer) for name in ("total_price", "currency")},
        "response_time_ms": milliseconds(
            usage.get("latency"),
            answer.get("provider_response_latency"),
            run.get("elapsed_time"),
            answer.get("elapsed_time"),
        ),
        "model": first_id(("model",), answer, request),
        "run_id": first_id(("workflow_run_id",), answer, run),
        "message_id": _message_id(answer),
        "status": first_id(("status",), run, answer),
        "error": _error(answer, run),
        "documents": _documents(answer),
        "inputs": record(request.get("inputs")) if text(request.get("query")) else None,
    }


def _usage(usage: Object, answer: Object, run: Object) -> Object:
    return tokens(
        read=number(usage.get("prompt_tokens"), answer.get("message_tokens")),
        written=number(usage.get("completion_tokens"), answer.get("answer_tokens")),
        used=number(*(one.get("total_tokens") for one in (usage, answer, run))),
    )


def _as_it_is(name: str, *sources: Object) -> Any:
    """The first string or number under the name: Dify writes a price as a string, and a price it stays."""
    values = (source.get(name) for source in sources)
    return next((one for one in values if isinstance(one, str) or number(one) is not None), None)


def _error(answer: Object, run: Object) -> str | None:
    """The message of a failed run or message, of an `error` event or an API error; else the bad status."""
    if found := fault(run.get("error"), answer.get("error")):
        return found
    if answer.get("event") == "error" or isinstance(answer.get("code"), str):
        return fault(answer.get("message"), answer.get("code"))
    status = first_id(("status",), run, answer)
    return status if status in FAILED else None


def _sent_metadata(request: Object, answer: Object) -> Object:
    """The sender's own metadata: all but what Dify keeps there, which is mapped by name."""
    both = {**record(answer.get("metadata")), **record(request.get("metadata"))}
    return {name: value for name, value in both.items() if name not in ("usage", "retriever_resources")}


def _documents(answer: Object) -> list[Object]:
    in_metadata = records(record(answer.get("metadata")).get("retriever_resources"))
    return [
        known(
            {
                "content": text(one.get("content")),
                "source": first_id(("document_name", "dataset_name"), one),
                "document_id": first_id(("document_id",), one),
                "score": number(one.get("score")),
            }
        )
        for one in in_metadata or records(answer.get("retriever_resources"))
    ]


def _tool_calls(answer: Object) -> list[Object]:
    return [call for thought in records(answer.get("agent_thoughts")) for call in _of_thought(thought)]


def _of_thought(thought: Object) -> list[Object]:
    """One call for each of the thought's tools ("search;calculator")."""
    names = thought["tool"].split(";") if isinstance(thought.get("tool"), str) else []
    tools = list(dict.fromkeys(filter(None, map(str.strip, names))))
    inputs, outputs = _shares(thought.get("tool_input"), tools), _shares(thought.get("observation"), tools)
    calls = zip(tools, inputs, outputs, strict=True)
    return [tool_call(tool, input=given, output=observed) for tool, given, observed in calls]


def _shares(value: Any, tools: list[str]) -> list[Any]:
    """What an object keyed by tool holds for each; what is not keyed so goes whole to the first tool.

    To the first only, and a repeated tool counts once: a thought may be long and name a thousand tools.
    """
    found = parsed(value)
    keyed = record(found)
    return [keyed.get(tool, None if place else found) for place, tool in enumerate(tools)]
