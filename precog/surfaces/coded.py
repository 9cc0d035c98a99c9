"""Errors as `{"error": {"code", "message", "details"}}`: the form of telemetry and management."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from .base import Problem

# What each problem is called on the wire, and its status.
_FORMS = {
    "malformed_body": ("INVALID_REQUEST", 400),
    "missing_field": ("MISSING_REQUIRED_FIELD", 400),
    "wrong_type": ("INVALID_FIELD_TYPE", 400),
    "wrong_value": ("INVALID_FIELD_VALUE", 400),
    "unauthenticated": ("INVALID_API_KEY", 401),
    "invalid_conversion_token": ("INVALID_CONVERSION_TOKEN", 401),
    "conversion_token_expired": ("CONVERSION_TOKEN_EXPIRED", 401),
    "invalid_credentials": ("INVALID_TOKEN", 401),
    "invalid_token": ("INVALID_TOKEN", 401),
    "insufficient_scope": ("INSUFFICIENT_SCOPE", 403),
    "agent_limit_reached": ("AGENT_LIMIT_EXCEEDED", 403),
    "agent_deactivated": ("AGENT_DEACTIVATED", 403),
    "wrong_system": ("WRONG_SYSTEM", 403),
    "forbidden": ("FORBIDDEN", 403),
    "agent_suspended": ("AGENT_SUSPENDED", 403),
    "agent_revoked": ("AGENT_REVOKED", 403),
    "agent_mismatch": ("AGENT_MISMATCH", 403),
    "wrong_organization": ("WRONG_ORGANIZATION", 403),
    "not_found": ("NOT_FOUND", 404),
    "method_not_allowed": ("METHOD_NOT_ALLOWED", 405),
    "already_exists": ("ALREADY_EXISTS", 409),
    "duplicate_event": ("DUPLICATE_EVENT_ID", 409),
    "idempotency_key_reused": ("IDEMPOTENCY_KEY_REUSED", 409),
    "version_conflict": ("VERSION_CONFLICT", 409),
    "session_ended": ("CONFLICT", 409),
    "session_expired": ("CONFLICT", 409),
    "session_limit_reached": ("CONFLICT", 409),
    "invalid_transition": ("CONFLICT", 409),
    "too_large": ("PAYLOAD_TOO_LARGE", 413),
    "unsupported_media_type": ("UNSUPPORTED_MEDIA_TYPE", 415),
    "rate_limited": ("RATE_LIMIT_EXCEEDED", 429),
    "internal": ("INTERNAL_ERROR", 500),
    "storage_unavailable": ("STORAGE_UNAVAILABLE", 503),
}

STATUS = {code: status for code, (_, status) in _FORMS.items()}

# The sentence that existing clients look for, beside the error.
_AGENT_LIMIT = "Agent limit reached for your plan. Please upgrade your plan to connect additional agents."


def error_body(problem: Problem) -> dict[str, Any]:
    """The problem's code, message and details."""
    return {"code": _FORMS[problem.code][0], "message": problem.message, "details": dict(problem.facts)}


def envelope(problem: Problem) -> dict[str, Any]:
    """The whole answer to a request that failed."""
    body: dict[str, Any] = {"error": error_body(problem)}
    if problem.code == "agent_limit_reached":
        body["detail"] = _AGENT_LIMIT
    return body


class ErrorBodySchema(ma.Schema):
    """What went wrong."""

    code = ma.fields.String(
        required=True,
        metadata={"enum": sorted({name for name, _ in _FORMS.values()}), "example": "MISSING_REQUIRED_FIELD"},
    )
    message = ma.fields.String(required=True, metadata={"example": "Missing required field: agentId"})
    details = ma.fields.Dict(
        required=True, metadata={"example": {"field": "agentId", "expected": "string", "received": "null"}}
    )


class ErrorSchema(ma.Schema):
    """An answer to a request that failed."""

    error = ma.fields.Nested(ErrorBodySchema, required=True)
    detail = ma.fields.String(
        metadata={"description": "Only when the plan's agent limit is reached.", "example": _AGENT_LIMIT}
    )


ERROR = ErrorSchema()
