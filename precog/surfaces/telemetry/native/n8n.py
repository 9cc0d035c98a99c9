"""n8n's items, in every wrapper they come in: chat, agent and model output, failed workflows, executions."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import zip_longest
from typing import Any

from .shared import (
    AGENT_IDS,
    CONVERSATION_IDS,
    MOST_ITEMS,
    SESSION_IDS,
    USER_IDS,
    Found,
    Mapped,
    Object,
    TooManyItems,
    Unmappable,
    choose,
    fault,
    first_id,
    first_text,
    identifier,
    known,
    milliseconds,
    number,
    record,
    records,
    sent_calls,
    side,
    text,
    tokens,
    tool_call,
    total,
    without_headers,
)

PROMPTS = ("chatInput", "input", "query", "prompt", "question")
RESPONSES = ("output", "text", "response")
LOOKED_FOR = PROMPTS + RESPONSES
FAILED = ("error", "crashed")
COUNTS = ("promptTokens", "completionTokens", "totalTokens")


def to_mapped(body: Any) -> list[Mapped]:
    """One interaction an item; items that hold none are left out as long as another holds one."""
    mapped: list[Mapped] = []
    items = [pair for found in _items(body) for pair in _pairs(*found)]
    if len(items) > MOST_ITEMS:
        raise TooManyItems()
    for item, sent in items:
        try:
            mapped += choose(item, partial(_to_native, sent=sent))
        except Unmappable:
            continue
    if not mapped:
        raise Unmappable(LOOKED_FOR)
    return mapped


def _items(value: Any) -> list[tuple[Object, Any]]:
    """Each item out of its wrappers, and beside it what was sent for this item alone."""
    if isinstance(value, list):
        found = [pair for element in value for pair in _items(element)]
    elif isinstance(value, dict) and (name := _wraps(value)):
        agent = _agent(value)
        found = [({**agent, **item}, sent) for item, sent in _items(value[name])]
    else:
        return [(value, value)] if isinstance(value, dict) else []
    return [(found[0][0], value)] if len(found) == 1 else found


def _agent(around: Object) -> Object:
    """What names the agent of many items at once: ids alone, since every item gets a copy."""
    workflow = record(around.get("workflow"))
    ids = {name: identifier(around.get(name)) for name in (*AGENT_IDS, "workflowId")}
    named = {name: identifier(workflow.get(name)) for name in ("id", "name")}
    return known({**ids, "workflow": known(named)})


def _wraps(value: Object) -> str | None:
    """The name under which the object holds items; None when it is an item itself."""
    body, query = value.get("body"), value.get("query")
    if isinstance(body, (dict, list)) and ({"headers", "params"} & value.keys() or isinstance(query, dict)):
        # The Webhook node's output, whose `query` is the URL's: no prompt, but all there is without a body.
        return "body" if body or not isinstance(query, dict) else "query"
    if first_text(LOOKED_FOR, value) or "request" in value:
        return None
    if isinstance(value.get("json"), (dict, list)):
        return "json"
    lists = (name for name in ("items", "data", "body") if records(value.get(name)))
    return next(lists, "body" if record(body) else None)


def _pairs(item: Object, sent: Any) -> list[tuple[Object, Any]]:
    """A pair of several requests and responses as so many pairs, in their order; anything else as it is.

    What stands around them goes with the first; the others keep no more than what names the agent.
    """
    if "request" not in item:
        return [(item, sent)]
    requests, responses = _side(item["request"], "prompt"), _side(item.get("response"), "response")
    if len(requests) == len(responses) == 1:
        return [(item, sent)]
    pairs = [{"request": one, "response": other} for one, other in zip_longest(requests, responses)]
    agent = _agent(item)
    found = [{**item, **pairs[0]}, *({**agent, **pair} for pair in pairs[1:])]
    return [(pair, pair) for pair in found]


def _side(value: Any, name: str) -> list[Object]:
    return [item for item, _ in _items(value)] or [side(value, name)]


def _to_native(item: Object, *, sent: Any) -> list[Mapped]:
    request, answer = _sides(without_headers(item))
    return [_find(request, answer).to_mapped(without_headers(sent), looked_for=LOOKED_FOR)]


def _sides(item: Object) -> tuple[Object, Object]:
    """The request's and the response's fields: an execution's, a pair's, or one item twice."""
    if record(record(item.get("data")).get("resultData")):
        return _of_execution(item)
    if "request" not in item:
        return item, item
    around = {name: value for name, value in item.items() if name not in ("request", "response")}
    (request, *_), (response, *_) = _side(item["request"], "prompt"), _side(item.get("response"), "response")
    return {**around, **request}, {**around, **response}


def _find(request: Object, answer: Object) -> Found:
    workflows = [record(one.get("workflow")) for one in (request, answer)]
    agent_id = first_id(AGENT_IDS, request, answer) or first_id(("id",), *workflows)
    return Found(
        prompt=first_text(PROMPTS, request, answer),
        response=_generated(answer) or first_text(RESPONSES, answer),
        agent_id=agent_id or first_id(("workflowId",), request, answer),
        user_id=first_id(USER_IDS, request, answer),
        session_id=first_id(SESSION_IDS, request, answer),
        conversation_id=first_id(CONVERSATION_IDS, request, answer),
        tool_calls=_tool_calls(answer) or sent_calls(request, answer),
        metadata=_metadata(request, answer),
        sent_metadata={**record(answer.get("metadata")), **record(request.get("metadata"))},
    )


def _generated(answer: Object) -> str:
    """The texts of a model node's output: {"response": {"generations": [[{"text"}]]}}."""
    generations = record(answer.get("response")).get("generations")
    lists = generations if isinstance(generations, list) else []
    texts = [text(one.get("text")) for generated in lists for one in records(generated)]
    return "\n".join(filter(None, texts))


