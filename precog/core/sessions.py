"""Sessions: an agent's leave to do so many actions of so much value, until a time."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import (
    AgentDeactivated,
    AgentRevoked,
    AgentSuspended,
    Forbidden,
    NotFound,
    SessionEnded,
    SessionExpired,
    SessionLimitReached,
)
from ..storage import identities, sessions
from ..storage.engine import Transaction
from ..storage.sessions import ACTIVE, ENDED, EXPIRED
from ..storage.sessions import STATUSES as STATUSES
from ..storage.sessions import Session as Record
from . import audit, money
from .ids import random_uuid
from .keys import Caller
from .services import Services
from .times import to_rfc3339

MOST_ACTIONS = 1_000_000_000
LONGEST_S = 366 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session to make; a limit of None is none."""

    agent_id: str
    max_actions: int | None = None
    max_value_e4: int | None = None
    expires_in_s: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands at a time: active, ended or expired."""

    record: Record
    status: str


def create(services: Services, caller: Caller, wanted: Wanted) -> Session:
    """Give an agent a session.

    Raises NotFound for an agent without an identity here, AgentSuspended, AgentRevoked or AgentDeactivated.
    """
    now = services.clock()
    return services.db.write(_create, caller, wanted, id=random_uuid(), now=now)


def _create(tx: Transaction, caller: Caller, wanted: Wanted, *, id: str, now: int) -> Session:
    made = sessions.add(
        tx,
        id=id,
        organization_id=caller.organization_id,
        agent_id=wanted.agent_id,
        max_actions=wanted.max_actions,
        max_value_e4=wanted.max_value_e4,
        expires_at=None if wanted.expires_in_s is None else now + wanted.expires_in_s * 1_000,
        created_at=now,
    )
    if made is None:
        raise _why_no_session(tx, caller.organization_id, wanted.agent_id)
    audit.append(
        tx,
        caller.organization_id,
        event_type="session.created",
        agent_id=made.agent_id,
        session_id=made.id,
        metadata={
            "key_id": caller.key_id,
            "max_actions": made.max_actions,
            "max_value_usd": None if made.max_value_e4 is None else money.to_text(made.max_value_e4),
            "expires_at": None if made.expires_at is None else to_rfc3339(made.expires_at),
        },
        now=now,
    )
    return Session(made, ACTIVE)


def _why_no_session(tx: Transaction, organization_id: str, agent_id: str) -> Exception:
    identity = identities.get(tx, organization_id, agent_id)
    if identity is None:
        return NotFound("agent")
    if identity.revoked_at is not None:
        return AgentRevoked()
    return AgentSuspended() if identity.suspended_at is not None else AgentDeactivated(agent_id)


def get(services: Services, caller: Caller, session_id: str) -> Session:
    """The organization's session. Raises NotFound."""
    record = services.db.read(_require, caller.organization_id, session_id)
    return _as_of(record, services.clock())


def page(
    services: Services, caller: Caller, *, agent_id: str | None, status: str | None, limit: int, offset: int
) -> list[Session]:
    """The organization's sessions, newest first; a filter of None does not filter."""
    now = services.clock()
    records = services.db.read(
        sessions.page,
        caller.organization_id,
        agent_id=agent_id,
        status=status,
        now=now,
        limit=limit,
        offset=offset,
    )
    return [_as_of(record, now) for record in records]


def end(services: Services, caller: Caller, session_id: str) -> Session:
    """End a session; of one that has ended or expired nothing changes. Raises NotFound."""
    return services.db.write(_end, caller, session_id, now=services.clock())


def _end(tx: Transaction, caller: Caller, session_id: str, *, now: int) -> Session:
    ended = sessions.end(tx, caller.organization_id, session_id, now=now)
    if ended is None:
        return _as_of(_require(tx, caller.organization_id, session_id), now)
    audit.append(
        tx,
        caller.organization_id,
        event_type="session.ended",
        agent_id=ended.agent_id,
        session_id=ended.id,
        metadata={
            "key_id": caller.key_id,
            "action_count": ended.action_count,
            "value_used_usd": money.to_text(ended.value_used_e4),
        },
        now=now,
    )
    return Session(ended, ENDED)


def take(
    tx: Transaction, organization_id: str, session_id: str, *, agent_id: str, value_e4: int, now: int
) -> int:
    """Take one action of this value from the agent's session; which one it is, counted from 1.

    Raises NotFound, Forbidden for another agent's session, SessionEnded, SessionExpired or
    SessionLimitReached, and takes nothing then.
    """
    number = sessions.take(tx, organization_id, session_id, agent_id=agent_id, value_e4=value_e4, now=now)
    if number is not None:
        return number
    # What was refused stays refused: no session gets younger, or room that it had not.
    record = _require(tx, organization_id, session_id)
    if record.agent_id != agent_id:
        raise Forbidden("The session is another agent's")
    status = _as_of(record, now).status
    if status == ENDED:
        raise SessionEnded()
    if status == EXPIRED:
        raise SessionExpired()
    raise SessionLimitReached(_limit_in_the_way(record))


def _require(tx: Transaction, organization_id: str, session_id: str) -> Record:
    record = sessions.get(tx, organization_id, session_id)
    if record is None:
        raise NotFound("session")
    return record


def _limit_in_the_way(record: Record) -> str:
    if record.max_actions is not None and record.action_count >= record.max_actions:
        return "number of actions"
    return "value"


def _as_of(record: Record, now: int) -> Session:
    if record.ended_at is not None:
        return Session(record, ENDED)
    if record.expires_at is not None and record.expires_at <= now:
        return Session(record, EXPIRED)
    return Session(record, ACTIVE)
