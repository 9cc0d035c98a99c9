"""Errors as `{"detail": …, "code": …}`, where a wrong field is 422."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ..base import Problem

STATUS = {
    "malformed_body": 400,
    "missing_field": 422,
    "wrong_type": 422,
    "wrong_value": 422,
    "unauthenticated": 401,
    "invalid_credentials": 401,
    "invalid_token": 401,
    "invalid_conversion_token": 401,
    "conversion_token_expired": 401,
    "insufficient_scope": 403,
    "agent_limit_reached": 403,
    "agent_deactivated": 403,
    "agent_suspended": 403,
    "agent_revoked": 403,
    "agent_mismatch": 403,
    "wrong_organization": 403,
    "forbidden": 403,
    "wrong_system": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "already_exists": 409,
    "duplicate_event": 409,
    "idempotency_key_reused": 409,
    "version_conflict": 409,
    "session_ended": 409,
    "session_expired": 409,
    "session_limit_reached": 409,
    "invalid_transition": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal": 500,
    "storage_unavailable": 503,
}


def envelope(problem: Problem) -> dict[str, Any]:
    """The error in this API's form."""
    return {"detail": _detail(problem), "code": problem.code}


def _detail(problem: Problem) -> str:
    if "expected" in problem.facts:
        return (
            f"{problem.message}: expected {problem.facts['expected']}, received {problem.facts['received']}"
        )
    return problem.message


class ErrorSchema(ma.Schema):
    """What went wrong."""

    detail = ma.fields.String(required=True, metadata={"example": "No such agent"})
    code = ma.fields.String(required=True, metadata={"enum": sorted(STATUS), "example": "not_found"})


ERROR = ErrorSchema()
