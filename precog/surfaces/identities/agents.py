"""Agents with keys of their own: made, listed, changed and ended by their organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from ...core import identities
from ...core.identities import LONGEST_NAME, MOST_SCOPES, STATUSES, Change, Identity, Made, Wanted
from ...core.times import to_rfc3339
from ...errors import WrongType, WrongValue
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Checked, Choice, Count, Text, fault, json_type
from ..queries import Query
from .blueprints import agents_blueprint
from .forms import ERROR

_TIME = {"format": "date-time"}
_LONGEST_SCOPE = 65
_TOTAL = {"X-Total-Count": {"description": "Agents in all.", "schema": {"type": "integer", "minimum": 0}}}


class Scopes(Checked, ma.fields.List[Any]):
    """What an agent may do."""

    expected = "array of strings"

    def __init__(self, **kwargs: Any) -> None:
        pattern = "^[A-Za-z0-9_.-]{1,32}:[A-Za-z0-9_.-]{1,32}$"
        scope = ma.fields.String(metadata={"pattern": pattern, "maxLength": _LONGEST_SCOPE})
        kwargs["metadata"] = {"example": ["payments:read", "payments:write"], **kwargs.get("metadata", {})}
        super().__init__(scope, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        if len(value) > 10 * MOST_SCOPES:  # the same one may be there more than once
            raise fault(WrongValue, f"at most {MOST_SCOPES} scopes", f"{len(value)}")
        for index, entry in enumerate(value):
            if not isinstance(entry, str):
                wrong = fault(WrongType, "string", json_type(entry))
                raise ma.ValidationError({index: wrong.messages})
        return value


class PublicKey(Checked, ma.fields.Raw):
    """An Ed25519 public key: PEM, or a JWK."""

    expected = "PEM text or JWK object"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": ["string", "object"], **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str | dict):
            raise fault(WrongType, self.expected, json_type(value))
        return value


class NewAgentSchema(ma.Schema):
    """An agent to make."""

    class Meta:
        unknown = ma.EXCLUDE

    name = Text(
        required=True,
        shortest=1,
        longest=LONGEST_NAME,
        trim=True,
        metadata={"example": "payment-processor"},
    )
    scopes = Scopes()
    public_key = PublicKey(
        metadata={"description": "The agent's own; without it a key pair is made, and its private half told."}
    )

    @ma.post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Wanted:
        """The core's form of it."""
        return Wanted(name=data["name"], scopes=data["scopes"] or (), public_key=data["public_key"])


class AgentPatch(ma.Schema):
    """What is to be changed of an agent."""

    class Meta:
        unknown = ma.EXCLUDE

    status = Choice(STATUSES[:2], metadata={"enum": [*STATUSES[:2], None], "example": "suspended"})
    name = Text(shortest=1, longest=LONGEST_NAME, trim=True)
    scopes = Scopes()

    @ma.post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Change:
        """The core's form of it."""
        return Change(**data)


class AgentsQuery(Query):
    """Which agents."""

    status = Choice(STATUSES)
    limit = Count(least=1, most=100, load_default=20)
    offset = Count(least=0, most=10**9, load_default=0)


class IdentitySchema(ma.Schema):
    """An agent."""

    id = ma.fields.String(required=True, metadata={"format": "uuid"})
    organization_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    public_key = ma.fields.String(required=True, metadata={"description": "PEM."})
    key_fingerprint = ma.fields.String(
        required=True, metadata={"description": "`sha256:` and the SHA-256 of the key's DER, in hex."}
    )
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    scopes = ma.fields.List(ma.fields.String(), required=True)
    created_at = ma.fields.String(required=True, metadata=_TIME)
    updated_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)
    last_auth_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)
    revoked_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)


class MadeSchema(IdentitySchema):
    """A new agent, with what is shown this once."""

    secret = ma.fields.String(required=True)
    private_key = ma.fields.String(metadata={"description": "PEM; absent when the agent has its own."})


_NEW = NewAgentSchema()
_PATCH = AgentPatch()
_QUERY = AgentsQuery()
_AGENT = IdentitySchema()
_LISTED = IdentitySchema(many=True)
_MADE = MadeSchema()
_ERRORS = (401, 403, 429, 500, 503)


@agents_blueprint.route("/agents", methods=["POST"])
@auth.needs("agents")
@agents_blueprint.arguments(_NEW)
@agents_blueprint.response(201, _MADE, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, 400, 413, 415, 422, headers=RATE_LIMIT_HEADERS)
def create_agent(wanted: Wanted) -> dict[str, Any]:
    """Make an agent. Its secret, and the private key that was made for it, are shown this once."""
    return _from_made(identities.create(services(), auth.charged_caller(), wanted))


@agents_blueprint.route("/agents", methods=["GET"])
@auth.needs("agents")
@agents_blueprint.arguments(_QUERY, location="query")
@agents_blueprint.response(200, _LISTED, headers={**RATE_LIMIT_HEADERS, **_TOTAL})
@agents_blueprint.errors(ERROR, *_ERRORS, 422, headers=RATE_LIMIT_HEADERS)
def list_agents(query: dict[str, Any]) -> tuple[list[dict[str, Any]], int, Mapping[str, str]]:
    """The organization's agents, newest first."""
    found, total = identities.page(services(), auth.charged_caller(), **query)
    return [_from_identity(one) for one in found], 200, {"X-Total-Count": str(total)}


@agents_blueprint.route("/agents/<agent_id>", methods=["GET"])
@auth.needs("agents")
@agents_blueprint.response(200, _AGENT, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_agent(agent_id: str) -> dict[str, Any]:
    """One agent."""
    return _from_identity(identities.get(services(), auth.charged_caller(), agent_id))


@agents_blueprint.route("/agents/<agent_id>", methods=["PATCH"])
@auth.needs("agents")
@agents_blueprint.arguments(_PATCH)
@agents_blueprint.response(200, _AGENT, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, 400, 404, 409, 413, 415, 422, headers=RATE_LIMIT_HEADERS)
def change_agent(change: Change, agent_id: str) -> dict[str, Any]:
    """Rename an agent, give it other scopes, suspend it, or let it go on. One that was revoked stays so."""
    return _from_identity(identities.change(services(), auth.charged_caller(), agent_id, change))


@agents_blueprint.route("/agents/<agent_id>", methods=["DELETE"])
@auth.needs("agents")
@agents_blueprint.response(200, _AGENT, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def revoke_agent(agent_id: str) -> dict[str, Any]:
    """Revoke an agent, for good: its tokens end at once, and its slot of the plan is free."""
    return _from_identity(identities.revoke(services(), auth.charged_caller(), agent_id))


def _from_identity(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "organization_id": identity.organization_id,
        "name": identity.name,
        "public_key": identity.public_key,
        "key_fingerprint": identity.key_fingerprint,
        "status": identities.status_of(identity),
        "scopes": identities.scopes_of(identity),
        "created_at": to_rfc3339(identity.created_at),
        "updated_at": _time(identity.updated_at),
        "last_auth_at": _time(identity.last_auth_at),
        "revoked_at": _time(identity.revoked_at),
    }


def _from_made(made: Made) -> dict[str, Any]:
    body = {**_from_identity(made.identity), "secret": made.secret}
    return body if made.private_key is None else {**body, "private_key": made.private_key}


def _time(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
