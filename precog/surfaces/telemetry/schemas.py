"""The PrecogX telemetry JSON, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import NoneType
from typing import Any, ClassVar

import marshmallow as ma

from ...core.telemetry import Interaction
from ...errors import InvalidField, WrongType, WrongValue
from .. import auth
from ..coded import ErrorSchema
from ..fields import Checked, Object, Objects, Text, fault, first_fault, json_type, parse_time

AGENT_ID_CHARACTERS = 200
NAME_CHARACTERS = 512
KEY_CHARACTERS = 255
BATCH_INTERACTIONS = 1_000

_SPELLINGS = {
    "agent_id": "agentId",
    "tool_calls": "toolCalls",
    "user_id": "userId",
    "session_id": "sessionId",
    "conversation_id": "conversationId",
}
_BATCH_SPELLINGS = {**_SPELLINGS, "idempotency_key": "idempotencyKey"}

_NAMES = (("userId", "user_id"), ("sessionId", "session_id"), ("conversationId", "conversation_id"))

EXAMPLE = {
    "agentId": "customer-support-bot",
    "prompt": "What is your refund policy?",
    "response": "Returns are free within thirty days.",
    "metadata": {"timestamp": "2026-01-15T10:30:00Z", "platform": "custom", "model": "gpt-4"},
    "toolCalls": [{"name": "search_policies", "input": {"query": "refund"}, "output": {"count": 1}}],
    "userId": "user-12345",
    "sessionId": "session-abcde",
}


def one_spelling(body: Mapping[str, Any], spellings: Mapping[str, str] = _SPELLINGS) -> dict[str, Any]:
    """The body with snake_case names in camelCase. Raises a fault where both say different things."""
    folded = dict(body)
    for snake, camel in spellings.items():
        if snake not in folded:
            continue
        value = folded.pop(snake)
        if folded.get(camel) is None:
            folded[camel] = value
        elif value is not None and value != folded[camel]:
            wrong = fault(WrongValue, f"{camel} and {snake} to be equal", "two different values")
            raise ma.ValidationError({camel: wrong.messages})
    return folded


class InteractionSchema(ma.Schema):
    """One interaction: what an agent was asked, what it answered, and what it called."""

    SPELLINGS: ClassVar[Mapping[str, str]] = _SPELLINGS
    SPECIAL: ClassVar[frozenset[str]] = frozenset()  # fields that `ordinary` does not know

    class Meta:
        unknown = ma.INCLUDE  # kept with the interaction, not refused

    agent_id = Text(
        required=True,
        data_key="agentId",
        trim=True,
        shortest=1,
        longest=AGENT_ID_CHARACTERS,
        metadata={
            "description": "The agent's name; `agent_id` is taken as well.",
            "example": EXAMPLE["agentId"],
        },
    )
    prompt = Text(required=True, metadata={"example": EXAMPLE["prompt"]})
    response = Text(required=True, metadata={"example": EXAMPLE["response"]})
    metadata = Object(
        metadata={
            "description": "Anything; `timestamp` is RFC 3339.",
            "example": EXAMPLE["metadata"],
        }
    )
    tool_calls = Objects(data_key="toolCalls", metadata={"example": EXAMPLE["toolCalls"]})
    user_id = Text(data_key="userId", longest=NAME_CHARACTERS, metadata={"example": EXAMPLE["userId"]})
    session_id = Text(
        data_key="sessionId", longest=NAME_CHARACTERS, metadata={"example": EXAMPLE["sessionId"]}
    )
    conversation_id = Text(
        data_key="conversationId", longest=NAME_CHARACTERS, metadata={"example": "conv-67890"}
    )

    def load(self, data: Any, **kwargs: Any) -> Interaction:
        """The interaction in core's words. Raises ValidationError."""
        body = one_spelling(data, self.SPELLINGS)
        if body.get("agentId") is None and (own := auth.own_agent_id()) is not None:
            body["agentId"] = own
        # Of one in which all is well there is nothing to say, and saying it takes 15 µs; nor is this
        # in hooks, which take 5 µs each.
        found = None if self.SPECIAL & body.keys() else ordinary(body)
        return self.build(found or super().load(body, **kwargs))

    def build(self, data: dict[str, Any]) -> Interaction:
        """From the fields; what the sender put into metadata fills what it left out."""
        metadata = data.pop("metadata", None) or {}
        return Interaction(
            agent_id=data.pop("agent_id"),
            prompt=data.pop("prompt"),
            response=data.pop("response"),
            metadata=metadata,
            tool_calls=data.pop("tool_calls", None) or (),
            platform=_name(metadata, "platform"),
            user_id=data.pop("user_id", None) or _name(metadata, "userId", "user_id"),
            session_id=data.pop("session_id", None) or _name(metadata, "sessionId", "session_id"),
            conversation_id=data.pop("conversation_id", None)
            or _name(metadata, "conversationId", "conversation_id"),
            occurred_at=_occurred_at(metadata),
            extra=data,
        )


