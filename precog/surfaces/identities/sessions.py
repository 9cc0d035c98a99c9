"""What an agent may do in one go, and when that ends."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core import sessions
from ...core.sessions import LONGEST_S, MOST_ACTIONS, STATUSES, Session, Wanted
from .. import auth
from ..amounts import Amount
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Choice, Count, Text
from .blueprints import sessions_blueprint
from .forms import ERROR
from .pages import PageQuery
from .values import time, usd

_TIME = {"format": "date-time"}


class NewSessionSchema(ma.Schema):
    """Whose the session is and what its limits are; one that is absent is none."""

    EXACT_NUMBERS = True

    class Meta:
        unknown = ma.EXCLUDE

    agent_id = Text(required=True, shortest=1, longest=200)
    max_actions = Count(least=1, most=MOST_ACTIONS, metadata={"description": "Transactions, at most."})
    max_value_e4 = Amount(
        data_key="max_value_usd", metadata={"description": "Their value in all, at most.", "example": 100.5}
    )
    expires_in_s = Count(data_key="expires_in_seconds", least=1, most=LONGEST_S, metadata={"example": 3600})

    @ma.post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Wanted:
        """The core's form of it."""
        return Wanted(**data)


class SessionsQuery(PageQuery):
    """Which sessions."""

    agent_id = Text(metadata={"description": "Those of this agent."})
    status = Choice(STATUSES, metadata={"description": "Those that are so now."})


class SessionSchema(ma.Schema):
    """A session, and what is used of it."""

    id = ma.fields.String(required=True, metadata={"format": "uuid"})
    organization_id = ma.fields.String(required=True)
    agent_id = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    max_actions = ma.fields.Integer(required=True, allow_none=True)
    action_count = ma.fields.Integer(required=True)
    max_value_usd = ma.fields.Raw(
        required=True, allow_none=True, metadata={"type": "number", "example": 100.5}
    )
    value_used_usd = ma.fields.Raw(required=True, metadata={"type": "number", "example": 19.99})
    expires_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)
    created_at = ma.fields.String(required=True, metadata=_TIME)
    ended_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)


_NEW = NewSessionSchema()
_QUERY = SessionsQuery()
_SESSION = SessionSchema()
_SESSIONS = SessionSchema(many=True)
_ERRORS = (401, 403, 429, 500, 503)


@sessions_blueprint.route("", methods=["POST"])
@auth.needs("agents")
@sessions_blueprint.arguments(_NEW)
@sessions_blueprint.response(201, _SESSION, headers=RATE_LIMIT_HEADERS)
@sessions_blueprint.errors(ERROR, *_ERRORS, 400, 404, 413, 415, 422, headers=RATE_LIMIT_HEADERS)
def create_session(wanted: Wanted) -> dict[str, Any]:
    """Give an agent a session. Its limits hold for the transactions that the agent begins in it."""
    return from_session(sessions.create(services(), auth.charged_caller(), wanted))


@sessions_blueprint.route("", methods=["GET"])
@auth.needs("read")
@sessions_blueprint.arguments(_QUERY, location="query")
@sessions_blueprint.response(200, _SESSIONS, headers=RATE_LIMIT_HEADERS)
@sessions_blueprint.errors(ERROR, *_ERRORS, 422, headers=RATE_LIMIT_HEADERS)
def list_sessions(query: dict[str, Any]) -> list[dict[str, Any]]:
    """The organization's sessions, newest first."""
    return [from_session(one) for one in sessions.page(services(), auth.charged_caller(), **query)]


@sessions_blueprint.route("/<uuid:session_id>", methods=["GET"])
@auth.needs("read")
@sessions_blueprint.response(200, _SESSION, headers=RATE_LIMIT_HEADERS)
@sessions_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_session(session_id: object) -> dict[str, Any]:
    """One session."""
    return from_session(sessions.get(services(), auth.charged_caller(), str(session_id)))


@sessions_blueprint.route("/<uuid:session_id>/end", methods=["POST"])
@auth.needs("agents")
@sessions_blueprint.response(200, _SESSION, headers=RATE_LIMIT_HEADERS)
@sessions_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def end_session(session_id: object) -> dict[str, Any]:
    """End a session: nothing begins in it any more. Of one that has ended or expired nothing changes.

    What was begun in it may still be committed or rolled back.
    """
    return from_session(sessions.end(services(), auth.charged_caller(), str(session_id)))


def from_session(session: Session) -> dict[str, Any]:
    """The session as clients know it."""
    record = session.record
    return {
        "id": record.id,
        "organization_id": record.organization_id,
        "agent_id": record.agent_id,
        "status": session.status,
        "max_actions": record.max_actions,
        "action_count": record.action_count,
        "max_value_usd": usd(record.max_value_e4),
        "value_used_usd": usd(record.value_used_e4),
        "expires_at": time(record.expires_at),
        "created_at": time(record.created_at),
        "ended_at": time(record.ended_at),
    }
