"""The short way for ordinary requests to the busiest routes, around Flask's contexts.

Flask and its layers take two thirds of the time of a small request. A request that is ordinary in every
respect is answered here with the same functions; everything else, whatever is wrong with it, goes the long
way and gets its answer there. Only `precog serve` takes the short way, so that an application that
embeds Precog keeps its hooks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson

from ..core.keys import Caller
from ..core.limits import Quota
from ..core.services import Services
from ..errors import StorageUnavailable
from . import auth, body, edge

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


_STATUS_LINES = {200: "200 OK", 403: "403 FORBIDDEN"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error, before it has headers."""

    body: Mapping[str, Any]
    quota: Quota
    headers: Mapping[str, str]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A POST route of JSON. `prepare` reads a body, and what it raises is left to the long way to
    find again; `act` does the deed, once."""

    route: str
    scope: str
    prepare: Callable[[WSGIEnvironment, Any], Any]
    act: Callable[[Services, Caller, Any], Answer]
    quota_headers: Callable[[Quota], Mapping[str, str]]
    stale: bool = False  # as the authenticator's


class Shortcuts:
    """WSGI middleware around an application with these services."""

    def __init__(
        self, app: WSGIApplication, services: Services, shortcuts: Iterable[Shortcut], *, limit_bytes: int
    ) -> None:
        self._app = app
        self._services = services
        self._by_path = {shortcut.route: shortcut for shortcut in shortcuts}
        self._limit_bytes = limit_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        shortcut = self._by_path.get(environ["PATH_INFO"])
        if shortcut is None or environ["REQUEST_METHOD"] != "POST":
            return self._app(environ, start_response)
        started = time.perf_counter()
        length = self._ordinary_length(environ)
        if length is None:
            return self._app(environ, start_response)
        try:
            caller = self._admit(environ, shortcut)
        except Exception as error:
            if isinstance(error, StorageUnavailable):
                environ[auth.REFUSAL] = error  # it has waited long enough
            return self._app(environ, start_response)
        # Only now: a stranger must not hold a thread by sending slowly.
        raw = bytes(environ["wsgi.input"].read(length))
        if len(raw) != length:
            return self._long_way(environ, raw, start_response)
        try:
            prepared = shortcut.prepare(environ, body.parse(raw))
        except Exception:
            return self._long_way(environ, raw, start_response)
        try:
            answer = shortcut.act(self._services, caller, prepared)
        except Exception as error:
            environ[auth.REFUSAL] = error
            environ[auth.ADMITTED] = caller
            return self._long_way(environ, raw, start_response)
        return _answer(environ, start_response, shortcut, caller, answer, started)

    def _ordinary_length(self, environ: WSGIEnvironment) -> int | None:
        """The body's length in bytes; None when anything about the request is not ordinary."""
        length = environ.get("CONTENT_LENGTH", "")
        if (
            environ.get("CONTENT_TYPE") != "application/json"
            or "HTTP_CONTENT_ENCODING" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or auth.presented_token(environ) is not None
            or not (length.isascii() and length.isdigit() and len(length) < 10)
            or int(length) > self._limit_bytes
        ):
            return None
        return int(length)

    def _admit(self, environ: WSGIEnvironment, shortcut: Shortcut) -> Caller:
        caller = auth.authenticate(self._services, environ, stale=shortcut.stale)
        caller.require(shortcut.scope)
        return caller

    def _long_way(
        self, environ: WSGIEnvironment, raw: bytes, start_response: StartResponse
    ) -> Iterable[bytes]:
        environ["wsgi.input"] = _Replay(raw, environ["wsgi.input"])
        return self._app(environ, start_response)


class _Replay(BytesIO):
    """What was read already, and then what was not, should the client have promised more."""

    def __init__(self, raw: bytes, rest: Any) -> None:
        super().__init__(raw)
        self._rest = rest

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes of the body."""
        return super().read(size) or bytes(self._rest.read(-1 if size is None else size))


def _answer(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    shortcut: Shortcut,
    caller: Caller,
    answer: Answer,
    started: float,
) -> Iterable[bytes]:
    content = orjson.dumps(answer.body)
    request_id = edge.request_id(environ)
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(content))),
        *answer.headers.items(),
        *shortcut.quota_headers(answer.quota).items(),
        ("X-Request-Id", request_id),
    ]
    edge.log_answer(
        request_id=request_id,
        method="POST",
        route=shortcut.route,
        status=answer.status,
        started=started,
        caller=caller,
    )
    start_response(_STATUS_LINES[answer.status], headers)
    return [content]
