"""The AgentID JSON, both ways."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core.lifecycle import Event, Question
from ...errors import TooLarge, WrongType, WrongValue
from ..fields import Checked, Object, Text, Time, fault, first_fault, json_type
from . import convert

INPUT_BYTES = 262_144
NAME_CHARACTERS = 512
LANGUAGES = 32

_EVENT_ID = "3f2a6b1c-8d4e-4f5a-9b7c-1d2e3f4a5b6c"


class EventId(Text):
    """A UUID, in its usual form inside."""

    expected = "UUID"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"format": "uuid", "example": _EVENT_ID, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = convert.to_event_id(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise fault(WrongValue, self.expected, "another string")
        return found


class Words(Checked, ma.fields.List[Any]):
    """A few short strings."""

    expected = "array of strings"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ma.fields.String(metadata={"maxLength": NAME_CHARACTERS}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        if len(value) > LANGUAGES:
            raise fault(WrongValue, f"at most {LANGUAGES} strings", f"{len(value)} entries")
        for entry in value:
            if not isinstance(entry, str) or len(entry) > NAME_CHARACTERS:
                raise fault(WrongType, self.expected, f"an entry that is {json_type(entry)}")
        return value


class Duration(Checked, ma.fields.Float):
    """Milliseconds, 0 or more."""

    expected = "number, 0 or more"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"minimum": 0, "maximum": 1e12, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise fault(WrongType, self.expected, json_type(value))
        if not 0 <= value <= 1e12:
            raise fault(WrongValue, self.expected, "another number")
        return float(value)


class Named(ma.Schema):
    """What a prompt and an event have in common."""

    class Meta:
        unknown = ma.INCLUDE

    system_id = Text(
        longest=NAME_CHARACTERS,
        metadata={"description": "The system, such as `sys-1a2b`; the key's own when it is left out."},
    )
    model = Text(longest=NAME_CHARACTERS, metadata={"example": "gpt-4o"})
    user_id = Text(longest=NAME_CHARACTERS, metadata={"example": "user-12345"})
    request_identity = Object(metadata={"description": "Who is behind the request; kept."})
    metadata = Object(
        metadata={
            "description": "Anything; `workflow_run_id`, `event_category` and `agent_id` are understood.",
            "example": {"workflow_run_id": "run-7", "agent_id": "customer-support-bot"},
        }
    )
    client_capabilities = Object(metadata={"description": "What the client can do; kept."})


class GuardSchema(Named):
    """A prompt that is about to go to a model."""

    input = Text(
        required=True,
        metadata={
            "description": f"The prompt, at most {INPUT_BYTES} bytes in UTF-8.",
            "example": "What is your refund policy?",
        },
    )
    client_event_id = EventId(
        metadata={"description": "Names the event for what comes later; made when it is left out."}
    )
    expected_languages = Words(
        metadata={"description": "Language tags that prompts are expected in.", "example": ["en", "de"]}
    )

    def load(self, data: Any, **kwargs: Any) -> Question:
        """The question in core's words. Raises ValidationError, TooLarge."""
        found = convert.ordinary(data) and convert.to_question(data)
        if not found:
            found = convert.to_question(super().load(data, **kwargs))
        if len(found.prompt) * 4 > INPUT_BYTES and len(found.prompt.encode()) > INPUT_BYTES:
            raise TooLarge(INPUT_BYTES)
        return found


class IngestSchema(Named):
    """What happened: a model's answer, a tool's call, a step of a workflow."""

    event_id = EventId(
        required=True,
        metadata={"description": "The guard's `client_event_id`, or a fresh one for an event of its own."},
    )
    input = Text(required=True, metadata={"example": "What is your refund policy?"})
    output = Text(required=True, metadata={"example": "Returns are free within thirty days."})
    timestamp = Time(metadata={"example": "2026-01-15T10:30:00Z"})
    usage = Object(metadata={"example": {"prompt_tokens": 12, "completion_tokens": 9}})
    tokens = Object(metadata={"example": {"input": 12, "output": 9}})
    latency = Duration(metadata={"description": "Milliseconds that the model took.", "example": 840})
    event_type = Text(longest=NAME_CHARACTERS, metadata={"example": "complete"})
    severity = Text(longest=NAME_CHARACTERS, metadata={"example": "info"})

    def load(self, data: Any, **kwargs: Any) -> Event:
        """The event in core's words. Raises ValidationError."""
        return convert.to_event(super().load(data, **kwargs))


class FinalizeSchema(ma.Schema):
    """How long the sender took to tell what happened."""

    class Meta:
        unknown = ma.EXCLUDE

    client_event_id = EventId(required=True)
    system_id = Text(longest=NAME_CHARACTERS)
    sdk_ingest_ms = Duration(metadata={"example": 42})


def load_question(body: Any) -> Question:
    """The question in a body. Raises InvalidField, TooLarge."""
    if not isinstance(body, dict):
        raise WrongType("body", expected="object", received=json_type(body))
    try:
        return GUARD.load(body)
    except ma.ValidationError as error:
        raise first_fault(error.messages) from None


GUARD = GuardSchema()
INGEST = IngestSchema()
FINALIZE = FinalizeSchema()
