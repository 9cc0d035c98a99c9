"""The OpenAPI documents, one a vendor, and the page that shows them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import Blueprint, Flask, Response, abort, jsonify, make_response, render_template, url_for
from werkzeug.routing import BaseConverter

from .base import Surface

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
}
# Nothing from elsewhere, and nothing inline but the styles that Swagger UI sets itself.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


class Api(flask_smorest.Api):
    """flask-smorest without its error handlers: ours shape each surface's errors."""

    DEFAULT_ERROR_RESPONSE_NAME = None  # each error is documented; a default would cover up a forgotten one

    def __init__(self, app: Flask, *, config_prefix: str, error: type[ma.Schema]) -> None:
        self.ERROR_SCHEMA = error
        super().__init__(app, config_prefix=config_prefix)

    def _register_error_handlers(self) -> None:
        pass


@dataclass(frozen=True)
class Document:
    """One OpenAPI document and the surfaces in it. `name` sets the documents' schemas apart."""

    name: str
    title: str
    version: str
    prefix: str
    error: type[ma.Schema]
    surfaces: tuple[Surface, ...]
    key_header: str = "x-api-key"
    needs_key: bool = True


def register(app: Flask, documents: tuple[Document, ...]) -> None:
    """Serve each document at its prefix's `openapi.json`, and all of them at `/docs`."""
    for document in documents:
        _add(app, document)
    app.register_blueprint(_page(documents))


def _add(app: Flask, document: Document) -> None:
    for surface in document.surfaces:
        app.register_blueprint(surface.blueprint)

    @functools.cache
    def described() -> dict[str, Any]:
        return _describe(document, app.url_map.converters)

    def serve() -> Response:
        # Where the server is mounted is known only now.
        servers = [{"url": url_for("docs.page").removesuffix("/docs") or "/"}]
        return jsonify({**described(), "servers": servers})

    app.add_url_rule(f"{document.prefix}/openapi.json", f"openapi_{document.name}", serve)


def _describe(document: Document, converters: Mapping[str, type[BaseConverter]]) -> dict[str, Any]:
    # When first asked for, which most applications never are: describing all routes takes four times as long
    # as building the rest of an application. So on one of its own: the other serves by now.
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.url_map.converters.update(converters)
    setting = f"{document.name.upper()}_"
    app.config |= {
        f"{setting}API_TITLE": document.title,
        f"{setting}API_VERSION": document.version,
        f"{setting}OPENAPI_VERSION": "3.1.0",
        f"{setting}API_SPEC_OPTIONS": {
            "security": [*([] if document.needs_key else [{}]), {"ApiKey": []}, {"Bearer": []}],
            "components": {
                "securitySchemes": {
                    "ApiKey": {"type": "apiKey", "in": "header", "name": document.key_header},
                    "Bearer": {"type": "http", "scheme": "bearer"},
                }
            },
        },
    }
    api = Api(app, config_prefix=setting, error=document.error)
    for surface in document.surfaces:
        api.register_blueprint(surface.blueprint)
    spec: dict[str, Any] = api.spec.to_dict()
    return spec


def _page(documents: tuple[Document, ...]) -> Blueprint:
    blueprint = Blueprint("docs", __name__, template_folder="templates")
    assets: Traversable = files("flask_swagger_ui") / "dist"

    @blueprint.get("/docs")
    def page() -> Response:
        answer = make_response(render_template("docs.html"))
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    @blueprint.get("/docs/settings.js")
    def settings() -> Response:
        urls = [
            {"name": document.title, "url": url_for(f"openapi_{document.name}")} for document in documents
        ]
        answer = make_response(render_template("docs.js", urls=urls))
        answer.mimetype = "text/javascript"
        return answer

    @blueprint.get("/docs/<name>")
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            abort(404)
        answer = make_response((assets / name).read_bytes())
        answer.mimetype = _ASSETS[name]
        answer.headers["Cache-Control"] = "public, max-age=3600"
        return answer

    return blueprint
