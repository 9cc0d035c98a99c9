"""What every answer has, whoever gave it: a request id, and one log line without contents."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, request

from ..core.keys import Caller

log = logging.getLogger("precog.access")

_SANE_ID = re.compile(r"[\x21-\x7e]{1,128}")


def register(app: Flask) -> None:
    """Give each request an id and log it when it is done."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = request_id(request.environ)


def request_id(environ: Mapping[str, Any]) -> str:
    """The caller's id of the request when it is a sane one, else a new one."""
    for name in ("HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID"):
        given = environ.get(name)
        if given is not None and _SANE_ID.fullmatch(given):
            return str(given)
    return f"{random.getrandbits(128):032x}"


def _finish(response: Response) -> Response:
    found = g.get("request_id") or request_id(request.environ)
    response.headers["X-Request-Id"] = found
    log_answer(
        request_id=found,
        method=request.method,
        # The route, never the path or the query: those carry names.
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        started=g.get("started", time.perf_counter()),
        caller=g.get("caller"),
        visitor_id=getattr(g.get("visitor"), "caller_id", None),
    )
    return response


def log_answer(
    *,
    request_id: str,
    method: str,
    route: str | None,
    status: int,
    started: float,
    caller: Caller | None,
    visitor_id: str | None = None,
) -> None:
    """Log one answered request, without anything that the caller sent. `started` is perf_counter's.

    `visitor_id` is of a caller from outside, who has an id of its own and no organization.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    facts = {
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round((time.perf_counter() - started) * 1000, 2),
        "organization": caller.organization_id if caller else None,
        "key": caller.key_id if caller else None,
    }
    if visitor_id is not None:
        facts["caller"] = visitor_id
    log.info("request", extra={"precog": facts})
