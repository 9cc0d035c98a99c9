"""The verdict before a model is called, and what happened afterwards."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify

from ...core import lifecycle
from ...core.lifecycle import Event, Question
from .. import auth
from ..base import services
from ..blueprint import Blueprint
from ..policies import from_flags
from . import convert
from .answers import CONFIG, DONE, FINALIZED, VERDICT, X_RATE_LIMIT_HEADERS, ConfigQuery
from .forms import FLAT_ERROR, REFUSED
from .schemas import FINALIZE, GUARD, INGEST

_ABOUT = "The verdict before a model is called, and what happened afterwards"

guard_blueprint = Blueprint("guard", __name__, url_prefix="/api/v1", description=_ABOUT)
events_blueprint = Blueprint("events", __name__, url_prefix="/api/v1", description=_ABOUT)
config_blueprint = Blueprint("agent_config", __name__, url_prefix="/api/v1", description=_ABOUT)

_ERRORS = (400, 401, 403, 413, 415, 429, 500, 503)
_CONFIG_QUERY = ConfigQuery()


@guard_blueprint.route("/guard", methods=["POST"])
@auth.needs("guard", stale=True)
@guard_blueprint.arguments(GUARD)
@guard_blueprint.response(200, VERDICT, headers=X_RATE_LIMIT_HEADERS)
@guard_blueprint.errors(VERDICT, 403, headers=X_RATE_LIMIT_HEADERS)
@guard_blueprint.errors(REFUSED, *(code for code in _ERRORS if code != 403), headers=X_RATE_LIMIT_HEADERS)
def judge(question: Question) -> Response:
    """Judge a prompt. The verdict is on disk when it is answered, unless `degraded` says otherwise.

    200 when the prompt may pass, 403 when the policy blocks it or the key may not ask.
    """
    judgement, g.quota = lifecycle.guard(services(), auth.caller(), question)
    body, status = convert.from_judgement(judgement)
    answer = jsonify(body)
    answer.status_code = status
    return answer


@events_blueprint.route("/ingest", methods=["POST"])
@auth.needs("guard")
@events_blueprint.arguments(INGEST)
@events_blueprint.response(200, DONE, headers=X_RATE_LIMIT_HEADERS)
@events_blueprint.errors(FLAT_ERROR, *_ERRORS, 409, headers=X_RATE_LIMIT_HEADERS)
def ingest(event: Event) -> dict[str, Any]:
    """Store what happened, once an `event_id`; it joins the verdict that was given under that id."""
    interaction_id, g.quota = lifecycle.ingest(services(), auth.caller(), event)
    return {
        "status": "success",
        "event_id": event.event_id,
        "client_event_id": event.event_id,
        "interaction_id": interaction_id,
    }


@events_blueprint.route("/ingest/finalize", methods=["POST"])
@auth.needs("guard")
@events_blueprint.arguments(FINALIZE)
@events_blueprint.response(200, FINALIZED, headers=X_RATE_LIMIT_HEADERS)
@events_blueprint.errors(FLAT_ERROR, *_ERRORS, 404, headers=X_RATE_LIMIT_HEADERS)
def finalize(body: dict[str, Any]) -> dict[str, Any]:
    """Add to an event how long its sender took to tell it. Repeating it changes nothing."""
    g.quota = lifecycle.finalize(
        services(),
        auth.caller(),
        system_id=body["system_id"] or None,
        event_id=body["client_event_id"],
        sdk_ingest_ms=body["sdk_ingest_ms"],
    )
    return {"status": "success", "client_event_id": body["client_event_id"]}


@config_blueprint.route("/agent/config", methods=["GET"])
@auth.needs("guard", stale=True)
@config_blueprint.arguments(_CONFIG_QUERY, location="query")
@config_blueprint.response(200, CONFIG, headers=X_RATE_LIMIT_HEADERS)
@config_blueprint.errors(
    FLAT_ERROR, *(code for code in _ERRORS if code not in (413, 415)), headers=X_RATE_LIMIT_HEADERS
)
def config(query: dict[str, Any]) -> dict[str, Any]:
    """What the key's system blocks and how it fails; of a key of no system, the `default` one's.

    It counts against no limit and writes nothing, so that it is answered while the database is locked.
    """
    # A client that gets no answer takes it that the system fails open, for as long as it remembers.
    caller = auth.caller()
    g.quota = lifecycle.standing(services(), caller)
    system_id = lifecycle.system_of(services(), caller, query["system_id"])
    held = lifecycle.effective(services(), caller, system_id, None)
    return {
        **from_flags(held.policy),
        "failure_mode": "fail_close" if lifecycle.fails_closed(held.policy) else "fail_open",
        "expected_languages": list(held.policy.expected_languages),
        "system_id": system_id,
        "policy_version": held.version,
    }
