"""Between core's words and the management JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from ...core import ids, times
from ...core.agents import Agent, Change, own_thresholds, status_of
from ...core.limits import UNLIMITED
from ...core.policies import System
from ...core.telemetry import Filter, StoredInteraction
from ...core.usage import Usage
from ...errors import WrongValue
from ..base import seconds
from ..policies import from_thresholds


def to_filter(query: Mapping[str, Any]) -> Filter:
    """The filter that a query asks for; the cursor is the last id of the page before."""
    bounds = [
        ids.first_interaction_id(query["received_before"]) if query["received_before"] is not None else None,
        _from_interaction_cursor(query["cursor"]) if query["cursor"] else None,
    ]
    return Filter(
        agent_id=query["agent_id"],
        session_id=query["session_id"],
        user_id=query["user_id"],
        platform=query["platform"],
        system_id=query["system_id"],
        event_id=query["event_id"],
        workflow_run_id=query["workflow_run_id"],
        action=query["action"],
        from_id=ids.first_interaction_id(query["received_from"])
        if query["received_from"] is not None
        else None,
        before_id=min((bound for bound in bounds if bound is not None), default=None),
    )


def to_cursor(last: str) -> str:
    """An opaque text for where the page ended."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> str:
    """Where the page before ended. Raises WrongValue."""
    try:
        last = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise _bad_cursor() from None
    if "\0" in last or to_cursor(last) != cursor:  # the decoder skips what is not base64
        raise _bad_cursor()
    return last


def _bad_cursor() -> WrongValue:
    return WrongValue("cursor", expected="the next_cursor of a page", received="another string")


def _from_interaction_cursor(cursor: str) -> str:
    last = from_cursor(cursor)
    if not ids.is_interaction_id(last):
        raise _bad_cursor()
    return last


def from_agent(agent: Agent) -> dict[str, Any]:
    """An agent as the API shows it."""
    return {
        "agentId": agent.agent_id,
        "name": agent.name,
        "status": status_of(agent),
        "createdAt": times.to_rfc3339(agent.created_at),
        "deactivatedAt": _time(agent.deactivated_at),
        "lastSeenAt": _time(ids.received_at(agent.last_interaction_id)),
        "thresholds": None if agent.thresholds is None else from_thresholds(own_thresholds(agent)),
    }


def to_agent_change(data: Mapping[str, Any]) -> Change:
    """The changes in a loaded AgentPatch; a category of null is one without thresholds."""
    thresholds = data.get("thresholds") or {}
    return Change(
        active=None if data["status"] is None else data["status"] == "active",
        set_thresholds="thresholds" in data,
        thresholds={category: pair for category, pair in thresholds.items() if pair is not None},
    )


def from_system(system: System) -> dict[str, Any]:
    """A system as the API shows it."""
    return {"id": system.id, "name": system.name, "createdAt": times.to_rfc3339(system.created_at)}


def to_version(cursor: str) -> int:
    """The version that a page of a history ended with. Raises WrongValue."""
    last = from_cursor(cursor)
    if not (last.isascii() and last.isdigit() and len(last) <= 18):
        raise _bad_cursor()
    return int(last)


def from_interaction(kept: StoredInteraction) -> dict[str, Any]:
    """An interaction as the API shows it."""
    return {
        "interactionId": kept.id,
        "agentId": kept.agent_id,
        "prompt": kept.prompt,
        "response": kept.response,
        "metadata": _json(kept.metadata) or {},
        "toolCalls": _json(kept.tool_calls) or [],
        "platform": kept.platform,
        "userId": kept.user_id,
        "sessionId": kept.session_id,
        "conversationId": kept.conversation_id,
        "timestamp": _time(kept.occurred_at),
        "receivedAt": times.to_rfc3339(kept.received_at),
        "extra": _json(kept.extra) or {},
        "native": _json(kept.native),
        "systemId": kept.system_id,
        "eventId": kept.event_id,
        "eventCategory": kept.event_category,
        "workflowRunId": kept.workflow_run_id,
        "guard": _json(kept.guard),
        "action": kept.action,
        "promptSent": kept.prompt_sent,
        "guardedAt": _time(kept.guarded_at),
        "ingestedAt": _time(kept.ingested_at),
        "sdkIngestMs": kept.sdk_ingest_ms,
        "findings": _json(kept.findings),
        "riskScore": kept.risk_score,
        "analyzedAt": _time(kept.analyzed_at),
    }


def from_usage(usage: Usage) -> dict[str, Any]:
    """The usage as the API shows it."""
    organization, requests, impact = usage.organization, usage.requests, usage.impact_events
    return {
        "plan": organization.plan,
        "agents": {"used": organization.active_agents, "limit": organization.agent_limit},
        "impact_events": {
            "used": impact.limit - impact.remaining,
            "limit": organization.impact_events_per_month,
            "resets_at": times.to_rfc3339(usage.at + impact.resets_in_ms),
        },
        "requests": {
            "used": requests.limit - requests.remaining,
            "limit": None if requests.limit == UNLIMITED else requests.limit,
            "per_minute": organization.requests_per_minute,
            "burst": organization.burst,
            "resets_in_s": seconds(requests.resets_in_ms),
        },
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else times.to_rfc3339(ms)


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
