"""Errors before they have a wire format, and what a surface must say to give them one."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from .. import errors
from ..core.limits import Quota
from ..core.services import Services
from ..errors import PrecogError


def services() -> Services:
    """What the present application built once."""
    found: Services = current_app.extensions["precog"]
    return found


@dataclass(frozen=True)
class Problem:
    """An error before it has a wire format; `facts` are what a caller can act on."""

    code: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    quota: Quota | None = None


_BY_STATUS = {
    400: "malformed_body",
    401: "unauthenticated",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "storage_unavailable",
}

CODES = frozenset(_BY_STATUS.values()) | {
    kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")
}
"""Every code that a surface must have a status for."""


def problem_from(error: Exception) -> Problem:
    """The problem in an exception; of one that is not ours or HTTP's, nothing but that it happened."""
    if isinstance(error, PrecogError):
        return _from_ours(error)
    if isinstance(error, HTTPException):
        return _from_http(error)
    return Problem("internal", "Internal server error")


def _from_http(error: HTTPException) -> Problem:
    status = error.code or 500
    kept = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name in ("Allow", "WWW-Authenticate", "Retry-After")
    }
    if status == 404:
        return Problem("not_found", "There is nothing at this address", headers=kept)
    if status == 405:
        return Problem("method_not_allowed", f"{request.method} is not allowed here", headers=kept)
    code = _BY_STATUS.get(status, "malformed_body" if 400 <= status < 500 else "internal")
    return Problem(code, error.name, headers=kept)


