"""Tokens for agents: got by a secret or an assertion, renewed, ended, looked at, and verified by anybody."""

from __future__ import annotations

from typing import Any

from flask import g, request

from ...core import token_ends, tokens
from ...core.addresses import network_of
from ...core.signing_keys import JWKS_MAX_AGE_S
from ...core.tokens import Asking, Tokens
from ...errors import MissingField, WrongValue
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from .blueprints import agents_blueprint, well_known_blueprint
from .callers import admit_agent, agent_caller, charged_agent
from .forms import ERROR
from .token_forms import (
    ASSERTION_TYPE,
    AccessSchema,
    IntrospectSchema,
    KeysSchema,
    RefreshSchema,
    RevokedSchema,
    RevokeSchema,
    StateSchema,
    TokenRequestSchema,
    TokensSchema,
)

_TOKEN_PATH = "/v1/auth/token"  # noqa: S105, an address
_TOKEN_REQUEST = TokenRequestSchema()
_REFRESH = RefreshSchema()
_REVOKE = RevokeSchema()
_INTROSPECT = IntrospectSchema()
_TOKENS = TokensSchema()
_ACCESS = AccessSchema()
_REVOKED = RevokedSchema()
_STATE = StateSchema()
_KEYS = KeysSchema()
_ERRORS = (400, 401, 403, 413, 415, 422, 429, 500, 503)
_CACHE_CONTROL = {"Cache-Control": {"description": "How long it may be kept.", "schema": {"type": "string"}}}
_NO_KEY: list[dict[str, list[str]]] = [{}, {"ApiKey": []}]


@agents_blueprint.route("/auth/token", methods=["POST"])
@agents_blueprint.arguments(_TOKEN_REQUEST)
@agents_blueprint.response(200, _TOKENS, headers={**RATE_LIMIT_HEADERS, **_CACHE_CONTROL})
@agents_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.doc(security=_NO_KEY)
def get_token(body: dict[str, Any]) -> Any:
    """Get tokens for an agent, by its secret or by an assertion that it signed. An API key is not needed."""
    return _from_tokens(_charged(_prove(body)))


@agents_blueprint.route("/auth/refresh", methods=["POST"])
@agents_blueprint.arguments(_REFRESH)
@agents_blueprint.response(200, _ACCESS, headers={**RATE_LIMIT_HEADERS, **_CACHE_CONTROL})
@agents_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.doc(security=_NO_KEY)
def refresh_token(body: dict[str, Any]) -> Any:
    """Get a new access token. The refresh token stays as it is."""
    return _from_tokens(_charged(tokens.refresh(services(), _asking(), body["refresh_token"])))


@agents_blueprint.route("/auth/revoke", methods=["POST"])
@agents_blueprint.arguments(_REVOKE)
@agents_blueprint.response(200, _REVOKED, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.doc(security=[{}, {"Bearer": []}])
def revoke_token(body: dict[str, Any]) -> dict[str, Any]:
    """End the access token in Authorization and the agent's `refresh_token`, or else whoever's `token`.

    With a refresh token all access tokens end that came of it. Who sends a `token` (RFC 7009), or both,
    need not be let in otherwise, and is not told whether there was one.
    """
    if body["token"] is not None:
        services().strangers.refuse(request.remote_addr or "", services().clock())
        asking = _asking()
        for token in (body["refresh_token"], body["token"]):
            if token is not None:
                token_ends.revoke_by_itself(services(), asking, token)
        return {}
    admit_agent()
    charged_agent()
    token_ends.revoke(services(), agent_caller(), body["refresh_token"])
    return {}


@agents_blueprint.route("/auth/introspect", methods=["POST"])
@auth.needs("agents")
@agents_blueprint.arguments(_INTROSPECT)
@agents_blueprint.response(200, _STATE, headers=RATE_LIMIT_HEADERS)
@agents_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def introspect_token(body: dict[str, Any]) -> dict[str, Any]:
    """Whether a token of one of the organization's agents is good at the moment, and for what."""
    found = token_ends.introspect(services(), auth.charged_caller(), body["token"])
    return {"active": False} if found is None else {"active": True, "client_id": found["sub"], **found}


@well_known_blueprint.route("/.well-known/jwks.json", methods=["GET"])
@well_known_blueprint.response(200, _KEYS, headers={**RATE_LIMIT_HEADERS, **_CACHE_CONTROL})
@well_known_blueprint.errors(ERROR, 429, 500, 503, headers=RATE_LIMIT_HEADERS)
@well_known_blueprint.doc(security=[])
def get_keys() -> Any:
    """The public keys by which anybody verifies an access token; a new one is here before it signs."""
    g.quota = auth.charge()
    body = {"keys": list(services().signing_keys.ring().jwks)}
    return body, 200, {"Cache-Control": f"public, max-age={JWKS_MAX_AGE_S}"}


def _prove(body: dict[str, Any]) -> Tokens:
    if body["grant_type"] == "refresh_token":
        if body["refresh_token"] is None:
            raise MissingField("refresh_token", expected="string", received="null")
        return tokens.refresh(
            services(), _asking(), body["refresh_token"], agent_id=body["agent_id"], secret=body["secret"]
        )
    if body["client_assertion"] is None:
        for name in ("agent_id", "secret"):
            if body[name] is None:
                raise MissingField(name, expected="string", received="null")
        return tokens.by_secret(services(), _asking(), agent_id=body["agent_id"], secret=body["secret"])
    if body["client_assertion_type"] not in (None, ASSERTION_TYPE):
        raise WrongValue("client_assertion_type", expected=ASSERTION_TYPE, received="another string")
    audiences = frozenset({_issuer(), _issuer() + _TOKEN_PATH})
    return tokens.by_assertion(
        services(), _asking(), body["client_assertion"], audiences=audiences, agent_id=body["agent_id"]
    )


def _asking() -> Asking:
    # A key is not needed, but one that is sent must be good, and the agent's own organization's. An access
    # token may come along, which has perhaps expired: it is what is to be renewed.
    organization_id, presented = None, auth.presented_key(request.environ)
    if presented is not None and presented != auth.presented_token(request.environ):
        organization_id = auth.authenticate(services(), request.environ).organization_id
    address = network_of(request.remote_addr or "")
    return Asking(issuer=_issuer(), address=address, organization_id=organization_id)


def _issuer() -> str:
    return services().issuer or request.url_root.rstrip("/")


def _charged(made: Tokens) -> Tokens:
    """The tokens; the request was taken from the quota of the agent's organization."""
    g.caller = made.caller
    g.quota = made.quota
    return made


def _from_tokens(made: Tokens) -> tuple[dict[str, Any], int, dict[str, str]]:
    body = {"access_token": made.access_token, "expires_in": made.expires_in_s}
    if made.refresh_token is not None:
        body["refresh_token"] = made.refresh_token
    return body, 200, {"Cache-Control": "no-store"}
