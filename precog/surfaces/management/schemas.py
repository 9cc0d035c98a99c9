"""The management JSON, both ways."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ..fields import Choice, Count, Text, Time

AGENT_STATUSES = ("active", "deactivated")
PAGE_LIMIT = 200


def _absent() -> None:
    """What stands for a field that was not sent; a function is not documented."""


class PageQuery(ma.Schema):
    """Which page of a list."""

    class Meta:
        unknown = ma.EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        """A query cannot say null, so that is no value and no default to document."""
        field_obj.allow_none = False
        if field_obj.load_default is None:
            field_obj.load_default = _absent

    limit = Count(least=1, most=PAGE_LIMIT, load_default=50, metadata={"description": "Entries a page."})
    cursor = Text(longest=2048, metadata={"description": "The `next_cursor` of the page before."})


class AgentsQuery(PageQuery):
    """Which agents."""

    status = Choice(AGENT_STATUSES)


class InteractionsQuery(PageQuery):
    """Which interactions: all that are asked for must hold."""

    agent_id = Text(data_key="agentId", longest=200)
    session_id = Text(data_key="sessionId", longest=512)
    user_id = Text(data_key="userId", longest=512)
    platform = Text(longest=512)
    received_from = Time(data_key="from", metadata={"description": "Received at this time or later."})
    received_before = Time(data_key="to", metadata={"description": "Received before this time."})


class AgentPatch(ma.Schema):
    """What may be changed of an agent."""

    class Meta:
        unknown = ma.EXCLUDE

    status = Choice(AGENT_STATUSES, required=True, metadata={"example": "deactivated"})


class AgentSchema(ma.Schema):
    """An agent; `lastSeenAt` is null until it sends something."""

    agentId = ma.fields.String(required=True, metadata={"example": "customer-support-bot"})
    status = ma.fields.String(required=True, metadata={"enum": list(AGENT_STATUSES)})
    createdAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    deactivatedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    lastSeenAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class AgentPage(ma.Schema):
    """Agents by name."""

    agents = ma.fields.List(ma.fields.Nested(AgentSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class KeptInteractionSchema(ma.Schema):
    """An interaction as it is kept. `native` is the platform's own body, when it sent one."""

    interactionId = ma.fields.String(required=True, metadata={"example": "int-019b40c0a1b200000a1b2c3d4e5f6"})
    agentId = ma.fields.String(required=True)
    prompt = ma.fields.String(required=True)
    response = ma.fields.String(required=True)
    metadata = ma.fields.Dict(required=True)
    toolCalls = ma.fields.List(ma.fields.Dict(), required=True)
    platform = ma.fields.String(required=True, allow_none=True)
    userId = ma.fields.String(required=True, allow_none=True)
    sessionId = ma.fields.String(required=True, allow_none=True)
    conversationId = ma.fields.String(required=True, allow_none=True)
    timestamp = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "The sender's clock, when it told."},
    )
    receivedAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    extra = ma.fields.Dict(required=True, metadata={"description": "Top-level fields of no known meaning."})
    native = ma.fields.Raw(required=True, allow_none=True)


class InteractionPage(ma.Schema):
    """Interactions, newest first."""

    interactions = ma.fields.List(ma.fields.Nested(KeptInteractionSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class UsedOf(ma.Schema):
    """How much of a limit is used; a limit of null is unlimited."""

    used = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True, allow_none=True)


class RequestsUsed(UsedOf):
    """The present minute; `limit` is what it admits, with what the minute before left over."""

    per_minute = ma.fields.Integer(required=True, allow_none=True)
    burst = ma.fields.Integer(required=True, allow_none=True)
    resets_in_s = ma.fields.Integer(required=True)


class ImpactEventsUsed(UsedOf):
    """The calendar month, UTC."""

    resets_at = ma.fields.String(required=True, metadata={"format": "date-time"})


class UsageSchema(ma.Schema):
    """What the organization has used of its plan."""

    plan = ma.fields.String(required=True, metadata={"example": "PROFESSIONAL"})
    agents = ma.fields.Nested(UsedOf, required=True)
    impact_events = ma.fields.Nested(ImpactEventsUsed, required=True)
    requests = ma.fields.Nested(RequestsUsed, required=True)