def _from_ours(error: PrecogError) -> Problem:
    match error:
        case errors.MissingField():
            return Problem(error.code, f"Missing required field: {error.field}", _field_facts(error))
        case errors.WrongType():
            return Problem(error.code, f"Wrong type for field: {error.field}", _field_facts(error))
        case errors.InvalidField():
            return Problem(error.code, f"Invalid value for field: {error.field}", _field_facts(error))
        case errors.MalformedBody() | errors.UnsupportedMediaType():
            return Problem(error.code, error.reason)
        case errors.Unauthenticated():
            return Problem(
                error.code, "The API key is missing or not valid", headers={"WWW-Authenticate": "Bearer"}
            )
        case errors.InsufficientScope():
            return Problem(error.code, f"This needs the scope {error.needed}", {"scope": error.needed})
        case errors.AgentLimitReached():
            return Problem(error.code, "Every agent slot of the plan is taken", {"limit": error.limit})
        case errors.AgentDeactivated():
            return Problem(error.code, "The agent is deactivated", {"agentId": error.agent_id})
        case errors.Forbidden():
            return Problem(error.code, error.reason)
        case errors.WrongSystem():
            return Problem(error.code, "The key is not for this system")
        case errors.DuplicateEvent():
            return Problem(error.code, "The event was told before", {"event_id": error.event_id})
        case errors.InvalidConversionToken():
            return Problem(error.code, "The conversion token is not valid for this session and agent")
        case errors.ConversionTokenExpired():
            return Problem(error.code, "The conversion token has expired")
        case errors.NotFound():
            return Problem(error.code, f"No such {error.what}")
        case errors.AlreadyExists():
            return Problem(error.code, f"The {error.what} exists already")
        case errors.IdempotencyKeyReused():
            return Problem(error.code, "The idempotency key was used before with another body")
        case errors.VersionConflict():
            return Problem(error.code, f"The current version is {error.version}", {"version": error.version})
        case errors.TooLarge():
            return Problem(
                error.code,
                f"The {error.what} is larger than {error.limit_bytes} bytes",
                {"limit_bytes": error.limit_bytes},
            )
        case errors.RateLimited():
            return _from_rate_limit(error)
        case errors.InvalidCredentials():
            return Problem(error.code, "The credentials are not valid")
        case errors.InvalidToken():
            return Problem(
                error.code,
                "The access token is missing or not valid",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        case errors.AgentSuspended():
            return Problem(error.code, "The agent is suspended")
        case errors.AgentRevoked():
            return Problem(error.code, "The agent was revoked, which is final")
        case errors.AgentMismatch():
            return Problem(error.code, "The access token is another agent's")
        case errors.WrongOrganization():
            return Problem(error.code, "The API key and the access token are of different organizations")
        case errors.SessionEnded():
            return Problem(error.code, "The session has ended")
        case errors.SessionExpired():
            return Problem(error.code, "The session has expired")
        case errors.SessionLimitReached():
            return Problem(error.code, f"The session's {error.limit} is reached", {"limit": error.limit})
        case errors.InvalidTransition():
            return Problem(error.code, f"That is no step from {error.status}", {"status": error.status})
        case errors.CannotSign():
            return Problem(
                error.code, "This server cannot sign tokens at the moment", headers={"Retry-After": "1"}
            )
        case errors.AuditLogBroken():
            return Problem(error.code, "The audit log is not as it was written", headers={"Retry-After": "1"})
        case errors.StorageUnavailable():
            return Problem(
                error.code, "The database cannot be used at the moment", headers={"Retry-After": "1"}
            )
    return Problem("internal", "Internal server error")


def _field_facts(error: errors.InvalidField) -> dict[str, Any]:
    return {"field": error.field, "expected": error.expected, "received": error.received}


def _from_rate_limit(error: errors.RateLimited) -> Problem:
    wait_s = seconds(error.retry_after_ms)
    return Problem(
        error.code,
        error.reason or f"Too many requests; try again in {wait_s} s",
        {"limit": error.quota, "retry_after_s": wait_s},
        headers={"Retry-After": str(wait_s)},
        quota=Quota(error.quota, 0, error.retry_after_ms),
    )


def seconds(ms: int) -> int:
    """Whole seconds, rounded up, so that who waits that long has waited enough."""
    return max(1, math.ceil(ms / 1000))


def ratelimit_headers(quota: Quota) -> dict[str, str]:
    """The three RateLimit fields, the reset in seconds from now."""
    return {
        "RateLimit-Limit": str(quota.limit),
        "RateLimit-Remaining": str(max(0, quota.remaining)),
        "RateLimit-Reset": str(seconds(quota.resets_in_ms)),
    }


@dataclass(frozen=True)
class Surface:
    """A wire format: where it lives, its routes, the shape of its errors, and its documentation.

    `charge` takes a request from the quota that was answered before it was charged, so that errors have
    one too; `quota_when_away` is what is told while nothing can be counted. `headers` are on every answer.
    `preflight` answers OPTIONS on all of the paths.
    """

    prefix: str
    blueprint: Blueprint
    envelope: Callable[[Problem], dict[str, Any]]
    status: Mapping[str, int]
    charge: Callable[[], Quota]
    quota_headers: Callable[[Quota], Mapping[str, str]] = ratelimit_headers
    headers: Mapping[str, str] = field(default_factory=dict)
    preflight: Callable[[], Response] | None = None
    quota_when_away: Callable[[], Quota] | None = None

    def __post_init__(self) -> None:
        # At import, once: a blueprint takes no handlers after its first registration, and one
        # process may build many apps. By class, never by number: Flask asks the app for a
        # handler of the number before it asks the blueprint for a handler of the class.
        self.blueprint.register_error_handler(HTTPException, self.respond)
        self.blueprint.register_error_handler(PrecogError, self.respond)

    def respond(self, error: Exception) -> Response:
        """The error in this surface's form."""
        problem = problem_from(error)
        if problem.code not in ("storage_unavailable", "rate_limited") and "quota" not in g:
            try:
                g.quota = self.charge()
            except Exception as failure:  # nothing may leave an error's handler
                if not isinstance(failure, PrecogError):
                    current_app.log_exception(sys.exc_info())
                problem = problem_from(failure)
        if "quota" not in g:  # else the request was counted, and another limit than that refused it
            self._tell_without_counting(problem)
        response = jsonify(self.envelope(problem))
        response.status_code = self.status[problem.code]
        response.headers.extend(problem.headers)
        return response

    def _tell_without_counting(self, problem: Problem) -> None:
        if problem.quota is not None:
            g.quota = problem.quota
        elif problem.code == "storage_unavailable" and self.quota_when_away is not None:
            g.quota = self.quota_when_away()

    def finish(self, response: Response) -> Response:
        """The answer with what every answer of this surface carries."""
        if "quota" not in g and "caller" not in g:
            try:
                g.quota = self.charge()  # an answer that needs no key counts for the address
            except PrecogError as refusal:
                response = self.respond(refusal)
        for name, value in (*self.headers.items(), *self.quota_headers(self._quota()).items()):
            response.headers[name] = value
        return response

    def _quota(self) -> Quota:
        if "quota" in g:
            found: Quota = g.quota
            return found
        # The database is away, so nothing can be counted, nor anything be admitted.
        return Quota(g.caller.rate.steady, 0, 1000)


def register(app: Flask, surfaces: Sequence[Surface]) -> None:
    """Let each surface answer for its paths, also where no route was found."""
    by_length = sorted(surfaces, key=lambda surface: len(surface.prefix), reverse=True)

    def responsible() -> Surface | None:
        for surface in by_length:
            if request.path == surface.prefix or request.path.startswith(surface.prefix + "/"):
                return surface
        return None

    @app.before_request
    def preflight() -> Response | None:
        surface = responsible() if request.method == "OPTIONS" else None
        return None if surface is None or surface.preflight is None else surface.preflight()

    @app.errorhandler(HTTPException)
    def routing_error(error: HTTPException) -> Response | HTTPException:
        # 404 and 405 from routing never reach a blueprint's handler. A path that is
        # no surface's is left as it was.
        surface = responsible()
        return error if surface is None else surface.respond(error)

    @app.after_request
    def finish(response: Response) -> Response:
        surface = responsible()
        return response if surface is None else surface.finish(response)
