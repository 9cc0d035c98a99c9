"""What the converters share: the result, the error, and careful reading of JSON that anyone may have sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

AGENT_IDS = ("agentId", "agent_id")
USER_IDS = ("userId", "user_id")
SESSION_IDS = ("sessionId", "session_id")
CONVERSATION_IDS = ("conversationId", "conversation_id")

_MAX_INT = 2**63 - 1
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_MAX_PARSED_DEPTH = 32  # leaves room, within a body's 64 levels, for the payload around what was parsed


@dataclass(frozen=True, slots=True)
class Mapped:
    """One interaction in the canonical form, before it is validated."""

    payload: Object  # agentId?, prompt, response, metadata, toolCalls, userId?, sessionId?, conversationId?
    message_id: str | None = None  # the platform's own id for this message, when it has one
    native: Any = None  # what was sent, without headers; None when the body was canonical already


MOST_ITEMS = 1_000


class TooManyItems(Exception):
    """The body holds more interactions than one request may bring."""


class Unmappable(Exception):
    """The body maps to no prompt and no response."""

    def __init__(self, looked_for: tuple[str, ...]) -> None:
        super().__init__(f"none of these fields was found: {', '.join(looked_for)}")
        self.looked_for = looked_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a converter made out in one interaction; None or empty is not known."""

    prompt: str
    response: str
    agent_id: str | None
    user_id: str | None
    session_id: str | None
    conversation_id: str | None
    message_id: str | None = None
    tool_calls: list[Object] = field(default_factory=list)
    metadata: Object = field(default_factory=dict)
    sent_metadata: Object = field(default_factory=dict)  # the sender's own; ours wins over it

    def to_mapped(self, native: Any, *, looked_for: tuple[str, ...]) -> Mapped:
        """The canonical payload; raises Unmappable when there is nothing in it to look at."""
        metadata = known(self.metadata)
        if not (self.prompt or self.response or self.tool_calls or {"error", "action"} & metadata.keys()):
            raise Unmappable(looked_for)
        ids = {"agentId": self.agent_id, "userId": self.user_id, "sessionId": self.session_id}
        payload = {
            **known({**ids, "conversationId": self.conversation_id}),
            "prompt": self.prompt,
            "response": self.response,
            "metadata": {**known(self.sent_metadata), **metadata},
            "toolCalls": self.tool_calls,
        }
        return Mapped(payload, message_id=self.message_id, native=native)


def choose(body: Object, to_native: Callable[[Object], list[Mapped]]) -> list[Mapped]:
    """The body as it is when it is canonical, else what the platform's own mapping makes of it.

    A body with our field for one half only (`agentId` and `prompt`, say) is canonical too, unless the
    platform's names hold the other half: {"agentId", "prompt", "output"} is what people build in n8n.
    """
    if _is_canonical(body):
        return [Mapped(dict(body))]
    if not _is_half_canonical(body):
        return to_native(body)
    try:
        mapped = to_native(body)
    except Unmappable:
        return [Mapped(dict(body))]
    whole = all(one.payload["prompt"] and one.payload["response"] for one in mapped)
    return mapped if whole else [Mapped(dict(body))]


def _is_canonical(body: Object) -> bool:
    # An object is a platform's whole response, never ours; a request beside it makes it a pair.
    pair = isinstance(body.get("response"), dict) or isinstance(body.get("request"), (dict, list))
    return not pair and "prompt" in body and "response" in body


def _is_half_canonical(body: Object) -> bool:
    if "request" in body:
        return False
    named = any(name in body for name in AGENT_IDS)
    if "prompt" in body:
        return named or "response" in body
    return named and "response" in body and not isinstance(body["response"], dict)


def sides(body: Object) -> tuple[Object, Object]:
    """Where the request's and where the response's fields are: a pair's two objects, or one body twice."""
    if "request" not in body and not isinstance(body.get("response"), dict):
        return body, body
    around = {name: value for name, value in body.items() if name not in ("request", "response")}
    request, response = side(body.get("request"), "prompt"), side(body.get("response"), "response")
    return {**around, **request}, {**around, **response}