def _tool_calls(answer: Object) -> list[Object]:
    steps = [(record(step.get("action")), step) for step in records(answer.get("intermediateSteps"))]
    return [
        tool_call(action.get("tool"), input=action.get("toolInput"), output=step.get("observation"))
        for action, step in steps
    ]


def _metadata(request: Object, answer: Object) -> Object:
    execution, trigger = record(answer.get("execution")), record(answer.get("trigger"))
    read, written, used = (_counts(answer).get(name) for name in COUNTS)
    return {
        **tokens(read=read, written=written, used=used),
        "model": first_id(("model",), answer, request),
        "run_id": first_id(("executionId",), request, answer) or identifier(execution.get("id")),
        "workflow_name": first_id(("name",), record(answer.get("workflow"))),
        "error": _error(execution, trigger, answer),
        "status": first_id(("status",), execution, answer),
        "mode": first_id(("mode",), execution, trigger),
        "last_node": first_id(("lastNodeExecuted",), execution),
        "execution_url": first_id(("url",), execution),
        "response_time_ms": number(execution.get("response_time_ms")),
    }


def _error(execution: Object, trigger: Object, answer: Object) -> str | None:
    status = first_id(("status",), execution)
    said = fault(execution.get("error"), trigger.get("error"), answer.get("error"))
    return said or (status if status in FAILED else None)


def _counts(item: Object) -> Object:
    return record(item.get("tokenUsage")) or record(item.get("tokenUsageEstimate"))


def _of_execution(execution: Object) -> tuple[Object, Object]:
    """The public API's execution as the two sides of one interaction, written as n8n's nodes write them.

    The prompt is the first that any node put out, the response the last; each under its most telling name.
    """
    result = record(record(execution.get("data")).get("resultData"))
    runs = _runs(record(result.get("runData")))
    items = [item for _, run in runs for item in _put_out(run, main=True)]
    ended = [run for node, run in runs if node == result.get("lastNodeExecuted")]
    last = [item for run in ended for item in _put_out(run, main=True)]
    request = {name: value for item in reversed(items) for name, value in known(item).items()}
    answer = {name: value for item in items + last[-1:] for name, value in known(item).items()}
    around = {
        "executionId": execution.get("id"),
        "workflowId": execution.get("workflowId"),
        "workflow": {"id": execution.get("workflowId"), "name": execution.get("workflowName")},
        "execution": _about(execution, result, runs),
        "tokenUsage": _all_counts(runs),
        "intermediateSteps": [step for item in items for step in records(item.get("intermediateSteps"))],
    }
    return {**request, **around}, {**answer, **around}


def _runs(by_node: Object) -> list[tuple[str, Object]]:
    """Every node's runs, in the order in which they started."""
    runs = [(node, run) for node, runs in by_node.items() for run in records(runs)]
    return sorted(runs, key=lambda one: number(one[1].get("startTime")) or 0)


def _put_out(run: Object, *, main: bool) -> list[Object]:
    """The items a run put out to the next node (main), or to the node that it serves as model or tool."""
    found: list[Object] = []
    for connection, branches in record(run.get("data")).items():
        if (connection == "main") is main and isinstance(branches, list):
            found += [item for branch in branches for item, _ in _items(branch)]
    return found


def _all_counts(runs: list[tuple[str, Object]]) -> Object:
    counts = [_counts(item) for _, run in runs for main in (True, False) for item in _put_out(run, main=main)]
    return {name: total(one.get(name) for one in counts) for name in COUNTS}


def _about(execution: Object, result: Object, runs: list[tuple[str, Object]]) -> Object:
    return {
        "id": execution.get("id"),
        "status": execution.get("status"),
        "mode": execution.get("mode"),
        "lastNodeExecuted": result.get("lastNodeExecuted"),
        "error": fault(result.get("error"), *(run.get("error") for _, run in runs)),
        "response_time_ms": _elapsed_ms(execution.get("startedAt"), execution.get("stoppedAt")),
    }


def _elapsed_ms(started: Any, stopped: Any) -> int | float | None:
    try:
        took = datetime.fromisoformat(stopped) - datetime.fromisoformat(started)
    except (TypeError, ValueError):
        return None
    return milliseconds(took.total_seconds())
