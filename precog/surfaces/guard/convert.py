"""Between core's words and the AgentID JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.findings import told
from ...core.lifecycle import Event, Judgement, Question, canonical_event_id
from ...core.limits import Quota

NAME_CHARACTERS = 512

_SIMULATED = {"allow": "allowed", "mask": "masked", "block": "blocked"}
_CONTEXT = ("model", "request_identity", "metadata", "client_capabilities")
_EVENT_FIELDS = frozenset(
    ("event_id", "system_id", "input", "output", "timestamp", "metadata", "user_id", "client_event_id")
)

# Word for word what clients compare it with.
TRANSPARENCY = {
    "is_ai_generated": True,
    "disclosure": "You are interacting with an AI.",
    "article": "EU_AI_ACT_ARTICLE_50",
    "injection_mode": "deterministic",
}


def to_event_id(text: str) -> str | None:
    """The UUID in its usual form; None when it is none."""
    return canonical_event_id(text)


def ordinary(body: Mapping[str, Any]) -> bool:
    """Whether all is well with a prompt's body; if not, the schema says what is wrong."""
    return isinstance(body.get("input"), str) and all(
        value is None or name not in _ORDINARY or _ORDINARY[name](value) for name, value in body.items()
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= NAME_CHARACTERS


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_event_id(value: Any) -> bool:
    return isinstance(value, str) and canonical_event_id(value) is not None


def _are_languages(value: Any) -> bool:
    return not value or (isinstance(value, list) and len(value) <= 32 and all(map(_is_name, value)))


_ORDINARY: Mapping[str, Callable[[Any], bool]] = {
    "system_id": _is_name,
    "model": _is_name,
    "user_id": _is_name,
    "request_identity": _is_object,
    "metadata": _is_object,
    "client_capabilities": _is_object,
    "expected_languages": _are_languages,
    "client_event_id": _is_event_id,
}


def to_question(body: Mapping[str, Any]) -> Question:
    """The question in a body in which all is well."""
    metadata = body.get("metadata") or {}
    given = body.get("client_event_id")
    return Question(
        prompt=body["input"],
        system_id=body.get("system_id") or None,
        event_id=canonical_event_id(given) if given else None,
        agent_id=_agent_id(body, metadata),
        user_id=body.get("user_id") or None,
        event_category=_word(metadata, "event_category", "eventCategory"),
        workflow_run_id=_word(metadata, "workflow_run_id", "workflowRunId"),
        expected_languages=tuple(body.get("expected_languages") or ()),
        context={name: body[name] for name in _CONTEXT if body.get(name)},
    )


def to_event(body: Mapping[str, Any]) -> Event:
    """The event in a body in which all is well."""
    metadata = body.get("metadata") or {}
    return Event(
        event_id=body["event_id"],
        system_id=body.get("system_id") or None,
        prompt=body["input"],
        response=body["output"],
        agent_id=_agent_id(body, metadata),
        user_id=body.get("user_id") or None,
        event_category=_word(metadata, "event_category", "eventCategory"),
        workflow_run_id=_word(metadata, "workflow_run_id", "workflowRunId"),
        occurred_at=body.get("timestamp"),
        metadata=metadata,
        extra={
            name: value for name, value in body.items() if name not in _EVENT_FIELDS and value is not None
        },
    )


def _agent_id(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    identity = body.get("request_identity") or {}
    return _word(metadata, "agent_id", "agentId") or _word(identity, "agent_id", "agentId")


def _word(found: Mapping[str, Any], *spellings: str) -> str | None:
    for spelling in spellings:
        value = found.get(spelling)
        if isinstance(value, str) and 0 < len(word := value.strip()) <= NAME_CHARACTERS:
            return word
    return None


def from_judgement(judgement: Judgement) -> tuple[dict[str, Any], int]:
    """The verdict as clients read it, and its status."""
    verdict, policy = judgement.verdict, judgement.policy
    shadow = policy.detection.shadow_mode
    blocked = verdict.action == "block"
    findings = told(judgement.findings)
    body: dict[str, Any] = {
        "allowed": not blocked,
        "reason": verdict.reason if blocked else None,
        "verdict": verdict.decision,
        "detected_pii": judgement.found_personal_data,
        "guard_event_id": judgement.guard_event_id,
        "client_event_id": judgement.event_id,
        "shadow_mode": shadow,
        "shadow_blocked": shadow and judgement.would == "block",
        "simulated_decision": _SIMULATED[judgement.would],
        "processing_time_ms": judgement.processing_ms,
        "policy_version": judgement.policy_version,
        "findings": findings["findings"],
    }
    if findings["findings_omitted"]:
        body["findings_omitted"] = findings["findings_omitted"]
    if judgement.transformed is not None and not blocked:
        body["transformed_input"] = judgement.transformed
    if policy.transparency:
        body["transparency"] = TRANSPARENCY
    if judgement.degraded:
        body["degraded"] = list(judgement.degraded)
    return body, 403 if blocked else 200


def ratelimit_headers(quota: Quota, now: int) -> dict[str, str]:
    """The three X-RateLimit fields, the reset as a UNIX time in seconds.

    Windows end with a second; `now` is a moment later than when the quota was taken, hence down.
    """
    return {
        "X-RateLimit-Limit": str(quota.limit),
        "X-RateLimit-Remaining": str(max(0, quota.remaining)),
        "X-RateLimit-Reset": str((now + quota.resets_in_ms) // 1000),
    }