def side(value: Any, name: str) -> Object:
    """One side of a pair as an object; a bare string stands under `name`."""
    return {name: value} if isinstance(value, str) else record(value)


def record(value: Any) -> Object:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def records(value: Any) -> list[Object]:
    """The objects in the value when it is an array, else none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """A string as it is, an object or array as compact JSON; "" for the rest and for what is empty.

    An object that holds nothing but one string is that string: {"query": "hi"} is "hi".
    """
    if isinstance(value, dict) and len(value) == 1:
        (only,) = value.values()
        value = only if isinstance(only, str) else value
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)) and value:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return ""


def first_text(names: Iterable[str], *sources: Object) -> str:
    """The first text under one of the names, all names in the first source before any in the second."""
    found = (text(source.get(name)) for source in sources for name in names)
    return next(filter(None, found), "")


def identifier(*values: Any) -> str | None:
    """The first value that can be an id: a string that is not blank, or a number without a fraction."""
    for value in values:
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int) and number(value) is not None:
            return str(value)
    return None


def first_id(names: Iterable[str], *sources: Object) -> str | None:
    """The first id under the first name that has one in any source."""
    return identifier(*(source.get(name) for name in names for source in sources))


def number(*values: Any) -> int | float | None:
    """The first value that is a number a database can hold; true and false are none."""
    for value in values:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and -_MAX_INT <= value <= _MAX_INT:
            return value
    return None


def total(values: Iterable[Any]) -> int | float | None:
    """The sum of the numbers among the values; None when there are none."""
    numbers = [found for found in map(number, values) if found is not None]
    return number(sum(numbers)) if numbers else None


def milliseconds(*seconds: Any) -> int | float | None:
    """The first number of seconds, as whole milliseconds."""
    found = number(*seconds)
    return None if found is None else number(round(found * 1000))


def tokens(*, read: Any, written: Any, used: Any) -> Object:
    """Token counts under our names; the total is made of the two when the platform gives none."""
    whole = number(used)
    counts = {"input_tokens": number(read), "output_tokens": number(written)}
    return {"tokens_used": total(counts.values()) if whole is None else whole, **counts}


def fault(*values: Any) -> str | None:
    """The first error message: a string, an object's `message`, or the whole object as text."""
    found = (first_text(("message", "description"), record(value)) or text(value) for value in values)
    return next(filter(None, found), None)


def tool_call(name: Any, *, input: Any, output: Any = None, error: Any = None) -> Object:
    """One call in the canonical form; whether it succeeded is said only when it did not."""
    call = {"name": identifier(name) or "unknown", "input": parsed(input), "output": parsed(output)}
    message = fault(error)
    return {**call, "success": False, "error": message} if message else call


def sent_calls(*sources: Object) -> list[Object]:
    """Tool calls that the sender put into the body in our own form."""
    found = (records(source.get(name)) for source in sources for name in ("toolCalls", "tool_calls"))
    return next(filter(None, found), [])


def known(fields: Object) -> Object:
    """The fields without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def without_headers(value: Any) -> Any:
    """A copy without any `headers`, at whatever depth: they hold credentials."""
    if isinstance(value, dict):
        return {name: without_headers(one) for name, one in value.items() if name.lower() != "headers"}
    return [without_headers(one) for one in value] if isinstance(value, list) else value


def parsed(value: Any) -> Any:
    """What a string of JSON holds, when it is an object or array that a body could have held itself.

    Anything else comes back as it is. The string was not checked with the body, so what the body's own
    check refuses (depth, NUL, lone surrogates, numbers out of range, a name given twice) stays a string.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        found = json.loads(value, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return value
    return found if _fits_a_body(found) else value


def _unique(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _fits_a_body(value: Any, levels: int = _MAX_PARSED_DEPTH) -> bool:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return levels > 0 and all(_fits_a_body(one, levels - 1) for one in value)
    if isinstance(value, str):
        return not _UNSTORABLE.search(value)
    return value is None or isinstance(value, bool) or number(value) is not None
