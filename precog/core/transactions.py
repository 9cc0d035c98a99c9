"""Transactions: what an agent does, between the state before and the state after, and the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from ..errors import Forbidden, InvalidTransition, NotFound, TooLarge
from ..storage import transactions
from ..storage.engine import Transaction as Tx
from ..storage.transactions import STATUSES as STATUSES
from ..storage.transactions import Listed as Listed
from ..storage.transactions import Transaction as Transaction
from . import audit, money, sessions
from .agent_tokens import AgentCaller
from .ids import random_uuid
from .keys import Caller
from .services import Services

STATE_BYTES = 256 * 1024  # of each state and procedure, as it is kept
CONFIDENCES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A transaction to begin; numbers of its state may be Decimals, whose digits are kept."""

    pre_state: Mapping[str, Any]
    action_type: str | None = None
    session_id: str | None = None
    value_e4: int | None = None
    rollback_procedure: Mapping[str, Any] | None = None
    rollback_confidence: str = "high"


def begin(services: Services, agent: AgentCaller, wanted: Wanted) -> Transaction:
    """Begin a transaction of the agent.

    Raises TooLarge, NotFound, Forbidden for another agent's session, SessionEnded, SessionExpired or
    SessionLimitReached; then the session has lost nothing.
    """
    before = _text(wanted.pre_state, "pre_state")
    procedure = None
    if wanted.rollback_procedure is not None:
        procedure = _text(wanted.rollback_procedure, "rollback_procedure")
    return services.db.write(_begin, agent, wanted, before, procedure, id=random_uuid(), now=services.clock())


def _begin(
    tx: Tx, agent: AgentCaller, wanted: Wanted, before: str, procedure: str | None, *, id: str, now: int
) -> Transaction:
    organization_id, agent_id = agent.organization_id, agent.agent_id
    number = None
    if wanted.session_id is not None:
        number = sessions.take(
            tx,
            organization_id,
            wanted.session_id,
            agent_id=agent_id,
            value_e4=wanted.value_e4 or 0,
            now=now,
        )
    begun = transactions.add(
        tx,
        id=id,
        organization_id=organization_id,
        agent_id=agent_id,
        session_id=wanted.session_id,
        sequence_number=number,
        action_type=wanted.action_type,
        value_e4=wanted.value_e4,
        pre_state=before,
        rollback_procedure=procedure,
        rollback_confidence=wanted.rollback_confidence,
        created_at=now,
    )
    facts = {
        "action_type": begun.action_type,
        "sequence_number": number,
        "value_usd": None if begun.value_e4 is None else money.to_text(begun.value_e4),
        "rollback_confidence": begun.rollback_confidence,
        "pre_state_sha256": _sha256(before),
    }
    _record(tx, "transaction.begun", begun, facts, now=now)
    return begun


def commit(
    services: Services, agent: AgentCaller, transaction_id: str, post_state: Mapping[str, Any]
) -> Transaction:
    """Say that a pending transaction is done.

    Raises TooLarge, NotFound, Forbidden for another agent's, or InvalidTransition.
    """
    after = _text(post_state, "post_state")
    return services.db.write(_commit, agent, transaction_id, after, now=services.clock())


def _commit(tx: Tx, agent: AgentCaller, id: str, after: str, *, now: int) -> Transaction:
    done = transactions.commit(
        tx, agent.organization_id, id, agent_id=agent.agent_id, post_state=after, now=now
    )
    if done is None:
        raise _why_not(tx, agent, id)
    _record(tx, "transaction.committed", done, {"post_state_sha256": _sha256(after)}, now=now)
    return done


def roll_back(services: Services, agent: AgentCaller, transaction_id: str, reason: str | None) -> Transaction:
    """Say that a pending or committed transaction was undone; what it took of its session stays taken.

    Raises NotFound, Forbidden for another agent's, or InvalidTransition.
    """
    return services.db.write(_roll_back, agent, transaction_id, reason, now=services.clock())


def _roll_back(tx: Tx, agent: AgentCaller, id: str, reason: str | None, *, now: int) -> Transaction:
    undone = transactions.roll_back(
        tx, agent.organization_id, id, agent_id=agent.agent_id, reason=reason, now=now
    )
    if undone is None:
        raise _why_not(tx, agent, id)
    was_committed = undone.committed_at is not None
    facts = {"from": "committed" if was_committed else "pending", "reason": reason}
    _record(tx, "transaction.rolled_back", undone, facts, now=now)
    return undone


def get(services: Services, caller: Caller, transaction_id: str) -> Transaction:
    """The organization's transaction, with its states. Raises NotFound."""
    found = services.db.read(transactions.get, caller.organization_id, transaction_id)
    if found is None:
        raise NotFound("transaction")
    return found


def page(
    services: Services, caller: Caller, *, session_id: str | None, status: str | None, limit: int, offset: int
) -> list[Listed]:
    """The organization's transactions without their states, newest first; None does not filter."""
    return services.db.read(
        transactions.page,
        caller.organization_id,
        session_id=session_id,
        status=status,
        limit=limit,
        offset=offset,
    )


def _why_not(tx: Tx, agent: AgentCaller, id: str) -> Exception:
    found = transactions.get(tx, agent.organization_id, id)
    if found is None:
        return NotFound("transaction")
    if found.agent_id != agent.agent_id:
        return Forbidden("The transaction is another agent's")
    return InvalidTransition(found.status)


def _record(tx: Tx, event_type: str, about: Transaction, facts: Mapping[str, Any], *, now: int) -> None:
    # The states' digests and not the states: an entry is for ever, and a state may hold anything.
    audit.append(
        tx,
        about.organization_id,
        event_type=event_type,
        agent_id=about.agent_id,
        session_id=about.session_id,
        transaction_id=about.id,
        metadata=facts,
        now=now,
    )


def _text(state: Mapping[str, Any], what: str) -> str:
    text = orjson.dumps(state, default=_digits)
    if len(text) > STATE_BYTES:
        raise TooLarge(STATE_BYTES, what)
    return text.decode()


def _digits(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
