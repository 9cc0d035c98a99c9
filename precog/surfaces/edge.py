"""What every answer has, whoever gave it: a request id, and one log line without contents."""

from __future__ import annotations

import logging
import random
import re
import time

from flask import Flask, Response, g, request

log = logging.getLogger("precog.access")

_SANE_ID = re.compile(r"[\x21-\x7e]{1,128}")


def register(app: Flask) -> None:
    """Give each request an id and log it when it is done."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = _request_id()


def _request_id() -> str:
    environ = request.environ
    for name in ("HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID"):
        given = environ.get(name)
        if given is not None and _SANE_ID.fullmatch(given):
            return str(given)
    return f"{random.getrandbits(128):032x}"


def _finish(response: Response) -> Response:
    request_id = g.get("request_id") or _request_id()
    response.headers["X-Request-Id"] = request_id
    if log.isEnabledFor(logging.INFO):
        log.info("request", extra={"precog": _facts(request_id, response)})
    return response


def _facts(request_id: str, response: Response) -> dict[str, object]:
    # The route, never the path or the query: those carry names.
    caller = g.get("caller")
    return {
        "request_id": request_id,
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 2),
        "organization": caller.organization_id if caller else None,
        "key": caller.key_id if caller else None,
    }
