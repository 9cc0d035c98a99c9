"""Who calls from outside, and what the request takes from its quota."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Response, g, request

from ...core.limits import Quota
from ...core.visitors import KEY_PREFIX, Visitor, anonymous, unknown_quota
from ...errors import InvalidField, PrecogError, RateLimited, StorageUnavailable, Unauthenticated, WrongValue
from ..base import ratelimit_headers, services

_AGENT_ID = re.compile(r"[\x21-\x7e]{1,200}")


def visitor() -> Visitor:
    """Who calls.

    Raises Unauthenticated for a wrong key, RateLimited after many of them, WrongValue for an impossible
    X-Agent-Id.
    """
    if "visitor_refusal" in g:
        raise g.visitor_refusal
    if "visitor" not in g:
        try:
            g.visitor = _identify()
        except (Unauthenticated, RateLimited, InvalidField) as refusal:
            g.visitor_refusal = refusal
            raise
    found: Visitor = g.visitor
    return found


def identify() -> None:
    """Find out who calls, before the body is looked at."""
    visitor()


def charge() -> Quota:
    """Take one request from the visitor's quota, or from its address's when it is refused.

    Raises RateLimited or StorageUnavailable.
    """
    here = services()
    return here.visitors.charge(_counted_as(), now=here.clock())


def charged_visitor() -> Visitor:
    """Who calls, after taking one request from the quota."""
    found = visitor()
    g.quota = charge()
    return found


def quota_when_away() -> Quota:
    """What is told of the quota while the database is away."""
    found = g.visitor if "visitor" in g else anonymous(address())
    return unknown_quota(found, now=services().clock())


def quota_headers(quota: Quota) -> Mapping[str, str]:
    """The RateLimit fields, and whose key it was, so that a sender who mixes up two callers is told."""
    headers = ratelimit_headers(quota)
    if "visitor" in g and g.visitor.caller_id is not None:
        headers["X-Caller-Id"] = g.visitor.caller_id
    return headers


def preflight() -> Response:
    """The answer to OPTIONS, for any path: a browser asks before it sends, and that is not counted."""
    here = services()
    try:
        g.quota = here.db.read(here.visitors.used, _counted_as(), now=here.clock())
    except StorageUnavailable:
        g.quota = quota_when_away()
    answer = Response(status=204)
    del answer.headers["Content-Type"]  # of nothing
    return answer


def _identify() -> Visitor:
    return services().visitors.identify(caller_key=_presented_key(), agent_id=_agent_id(), address=address())


def _counted_as() -> Visitor:
    try:
        return visitor()
    except StorageUnavailable:
        raise
    except PrecogError:
        return anonymous(address())


def _presented_key() -> str | None:
    if (key := request.headers.get("X-Caller-Key")) is not None:
        return key.strip()
    # Whatever else stands there is somebody else's.
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip().startswith(KEY_PREFIX) else None


def _agent_id() -> str | None:
    given = request.headers.get("X-Agent-Id", "").strip()
    if not given:
        return None
    if _AGENT_ID.fullmatch(given) is None:
        raise WrongValue(
            "X-Agent-Id", expected="1 to 200 visible ASCII characters", received="another header value"
        )
    return given


def address() -> str:
    """Where the request comes from, beyond the proxies that are trusted."""
    return request.remote_addr or ""
