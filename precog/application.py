"""Puts the application together."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from importlib.metadata import version
from types import TracebackType
from typing import Any

import orjson
from flask import Flask, Request
from flask.json.provider import JSONProvider
from flask.sessions import SessionInterface

from . import config as settings
from .core import services
from .core.times import Clock, wall_clock
from .surfaces import base, callers, documents, edge, guard, health, identities, management, telemetry
from .surfaces.blueprint import NameConverter
from .surfaces.callers.forms import ErrorSchema as CallerErrorSchema
from .surfaces.coded import ErrorSchema
from .surfaces.documents import Document
from .surfaces.guard.forms import RefusedSchema
from .surfaces.identities.forms import ErrorSchema as IdentityErrorSchema
from .surfaces.proxies import TrustedProxies
from .surfaces.shortcut import Shortcuts

log = logging.getLogger(__name__)


class _Json(JSONProvider):
    """JSON by orjson."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        body: Any = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(body, mimetype="application/json")


class _NoSession(SessionInterface):
    """An API has no sessions, and opening one costs 15 µs a request."""

    def open_session(self, app: Flask, request: Request) -> None:
        return None


class _App(Flask):
    """Flask that logs where an error came from, and nothing that its text may hold of a body or key."""

    json_provider_class = _Json
    session_interface = _NoSession()

    def log_exception(
        self, exc_info: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
    ) -> None:
        kind, _, trace = exc_info
        frames = traceback.extract_tb(trace)
        path = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        log.error("unhandled %s at %s", kind.__name__ if kind else "error", path)


def build(
    config: Mapping[str, Any] | None = None, *, clock: Clock | None = None, shortcuts: bool = False
) -> Flask:
    """The application; see `precog.create_app`. With `shortcuts`, ordinary requests pass Flask by."""
    chosen = settings.load(config)
    app = _App("precog", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # two slashes may stand in an agent's name
    app.url_map.converters["name"] = NameConverter
    app.secret_key = chosen.secret_key[-1]
    app.config["SECRET_KEY_FALLBACKS"] = list(chosen.secret_key[:-1])
    app.config["PRECOG"] = chosen
    app.extensions["precog"] = services.build(
        database=chosen.database,
        pepper=chosen.key_pepper,
        clock=clock or wall_clock,
        unauthenticated_per_minute=chosen.unauthenticated_per_minute,
        caller_ip_per_minute=chosen.caller_ip_per_minute,
        registrations_per_hour=chosen.registrations_per_hour,
        background_analysis=chosen.background_analysis,
        secret_keys=chosen.secret_key,
        issuer=chosen.issuer,
    )
    if shortcuts:
        app.wsgi_app = Shortcuts(  # type: ignore[method-assign]
            app.wsgi_app,
            app.extensions["precog"],
            (*telemetry.SHORTCUTS, *guard.SHORTCUTS),
            limit_bytes=chosen.max_request_bytes,
        )
    if chosen.trusted_proxies:
        app.wsgi_app = TrustedProxies(  # type: ignore[method-assign]
            app.wsgi_app, chosen.trusted_proxies, name_host=chosen.proxies_name_host
        )
    edge.register(app)
    app.register_blueprint(health.blueprint)
    own = (telemetry.surface, management.surface)
    base.register(app, (*own, *guard.surfaces, *callers.surfaces, *identities.surfaces))
    number = version("precog")
    documents.register(
        app,
        (
            Document("precogx", "Telemetry and management", number, "/api/v1", ErrorSchema, own),
            Document(
                "agentid",
                "Guard and events",
                number,
                "/api/v1/guard",
                RefusedSchema,
                guard.surfaces,
                key_header="x-agentid-api-key",
            ),
            Document(
                "agilityos",
                "Public agents",
                number,
                "/api/public",
                CallerErrorSchema,
                callers.surfaces,
                key_header="X-Caller-Key",
                needs_key=False,
            ),
            Document(
                "certusordo",
                "Agent identities",
                number,
                "/v1",
                IdentityErrorSchema,
                identities.surfaces,
                key_header="X-API-Key",
            ),
        ),
    )
    return app
