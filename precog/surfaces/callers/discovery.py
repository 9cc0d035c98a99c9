"""Where the recommending agents are, and what each can do."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import marshmallow as ma
from flask import url_for

from ...core import catalogs
from ...core.catalogs import Catalog, from_claims
from ...core.pitch import MODES
from ...core.visitors import PER_MINUTE
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Text
from . import visitors
from .blueprints import public_blueprint, well_known_blueprint
from .forms import ERROR

A2A_VERSION = "1.0"
_AGENTS_A_PAGE = 500
_ERRORS = (400, 401, 429, 500, 503)


class AgentsQuery(ma.Schema):
    """Which agents."""

    class Meta:
        unknown = ma.EXCLUDE

    after = Text(
        longest=200,
        allow_none=False,
        load_default=str,
        metadata={"description": "Those whose slugs come behind this one."},
    )


class Link(ma.Schema):
    """How something is asked."""

    method = ma.fields.String(required=True)
    url = ma.fields.String(required=True, metadata={"format": "uri"})


class AgentSummary(ma.Schema):
    """A recommending agent, and where it describes itself."""

    slug = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    business = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    industry = ma.fields.String(required=True, allow_none=True)
    agentJson = ma.fields.String(required=True, metadata={"format": "uri"})
    agentCard = ma.fields.String(required=True, metadata={"format": "uri"})
    recommend = ma.fields.String(required=True, metadata={"format": "uri"})


class Agents(ma.Schema):
    """The recommending agents by slug, and where a caller registers; `next` is where more of them are."""

    agents = ma.fields.List(ma.fields.Nested(AgentSummary), required=True)
    register = ma.fields.String(required=True, metadata={"format": "uri"})
    documentation = ma.fields.String(required=True, metadata={"format": "uri"})
    next = ma.fields.String(required=True, allow_none=True, metadata={"format": "uri"})


class Endpoints(ma.Schema):
    """What can be asked."""

    recommend = ma.fields.Nested(Link, required=True)
    trackConversion = ma.fields.Nested(Link, required=True)
    register = ma.fields.Nested(Link, required=True)


class TrustClaim(ma.Schema):
    """What the operator vouches for."""

    claim = ma.fields.String(required=True)
    evidence = ma.fields.String()


class AgentSchema(AgentSummary):
    """A recommending agent, all of it."""

    endpoints = ma.fields.Nested(Endpoints, required=True)
    callerModes = ma.fields.List(ma.fields.String(), required=True)
    requestsPerMinute = ma.fields.Dict(required=True, metadata={"example": dict(PER_MINUTE)})
    trustClaims = ma.fields.List(ma.fields.Nested(TrustClaim), required=True)
    documentation = ma.fields.String(required=True, metadata={"format": "uri"})


class CardSchema(ma.Schema):
    """An agent card as A2A 1.0 requires it."""

    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    version = ma.fields.String(required=True)
    supportedInterfaces = ma.fields.List(ma.fields.Dict(), required=True)
    capabilities = ma.fields.Dict(required=True)
    defaultInputModes = ma.fields.List(ma.fields.String(), required=True)
    defaultOutputModes = ma.fields.List(ma.fields.String(), required=True)
    skills = ma.fields.List(ma.fields.Dict(), required=True)
    documentationUrl = ma.fields.String(required=True)
    securitySchemes = ma.fields.Dict(required=True)


_SENDER = {
    "in": "header",
    "name": "X-Agent-Id",
    "description": "What the sender calls itself.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}

_QUERY = AgentsQuery()
_AGENTS = Agents()
_AGENT = AgentSchema()
_CARD = CardSchema()


@well_known_blueprint.route("/.well-known/agents.json", methods=["GET"])
@well_known_blueprint.arguments(_QUERY, location="query")
@well_known_blueprint.response(200, _AGENTS, headers=RATE_LIMIT_HEADERS)
@well_known_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def list_agents(query: dict[str, Any]) -> dict[str, Any]:
    """The recommending agents of this server."""
    visitors.charged_visitor()
    found = catalogs.all_live(services(), after=query["after"], limit=_AGENTS_A_PAGE + 1)
    page = found[:_AGENTS_A_PAGE]
    more = len(found) > len(page)
    return {
        "agents": [_summary(catalog) for catalog in page],
        "register": _url("callers.register"),
        "documentation": _url("docs.page"),
        "next": _url("callers_well_known.list_agents", after=page[-1].slug) if more else None,
    }


@public_blueprint.route("/agents/<slug>/agent.json", methods=["GET"])
@public_blueprint.response(200, _AGENT, headers=RATE_LIMIT_HEADERS)
@public_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
@public_blueprint.doc(parameters=[_SENDER])
def describe_agent(slug: str) -> dict[str, Any]:
    """What a recommending agent is, and how it is asked."""
    visitors.charged_visitor()
    catalog = catalogs.live(services(), slug)
    return {
        **_summary(catalog),
        "endpoints": {
            "recommend": {"method": "POST", "url": _url("callers.recommend_products", slug=slug)},
            "trackConversion": {"method": "POST", "url": _url("callers.track_conversion", slug=slug)},
            "register": {"method": "POST", "url": _url("callers.register")},
        },
        "callerModes": list(MODES),
        "requestsPerMinute": dict(PER_MINUTE),
        "trustClaims": from_claims(catalog.about.claims),
        "documentation": _url("docs.page"),
    }


@public_blueprint.route("/agents/<slug>/.well-known/agent.json", methods=["GET"])
@public_blueprint.response(200, _CARD, headers=RATE_LIMIT_HEADERS)
@public_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
@public_blueprint.doc(parameters=[_SENDER])
def agent_card(slug: str) -> dict[str, Any]:
    """The agent card of A2A 1.0, with the fields that it requires and how a caller is known.

    The interface is not one of A2A's own bindings: its `protocolBinding` is the OpenAPI document of what is
    spoken at its `url`.
    """
    visitors.charged_visitor()
    return _card(catalogs.live(services(), slug))


@public_blueprint.route("/agents/<slug>/.well-known/agent-card.json", methods=["GET"])
@public_blueprint.response(200, _CARD, headers=RATE_LIMIT_HEADERS)
@public_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
@public_blueprint.doc(parameters=[_SENDER])
def agent_card_of_today(slug: str) -> dict[str, Any]:
    """The same card under the name that A2A has given it since 0.3."""
    visitors.charged_visitor()
    return _card(catalogs.live(services(), slug))


def _url(endpoint: str, **values: str) -> str:
    return url_for(endpoint, _external=True, **values)


def _summary(catalog: Catalog) -> dict[str, Any]:
    about, slug = catalog.about, catalog.slug
    return {
        "slug": slug,
        "name": about.name,
        "business": about.business,
        "description": _description(catalog),
        "industry": about.industry,
        "agentJson": _url("callers.describe_agent", slug=slug),
        "agentCard": _url("callers.agent_card", slug=slug),
        "recommend": _url("callers.recommend_products", slug=slug),
    }


def _description(catalog: Catalog) -> str:
    return catalog.about.description or f"Recommends products of {catalog.about.business}."


def _card(catalog: Catalog) -> dict[str, Any]:
    about = catalog.about
    return {
        "name": about.name,
        "description": _description(catalog),
        "version": version("precog"),
        "supportedInterfaces": [
            {
                "url": _url("callers.recommend_products", slug=catalog.slug),
                "protocolBinding": _url("openapi_agilityos"),
                "protocolVersion": A2A_VERSION,
            }
        ],
        "capabilities": {"streaming": False, "pushNotifications": False, "extendedAgentCard": False},
        "defaultInputModes": ["application/json"],
        "defaultOutputModes": ["application/json"],
        "skills": [
            {
                "id": "recommend",
                "name": "Recommend products",
                "description": f"Finds products of {about.business} for a goal, a budget and constraints, "
                "and says why each fits.",
                "tags": ["recommendation", "products", *([about.industry] if about.industry else [])],
            }
        ],
        "documentationUrl": _url("docs.page"),
        "securitySchemes": {
            "callerKey": {
                "apiKeySecurityScheme": {
                    "location": "header",
                    "name": "X-Caller-Key",
                    "description": "Not required; a registered caller has a higher rate limit.",
                }
            }
        },
    }
