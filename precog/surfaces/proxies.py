"""What trusted proxies say of a request: where it came from, and under which address it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from ..core.addresses import without_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_FORMS = {
    "HTTP_X_FORWARDED_PROTO": re.compile("https?"),
    "HTTP_X_FORWARDED_HOST": re.compile(
        rf"(?=.{{1,259}}\Z)(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?"
    ),
    "HTTP_X_FORWARDED_PREFIX": re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+;=:@%-]+)*/?"),
}


class TrustedProxies:
    """WSGI middleware that believes the nearest `count` proxies, and nobody before them.

    Of the host and the prefix they are asked only when `name_host` says that they set these headers: what a
    proxy does not set it passes on, and every link in an answer would be what the sender likes.
    """

    def __init__(self, app: WSGIApplication, count: int, *, name_host: bool) -> None:
        self._app = app
        self._count = count
        named = count if name_host else 0
        self._fixed = ProxyFix(self._with_address, x_for=count, x_proto=count, x_host=named, x_prefix=named)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer to the request as the proxies tell it."""
        for name, form in _FORMS.items():
            values = str(environ.get(name, "")).split(",")
            if len(values) >= self._count and form.fullmatch(values[-self._count].strip()) is None:
                environ.pop(name, None)  # nothing that is one; then what came with the connection stands
        return self._fixed(environ, start_response)

    def _with_address(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = without_port(str(environ.get("REMOTE_ADDR") or ""))
        return self._app(environ, start_response)
