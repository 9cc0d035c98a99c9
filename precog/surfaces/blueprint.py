"""flask-smorest with our body reader and our errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import flask_smorest
import marshmallow as ma
from flask import Flask, Request, current_app
from webargs.flaskparser import FlaskParser
from werkzeug.routing import BaseConverter

from ..config import Config
from ..errors import MalformedBody
from . import body
from .fields import first_fault, json_type

View = TypeVar("View", bound=Callable[..., Any])


class StrictParser(FlaskParser):
    """Reads bodies with our limits, and raises our errors."""

    DEFAULT_VALIDATION_STATUS = 400  # what flask-smorest documents; webargs would say 422

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        if getattr(schema, "MAY_BE_ABSENT", False) and body.is_absent():
            return {}
        config: Config = current_app.config["PRECOG"]
        limit = config.max_batch_bytes if getattr(schema, "IS_BATCH", False) else config.max_request_bytes
        if getattr(schema, "MAY_BE_FORM", False) and body.is_form():
            return body.read_form(limit)
        found = body.read_json(limit, exact=getattr(schema, "EXACT_NUMBERS", False))
        if not isinstance(found, dict) and not getattr(schema, "TAKES_ANY_JSON", False):
            raise MalformedBody(f"The body is not a JSON object but {json_type(found)}")
        return found

    def handle_error(
        self, error: ma.ValidationError, req: Request, schema: ma.Schema, **kwargs: Any
    ) -> NoReturn:
        messages: Any = error.messages
        # webargs puts the place ("json", "query") around the fields.
        raise first_fault(next(iter(messages.values()))) from None


class NameConverter(BaseConverter):
    """A name that senders chose, as the rest of a path: with slashes and line breaks, but without NUL."""

    regex = r"[^\0]+"
    part_isolating = False


class Blueprint(flask_smorest.Blueprint):
    """A surface's routes."""

    ARGUMENTS_PARSER = StrictParser()

    def register(self, app: Flask, options: dict[str, Any]) -> None:
        """As flask-smorest's; what decorators have noted of a view is let go, now that it has its routes."""
        super().register(app, options)
        for endpoint in self._docs:
            view = app.view_functions.get(f"{self.name}.{endpoint}")
            while view is not None:
                view.__dict__.pop("_apidoc", None)
                view = getattr(view, "__wrapped__", None)

    def response(self, status: int, schema: Any = None, *, headers: Any = None, **more: Any) -> Any:
        """As flask-smorest's, with the header that every answer has."""
        return super().response(status, _shared(schema), headers={**_REQUEST_ID, **(headers or {})}, **more)

    def alt_response(self, status: int, schema: Any = None, *, headers: Any = None, **more: Any) -> Any:
        """As flask-smorest's, with the header that every answer has."""
        return super().alt_response(
            status, schema=_shared(schema), headers={**_REQUEST_ID, **(headers or {})}, **more
        )

    def arguments(self, schema: Any, **more: Any) -> Any:
        """As flask-smorest's; a schema that may also be sent as a form is documented as one, too."""
        decorate = super().arguments(_shared(schema), **more)
        if not getattr(schema, "MAY_BE_FORM", False):
            return decorate
        told = self.doc(requestBody={"content": {body.FORM: {"schema": schema}}})
        return lambda view: told(decorate(view))

    def errors(
        self, schema: ma.Schema, *statuses: int, headers: Mapping[str, Any] | None = None
    ) -> Callable[[View], View]:
        """Document the errors that a view may answer with."""
        entries = {
            status: {
                "description": HTTPStatus(status).phrase,
                "content": {"application/json": {"schema": _shared(schema)}},
                "headers": {**_REQUEST_ID, **(headers or {}), **_ERROR_HEADERS.get(status, {})},
            }
            for status in statuses
        }
        documented: Callable[[View], View] = self.doc(responses=entries)
        return documented


def _shared(schema: Any) -> Any:
    """The schema, made to be its own copy.

    Each decorator of flask-smorest copies all that is known of a view, which makes thousands of fields.
    """
    if isinstance(schema, ma.Schema):
        schema.__dict__["__deepcopy__"] = lambda known: schema
    return schema


_REQUEST_ID = {
    "X-Request-Id": {
        "description": "The request's own X-Request-Id or x-correlation-id, else a fresh one.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_ERROR_HEADERS = {
    401: {"WWW-Authenticate": {"description": "How to give a key.", "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}

RATE_LIMIT_HEADERS = {
    "RateLimit-Limit": {
        "description": "Requests that the present window admits.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Remaining": {
        "description": "Requests left in the present window.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until the next window.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
