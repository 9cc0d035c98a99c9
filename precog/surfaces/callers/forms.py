"""Errors as `{"error": CODE, "message": …}`, and the headers that let a browser's page read any answer."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ..base import Problem

# What each problem is called on the wire, and its status.
_FORMS = {
    "malformed_body": ("INVALID_REQUEST", 400),
    "missing_field": ("MISSING_REQUIRED_FIELD", 400),
    "wrong_type": ("INVALID_FIELD_TYPE", 400),
    "wrong_value": ("INVALID_FIELD_VALUE", 400),
    "unauthenticated": ("INVALID_CALLER_KEY", 401),
    "invalid_conversion_token": ("INVALID_CONVERSION_TOKEN", 401),
    "conversion_token_expired": ("CONVERSION_TOKEN_EXPIRED", 401),
    "invalid_credentials": ("INVALID_CALLER_KEY", 401),
    "invalid_token": ("INVALID_CALLER_KEY", 401),
    "insufficient_scope": ("FORBIDDEN", 403),
    "agent_limit_reached": ("FORBIDDEN", 403),
    "agent_deactivated": ("FORBIDDEN", 403),
    "wrong_system": ("FORBIDDEN", 403),
    "forbidden": ("FORBIDDEN", 403),
    "agent_suspended": ("FORBIDDEN", 403),
    "agent_revoked": ("FORBIDDEN", 403),
    "agent_mismatch": ("FORBIDDEN", 403),
    "wrong_organization": ("FORBIDDEN", 403),
    "not_found": ("NOT_FOUND", 404),
    "method_not_allowed": ("METHOD_NOT_ALLOWED", 405),
    "already_exists": ("CONFLICT", 409),
    "duplicate_event": ("CONFLICT", 409),
    "idempotency_key_reused": ("CONFLICT", 409),
    "version_conflict": ("CONFLICT", 409),
    "session_ended": ("CONFLICT", 409),
    "session_expired": ("CONFLICT", 409),
    "session_limit_reached": ("CONFLICT", 409),
    "invalid_transition": ("CONFLICT", 409),
    "too_large": ("PAYLOAD_TOO_LARGE", 413),
    "unsupported_media_type": ("UNSUPPORTED_MEDIA_TYPE", 415),
    "rate_limited": ("RATE_LIMITED", 429),
    "internal": ("INTERNAL_ERROR", 500),
    "storage_unavailable": ("STORAGE_UNAVAILABLE", 503),
}

STATUS = {code: status for code, (_, status) in _FORMS.items()}

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Content-Type, Authorization, X-Agent-Id, X-Caller-Key, X-Caller-Mode, X-Session-Id, "
        "X-Conversion-Token"
    ),
    "Access-Control-Expose-Headers": (
        "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Caller-Id, X-Request-Id"
    ),
    "Access-Control-Max-Age": "7200",
}


def envelope(problem: Problem) -> dict[str, Any]:
    """The error in this API's form."""
    return {"error": _FORMS[problem.code][0], "message": _message(problem)}


def _message(problem: Problem) -> str:
    if problem.code == "unauthenticated":
        return "The caller key is not valid, or was revoked"
    if "expected" in problem.facts:
        return (
            f"{problem.message}: expected {problem.facts['expected']}, received {problem.facts['received']}"
        )
    return problem.message


class ErrorSchema(ma.Schema):
    """What went wrong."""

    error = ma.fields.String(
        required=True,
        metadata={"enum": sorted({error for error, _ in _FORMS.values()}), "example": "RATE_LIMITED"},
    )
    message = ma.fields.String(
        required=True, metadata={"example": "120 requests/minute exceeded for tier standard"}
    )


ERROR = ErrorSchema()