def ordinary(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the schema makes of a body in which all is well; None when it must say what is not."""
    found = dict(body)
    agent_id = found.pop("agentId", None)
    if not isinstance(agent_id, str) or not 0 < len(agent_id := agent_id.strip()) <= AGENT_ID_CHARACTERS:
        return None
    if "\0" in agent_id:  # it may come from a query
        return None
    if not isinstance(found.get("prompt"), str) or not isinstance(found.get("response"), str):
        return None
    if not isinstance(found.setdefault("metadata", None), dict | NoneType):
        return None
    tool_calls = found.pop("toolCalls", None)
    if tool_calls is not None and not (
        isinstance(tool_calls, list) and all(isinstance(call, dict) for call in tool_calls)
    ):
        return None
    for camel, snake in _NAMES:
        name = found.pop(camel, None)
        if name is not None and not (isinstance(name, str) and len(name) <= NAME_CHARACTERS):
            return None
        found[snake] = name
    found["agent_id"] = agent_id
    found["tool_calls"] = tool_calls
    return found


def _name(metadata: Mapping[str, Any], *spellings: str) -> str | None:
    for spelling in spellings:
        value = metadata.get(spelling)
        if isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS:
            return value
    return None


def _occurred_at(metadata: Mapping[str, Any]) -> int | None:
    given = metadata.get("timestamp")
    if given is None:
        return None
    try:
        if not isinstance(given, str):
            raise fault(WrongType, "RFC 3339 date and time", json_type(given))
        return parse_time(given)
    except ma.ValidationError as error:
        raise ma.ValidationError({"metadata": {"timestamp": error.messages}}) from None


INTERACTION = InteractionSchema()


class BatchInteractionSchema(InteractionSchema):
    """An interaction of a batch."""

    SPELLINGS = _BATCH_SPELLINGS
    SPECIAL = frozenset({"idempotencyKey"})

    idempotency_key = Text(
        data_key="idempotencyKey",
        shortest=1,
        longest=KEY_CHARACTERS,
        metadata={"description": "Makes a retry safe, like the Idempotency-Key header."},
    )

    def build(self, data: dict[str, Any]) -> Interaction:
        """As of a single one, with its own idempotency key."""
        key = data.pop("idempotency_key", None)
        return replace(super().build(data), idempotency_key=key)


BATCH_INTERACTION = BatchInteractionSchema()


def load_interaction(body: Any, schema: InteractionSchema = INTERACTION) -> Interaction:
    """The interaction in a body. Raises InvalidField."""
    if not isinstance(body, dict):
        raise WrongType("interaction", expected="object", received=json_type(body))
    try:
        return schema.load(body)
    except ma.ValidationError as error:
        raise first_fault(error.messages) from None


class Interactions(Checked, ma.fields.List[Any]):
    """1 to 1,000 interactions; one that is wrong becomes its error and does not sink the others."""

    expected = "array"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        if not 1 <= len(value) <= BATCH_INTERACTIONS:
            raise fault(WrongValue, f"1 to {BATCH_INTERACTIONS} interactions", f"{len(value)} interactions")
        return [_interaction_or_error(entry) for entry in value]


def _interaction_or_error(entry: Any) -> Interaction | InvalidField:
    try:
        return load_interaction(entry, BATCH_INTERACTION)
    except InvalidField as error:
        return error


class BatchSchema(ma.Schema):
    """Many interactions in one request."""

    IS_BATCH = True

    class Meta:
        unknown = ma.EXCLUDE

    interactions = Interactions(
        cls_or_instance=ma.fields.Nested(BatchInteractionSchema),
        required=True,
        metadata={
            "minItems": 1,
            "maxItems": BATCH_INTERACTIONS,
            "example": [
                EXAMPLE,
                {"agentId": "sales-assistant", "prompt": "Book a demo?", "response": "Done."},
            ],
        },
    )


class NativeSchema(ma.Schema):
    """An interaction, or the platform's own body: its request, its response, or both."""

    TAKES_ANY_JSON = True

    class Meta:
        unknown = ma.INCLUDE

    request = ma.fields.Raw(metadata={"description": "What the platform was asked, in its own form."})
    response = ma.fields.Raw(
        metadata={"description": "What it answered, in its own form, or the canonical text."}
    )

    def load(self, data: Any, **_: Any) -> Any:
        """Whatever came; the platform's converter reads it."""
        return data


class ReceiptSchema(ma.Schema):
    """The interaction is on disk."""

    status = ma.fields.Constant("success", required=True, metadata={"type": "string"})
    message = ma.fields.Constant(
        "Telemetry data ingested successfully", required=True, metadata={"type": "string"}
    )
    agent_id = ma.fields.String(data_key="agentId", required=True, metadata={"example": EXAMPLE["agentId"]})
    interaction_id = ma.fields.String(
        data_key="interactionId", required=True, metadata={"example": "int-019b40c0a1b200000a1b2c3d4e5f6"}
    )


RECEIPT = ReceiptSchema()


class BatchErrorSchema(ma.Schema):
    """Why one interaction was not stored."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    details = ma.fields.Dict(required=True)


class BatchResultSchema(ma.Schema):
    """What became of one interaction of a batch."""

    index = ma.fields.Integer(required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["success", "error"]})
    agentId = ma.fields.String()
    interactionId = ma.fields.String()
    replayed = ma.fields.Boolean(metadata={"description": "True when an earlier request had stored it."})
    error = ma.fields.Nested(BatchErrorSchema)


class BatchReceiptSchema(ma.Schema):
    """What became of a batch."""

    status = ma.fields.String(required=True, metadata={"enum": ["success", "partial"]})
    message = ma.fields.String(required=True)
    accepted = ma.fields.Integer(required=True)
    rejected = ma.fields.Integer(required=True)
    results = ma.fields.List(ma.fields.Nested(BatchResultSchema), required=True)


class RejectedSchema(ErrorSchema):
    """Nothing was stored. The `results` are there when several interactions were looked at."""

    status = ma.fields.String(metadata={"enum": ["error"]})
    message = ma.fields.String()
    accepted = ma.fields.Integer()
    rejected = ma.fields.Integer()
    results = ma.fields.List(ma.fields.Nested(BatchResultSchema))
