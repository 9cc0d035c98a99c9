"""Errors as this API has them: flat, those of the guard with `allowed`."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ..base import Problem

# By problem: the guard's reason, the others' error, and the status.
_FORMS = {
    "malformed_body": ("invalid_payload", "Invalid payload", 400),
    "missing_field": ("invalid_payload", "Invalid payload", 400),
    "wrong_type": ("invalid_payload", "Invalid payload", 400),
    "wrong_value": ("invalid_payload", "Invalid payload", 400),
    "unauthenticated": ("unauthorized", "Unauthorized", 401),
    "invalid_conversion_token": ("unauthorized", "Unauthorized", 401),
    "conversion_token_expired": ("unauthorized", "Unauthorized", 401),
    "invalid_credentials": ("unauthorized", "Unauthorized", 401),
    "invalid_token": ("unauthorized", "Unauthorized", 401),
    "insufficient_scope": ("forbidden", "Forbidden", 403),
    "wrong_system": ("forbidden", "Forbidden", 403),
    "forbidden": ("forbidden", "Forbidden", 403),
    "agent_limit_reached": ("forbidden", "Forbidden", 403),
    "agent_deactivated": ("forbidden", "Forbidden", 403),
    "agent_suspended": ("forbidden", "Forbidden", 403),
    "agent_revoked": ("forbidden", "Forbidden", 403),
    "agent_mismatch": ("forbidden", "Forbidden", 403),
    "wrong_organization": ("forbidden", "Forbidden", 403),
    "not_found": ("not_found", "Not found", 404),
    "method_not_allowed": ("method_not_allowed", "Method not allowed", 405),
    "already_exists": ("conflict", "Conflict", 409),
    "idempotency_key_reused": ("conflict", "Conflict", 409),
    "version_conflict": ("conflict", "Conflict", 409),
    "duplicate_event": ("replay_detected", "DUPLICATE_EVENT_ID", 409),
    "session_ended": ("conflict", "Conflict", 409),
    "session_expired": ("conflict", "Conflict", 409),
    "session_limit_reached": ("conflict", "Conflict", 409),
    "invalid_transition": ("conflict", "Conflict", 409),
    "too_large": ("payload_too_large", "Payload too large", 413),
    "unsupported_media_type": ("invalid_payload", "Unsupported media type", 415),
    "rate_limited": ("rate_limit_exceeded", "Rate limit exceeded", 429),
    "internal": ("server_error", "Internal server error", 500),
    "storage_unavailable": ("system_failure_db_unavailable", "Service unavailable", 503),
}

STATUS = {code: status for code, (_, _, status) in _FORMS.items()}

_DETAILED = frozenset(code for code, (reason, _, _) in _FORMS.items() if reason == "invalid_payload")
# What clients tell apart by a word and not by the status alone.
_WITH_REASON = frozenset({"duplicate_event", "storage_unavailable"})


def _details(problem: Problem) -> dict[str, Any]:
    return {"details": {"message": problem.message, **problem.facts}} if problem.code in _DETAILED else {}


def guard_envelope(problem: Problem) -> dict[str, Any]:
    """An error of the guard: nothing is allowed, and why."""
    return {"allowed": False, "reason": _FORMS[problem.code][0], **_details(problem)}


def flat_envelope(problem: Problem) -> dict[str, Any]:
    """An error of the other routes."""
    reason, error, _ = _FORMS[problem.code]
    body: dict[str, Any] = {"error": error, **_details(problem)}
    if problem.code in _WITH_REASON:
        body["reason"] = reason
    if problem.code == "duplicate_event":
        body["event_id"] = problem.facts["event_id"]
    return body


class RefusedSchema(ma.Schema):
    """The guard did not judge the prompt; nothing is allowed."""

    allowed = ma.fields.Constant(False, required=True, metadata={"type": "boolean"})
    reason = ma.fields.String(
        required=True,
        metadata={"enum": sorted({reason for reason, _, _ in _FORMS.values()}), "example": "unauthorized"},
    )
    details = ma.fields.Dict(metadata={"description": "Of an invalid payload: what is wrong with it."})


class FlatErrorSchema(ma.Schema):
    """What went wrong."""

    error = ma.fields.String(
        required=True,
        metadata={"enum": sorted({error for _, error, _ in _FORMS.values()}), "example": "Unauthorized"},
    )
    details = ma.fields.Dict(metadata={"description": "Of an invalid payload: what is wrong with it."})
    reason = ma.fields.String(metadata={"enum": ["replay_detected", "system_failure_db_unavailable"]})
    event_id = ma.fields.String(metadata={"description": "Of a duplicate: the event's id."})


REFUSED = RefusedSchema()
FLAT_ERROR = FlatErrorSchema()
