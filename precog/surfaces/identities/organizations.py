"""Organizations, as their keys see them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import marshmallow as ma
from flask import current_app, g, request

from ...config import Config
from ...core import organizations
from ...core.administration import KeyRequest
from ...core.keys import SCOPES
from ...core.organizations import LONGEST_NAME, Founded, Own
from ...errors import Unauthenticated
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Text
from ..key_kinds import PREFIXES
from .blueprints import agents_blueprint
from .forms import ERROR
from .values import time

P = ParamSpec("P")
T = TypeVar("T")

_KIND = "certusordo"
_TIME = {"format": "date-time"}


class NewOrganizationSchema(ma.Schema):
    """What it is called."""

    class Meta:
        unknown = ma.EXCLUDE

    name = Text(required=True, shortest=1, longest=LONGEST_NAME, trim=True, metadata={"example": "Acme"})


class OrganizationSchema(ma.Schema):
    """An organization, seen with one of its keys."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    api_key_prefix = ma.fields.String(
        required=True, metadata={"description": "How the key begins that asks.", "example": "aa_3fKq"}
    )
    is_active = ma.fields.Constant(True, required=True, metadata={"type": "boolean"})
    created_at = ma.fields.String(required=True, metadata=_TIME)


class FoundedSchema(OrganizationSchema):
    """A new organization, and its key, which is shown this once."""

    api_key = ma.fields.String(required=True)


_NEW = NewOrganizationSchema()
_FOUNDED = FoundedSchema()
_ORGANIZATION = OrganizationSchema()
_ORGANIZATIONS = OrganizationSchema(many=True)
_ERRORS = (401, 403, 429, 500, 503)


def _needs_founder(view: Callable[P, T]) -> Callable[P, T]:
    """Let only an admin key in, or anybody where the operator has opened sign-up."""

    @wraps(view)
    def admitted(*args: P.args, **kwargs: P.kwargs) -> T:
        config: Config = current_app.config["PRECOG"]
        try:
            g.caller = auth.authenticate(services(), request.environ)
            if not config.open_sign_up:
                g.caller.require("admin")
        except Unauthenticated:
            if not config.open_sign_up:
                raise
        return view(*args, **kwargs)

    return admitted


@agents_blueprint.route("/organizations", methods=["POST"])
@_needs_founder
@agents_blueprint.arguments(_NEW)
@agents_blueprint.response(201, _FOUNDED, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, 400, 413, 415, 422, headers=RATE_LIMIT_HEADERS)
def create_organization(data: dict[str, Any]) -> dict[str, Any]:
    """Make an organization. Its key is shown this once.

    That needs an admin key of the organization that runs the server, unless its operator has opened sign-up:
    then anybody may, a few an hour.
    """
    g.quota = auth.charge()
    config: Config = current_app.config["PRECOG"]
    founded = organizations.create(
        services(),
        g.get("caller"),
        data["name"],
        KeyRequest(kind=_KIND, prefix=PREFIXES[_KIND], name="first key", scopes=frozenset(SCOPES)),
        open_to=request.remote_addr or "" if config.open_sign_up else None,
    )
    return _from_founded(founded)


@agents_blueprint.route("/organizations", methods=["GET"])
@auth.needs("read")
@agents_blueprint.response(200, _ORGANIZATIONS, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def list_organizations() -> list[dict[str, Any]]:
    """The organization of the key: no key sees another."""
    return [_from_own(organizations.own(services(), auth.charged_caller()))]


@agents_blueprint.route("/organizations/<organization_id>", methods=["GET"])
@auth.needs("read")
@agents_blueprint.response(200, _ORGANIZATION, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_organization(organization_id: str) -> dict[str, Any]:
    """The organization of the key; of any other it is not told whether it is there."""
    return _from_own(organizations.get(services(), auth.charged_caller(), organization_id))


def _from_founded(founded: Founded) -> dict[str, Any]:
    own = Own(founded.organization, founded.key.record.display)
    return {**_from_own(own), "api_key": founded.key.secret}


def _from_own(own: Own) -> dict[str, Any]:
    return {
        "id": own.organization.id,
        "name": own.organization.name,
        "api_key_prefix": own.key_display,
        "created_at": time(own.organization.created_at),
    }
