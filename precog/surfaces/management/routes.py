"""What an organization can read and change."""

from __future__ import annotations

from typing import Any

from ...core import agents, telemetry, usage
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS, Blueprint
from ..coded import ERROR
from . import convert
from .schemas import (
    AgentPage,
    AgentPatch,
    AgentSchema,
    AgentsQuery,
    InteractionPage,
    InteractionsQuery,
    KeptInteractionSchema,
    UsageSchema,
)

blueprint = Blueprint("management", __name__, url_prefix="/api/v1", description="What is known of them")

_ERRORS = (401, 403, 429, 500, 503)
_AGENTS_QUERY = AgentsQuery()
_INTERACTIONS_QUERY = InteractionsQuery()
_AGENT_PATCH = AgentPatch()
_AGENT = AgentSchema()
_AGENT_PAGE = AgentPage()
_INTERACTION = KeptInteractionSchema()
_INTERACTION_PAGE = InteractionPage()
_USAGE = UsageSchema()


@blueprint.route("/agents", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_AGENTS_QUERY, location="query")
@blueprint.response(200, _AGENT_PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, headers=RATE_LIMIT_HEADERS)
def list_agents(query: dict[str, Any]) -> dict[str, Any]:
    """The organization's agents by name."""
    after = convert.from_cursor(query["cursor"]) if query["cursor"] else ""
    caller = auth.charged_caller()
    found = agents.page(services(), caller, after=after, status=query["status"], limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "agents": [convert.from_agent(agent) for agent in page],
        "next_cursor": convert.to_cursor(page[-1].agent_id) if len(found) > len(page) else None,
    }


@blueprint.route("/agents/<name:agent_id>", methods=["GET"])
@auth.needs("read")
@blueprint.response(200, _AGENT, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_agent(agent_id: str) -> dict[str, Any]:
    """One agent."""
    return convert.from_agent(agents.get(services(), auth.charged_caller(), agent_id))


@blueprint.route("/agents/<name:agent_id>", methods=["PATCH"])
@auth.needs("agents")
@blueprint.arguments(_AGENT_PATCH)
@blueprint.response(200, _AGENT, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, 413, 415, headers=RATE_LIMIT_HEADERS)
def change_agent(patch: dict[str, Any], agent_id: str) -> dict[str, Any]:
    """Deactivate an agent, which frees its slot of the plan, bring it back, or give it thresholds."""
    change = convert.to_agent_change(patch)
    return convert.from_agent(agents.change(services(), auth.charged_caller(), agent_id, change))


@blueprint.route("/interactions", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_INTERACTIONS_QUERY, location="query")
@blueprint.response(200, _INTERACTION_PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, headers=RATE_LIMIT_HEADERS)
def list_interactions(query: dict[str, Any]) -> dict[str, Any]:
    """The organization's interactions, newest first."""
    only = convert.to_filter(query)
    found = telemetry.page(services(), auth.charged_caller(), only, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "interactions": [convert.from_interaction(kept) for kept in page],
        "next_cursor": convert.to_cursor(page[-1].id) if len(found) > len(page) else None,
    }


@blueprint.route("/interactions/<name:interaction_id>", methods=["GET"])
@auth.needs("read")
@blueprint.response(200, _INTERACTION, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_interaction(interaction_id: str) -> dict[str, Any]:
    """One interaction, with everything that was sent."""
    return convert.from_interaction(telemetry.get(services(), auth.charged_caller(), interaction_id))


@blueprint.route("/usage", methods=["GET"])
@auth.needs("read")
@blueprint.response(200, _USAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def get_usage() -> dict[str, Any]:
    """What the organization has used of its plan."""
    return convert.from_usage(usage.usage(services(), auth.charged_caller()))
