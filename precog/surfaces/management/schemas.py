"""The management JSON, both ways."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core.agents import STATUSES
from ...errors import MissingField
from ..fields import Choice, Count, Text, Time, fault
from ..policies import Part, PolicySchema, ThresholdSchema, ThresholdsPatch
from ..queries import Query

_SET_STATUSES = STATUSES[:2]
ACTIONS = ("allow", "mask", "block")
PAGE_LIMIT = 200


class PageQuery(Query):
    """Which page of a list."""

    limit = Count(least=1, most=PAGE_LIMIT, load_default=50, metadata={"description": "Entries a page."})
    cursor = Text(longest=2048, metadata={"description": "The `next_cursor` of the page before."})


class AgentsQuery(PageQuery):
    """Which agents."""

    status = Choice(STATUSES)


class InteractionsQuery(PageQuery):
    """Which interactions: all that are asked for must hold."""

    agent_id = Text(data_key="agentId", longest=200)
    session_id = Text(data_key="sessionId", longest=512)
    user_id = Text(data_key="userId", longest=512)
    platform = Text(longest=512)
    system_id = Text(data_key="systemId", longest=512)
    event_id = Text(data_key="eventId", longest=512)
    workflow_run_id = Text(data_key="workflowRunId", longest=512)
    action = Choice(ACTIONS, metadata={"description": "What was enforced on a guarded prompt."})
    received_from = Time(data_key="from", metadata={"description": "Received at this time or later."})
    received_before = Time(data_key="to", metadata={"description": "Received before this time."})


class AgentPatch(ma.Schema):
    """What may be changed of an agent: one of these at least."""

    class Meta:
        unknown = ma.EXCLUDE

    status = Choice(_SET_STATUSES, metadata={"enum": [*_SET_STATUSES, None], "example": "deactivated"})
    thresholds = Part(
        ThresholdsPatch,
        load_default=ma.missing,
        metadata={"description": "In place of those of its system's policy, by category; null for none."},
    )

    @ma.validates_schema
    def changes_something(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Nothing to change is a mistake of the sender."""
        if data.get("status") is None and "thresholds" not in data:
            raise ma.ValidationError({"status": fault(MissingField, "string", "null").messages})


class AgentSchema(ma.Schema):
    """An agent; `lastSeenAt` is null until it sends something."""

    agentId = ma.fields.String(required=True, metadata={"example": "customer-support-bot"})
    name = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Of an agent with a key."}
    )
    status = ma.fields.String(
        required=True,
        metadata={
            "enum": list(STATUSES),
            "description": "Suspended and revoked are agents with a key, by `/v1/agents`.",
        },
    )
    createdAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    deactivatedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    lastSeenAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    thresholds = ma.fields.Dict(
        values=ma.fields.Nested(ThresholdSchema),
        required=True,
        allow_none=True,
        metadata={"description": "Those that it has in place of its system's, by category."},
    )


class AgentPage(ma.Schema):
    """Agents by name."""

    agents = ma.fields.List(ma.fields.Nested(AgentSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class KeptInteractionSchema(ma.Schema):
    """An interaction as it is kept. `native` is the platform's own body, when it sent one.

    A system's event has no agent but when it named one that is known, and `guard` when it was judged before
    the model was called. `findings` and `riskScore` are there from `analyzedAt` on.
    """

    interactionId = ma.fields.String(required=True, metadata={"example": "int-019b40c0a1b200000a1b2c3d4e5f6"})
    agentId = ma.fields.String(required=True, allow_none=True)
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
    systemId = ma.fields.String(required=True, allow_none=True)
    eventId = ma.fields.String(required=True, allow_none=True)
    eventCategory = ma.fields.String(required=True, allow_none=True)
    workflowRunId = ma.fields.String(required=True, allow_none=True)
    guard = ma.fields.Dict(required=True, allow_none=True)
    action = ma.fields.String(required=True, allow_none=True, metadata={"enum": [*ACTIONS, None]})
    promptSent = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The prompt that went to the model, where another one was judged."},
    )
    guardedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    ingestedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    sdkIngestMs = ma.fields.Float(required=True, allow_none=True)
    findings = ma.fields.Dict(required=True, allow_none=True)
    riskScore = ma.fields.Float(required=True, allow_none=True, metadata={"minimum": 0, "maximum": 1})
    analyzedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


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


class NewSystem(ma.Schema):
    """A system to make."""

    class Meta:
        unknown = ma.EXCLUDE

    name = Text(required=True, shortest=1, longest=200, trim=True, metadata={"example": "support-desk"})


class SystemSchema(ma.Schema):
    """An application whose traffic is guarded."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    createdAt = ma.fields.String(required=True, metadata={"format": "date-time"})


class SystemPage(ma.Schema):
    """Systems by name."""

    systems = ma.fields.List(ma.fields.Nested(SystemSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class PolicyQuery(Query):
    """Which version of a policy."""

    version = Count(least=1, most=2**53, metadata={"description": "Else the present one."})


class PolicyPage(ma.Schema):
    """Versions of a system's policy, newest first."""

    versions = ma.fields.List(ma.fields.Nested(PolicySchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
