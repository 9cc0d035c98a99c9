"""What agents do: begun, committed, rolled back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core import transactions
from ...core.transactions import CONFIDENCES, STATUSES, Listed, Transaction, Wanted
from .. import auth
from ..amounts import Amount
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Choice, Object, Text
from .blueprints import transactions_blueprint
from .callers import charged_agent, needs_agent
from .forms import ERROR
from .pages import PageQuery
from .values import json, time, usd

_TIME = {"format": "date-time"}
_STATE = {
    "description": "Any JSON object, of 256 KiB at most; kept digit for digit.",
    "example": {"balance": 1000},
}


class NewTransactionSchema(ma.Schema):
    """What the agent is about to do, and what it was like before."""

    EXACT_NUMBERS = True

    class Meta:
        unknown = ma.EXCLUDE

    pre_state = Object(required=True, metadata=_STATE)
    action_type = Text(shortest=1, longest=200, metadata={"example": "transfer"})
    session_id = Text(shortest=1, longest=200, metadata={"format": "uuid"})
    value_e4 = Amount(
        data_key="value_usd",
        metadata={"description": "What it takes of its session's value.", "example": 19.99},
    )
    rollback_procedure = Object(metadata={"description": "How to undo it, as `pre_state` bounded."})
    rollback_confidence = Choice(
        CONFIDENCES, load_default="high", allow_none=False, metadata={"description": "That it can be undone."}
    )

    @ma.post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Wanted:
        """The core's form of it."""
        return Wanted(**data)


class DoneSchema(ma.Schema):
    """What it is like now."""

    EXACT_NUMBERS = True

    class Meta:
        unknown = ma.EXCLUDE

    post_state = Object(required=True, metadata=_STATE)


class UndoneSchema(ma.Schema):
    """Why it was undone, if that is to be said."""

    MAY_BE_ABSENT = True

    class Meta:
        unknown = ma.EXCLUDE

    reason = Text(longest=2_000)


class TransactionsQuery(PageQuery):
    """Which transactions."""

    session_id = Text(metadata={"description": "Those of this session."})
    status = Choice(STATUSES)


class ListedSchema(ma.Schema):
    """A transaction without its states."""

    id = ma.fields.String(required=True, metadata={"format": "uuid"})
    organization_id = ma.fields.String(required=True)
    agent_id = ma.fields.String(required=True)
    session_id = ma.fields.String(required=True, allow_none=True)
    sequence_number = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Its number within the session, from 1."}
    )
    action_type = ma.fields.String(required=True, allow_none=True)
    value_usd = ma.fields.Raw(required=True, allow_none=True, metadata={"type": "number"})
    rollback_confidence = ma.fields.String(required=True, metadata={"enum": list(CONFIDENCES)})
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    created_at = ma.fields.String(required=True, metadata=_TIME)
    committed_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)
    rolled_back_at = ma.fields.String(required=True, allow_none=True, metadata=_TIME)
    reason = ma.fields.String(required=True, allow_none=True)


class TransactionSchema(ListedSchema):
    """A transaction."""

    pre_state_snapshot = ma.fields.Raw(required=True, metadata={"type": "object"})
    post_state_snapshot = ma.fields.Raw(required=True, allow_none=True, metadata={"type": "object"})
    rollback_procedure = ma.fields.Raw(required=True, allow_none=True, metadata={"type": "object"})


class RolledBackSchema(ma.Schema):
    """What to go back to."""

    id = ma.fields.String(required=True, metadata={"format": "uuid"})
    status = ma.fields.Constant("rolled_back", required=True, metadata={"type": "string"})
    pre_state_snapshot = ma.fields.Raw(required=True, metadata={"type": "object"})
    rollback_procedure = ma.fields.Raw(required=True, allow_none=True, metadata={"type": "object"})
    rolled_back_at = ma.fields.String(required=True, metadata=_TIME)
    message = ma.fields.String(required=True)


_NEW = NewTransactionSchema()
_DONE = DoneSchema()
_UNDONE = UndoneSchema()
_QUERY = TransactionsQuery()
_TRANSACTION = TransactionSchema()
_LISTED = ListedSchema(many=True)
_ROLLED_BACK = RolledBackSchema()
_ERRORS = (401, 403, 429, 500, 503)
_STEP_ERRORS = (*_ERRORS, 400, 404, 409, 413, 415, 422)
_MESSAGE = "The transaction is rolled back; restore the state that it began with"


@transactions_blueprint.route("/begin", methods=["POST"])
@needs_agent
@transactions_blueprint.arguments(_NEW)
@transactions_blueprint.response(201, _TRANSACTION, headers=RATE_LIMIT_HEADERS)
@transactions_blueprint.errors(ERROR, *_STEP_ERRORS, headers=RATE_LIMIT_HEADERS)
def begin_transaction(wanted: Wanted) -> dict[str, Any]:
    """Begin a transaction, with the agent's access token; in a session, it takes one of its actions."""
    return from_transaction(transactions.begin(services(), charged_agent(), wanted))


@transactions_blueprint.route("/<uuid:transaction_id>/commit", methods=["POST"])
@needs_agent
@transactions_blueprint.arguments(_DONE)
@transactions_blueprint.response(200, _TRANSACTION, headers=RATE_LIMIT_HEADERS)
@transactions_blueprint.errors(ERROR, *_STEP_ERRORS, headers=RATE_LIMIT_HEADERS)
def commit_transaction(data: dict[str, Any], transaction_id: object) -> dict[str, Any]:
    """Say that a pending transaction is done. Only the agent that began it may."""
    done = transactions.commit(services(), charged_agent(), str(transaction_id), data["post_state"])
    return from_transaction(done)


@transactions_blueprint.route("/<uuid:transaction_id>/rollback", methods=["POST"])
@needs_agent
@transactions_blueprint.arguments(_UNDONE, required=False)
@transactions_blueprint.response(200, _ROLLED_BACK, headers=RATE_LIMIT_HEADERS)
@transactions_blueprint.errors(ERROR, *_STEP_ERRORS, headers=RATE_LIMIT_HEADERS)
def roll_back_transaction(data: dict[str, Any], transaction_id: object) -> dict[str, Any]:
    """Say that a pending or committed transaction is undone, and get what to go back to.

    Only the agent that began it may. What it took of its session stays taken.
    """
    undone = transactions.roll_back(services(), charged_agent(), str(transaction_id), data["reason"])
    return {
        "id": undone.id,
        "pre_state_snapshot": json(undone.pre_state),
        "rollback_procedure": json(undone.rollback_procedure),
        "rolled_back_at": time(undone.rolled_back_at),
        "message": _MESSAGE,
    }


@transactions_blueprint.route("", methods=["GET"])
@auth.needs("read")
@transactions_blueprint.arguments(_QUERY, location="query")
@transactions_blueprint.response(200, _LISTED, headers=RATE_LIMIT_HEADERS)
@transactions_blueprint.errors(ERROR, *_ERRORS, 422, headers=RATE_LIMIT_HEADERS)
def list_transactions(query: dict[str, Any]) -> list[dict[str, Any]]:
    """The organization's transactions, newest first, without their states."""
    return [from_listed(one) for one in transactions.page(services(), auth.charged_caller(), **query)]


@transactions_blueprint.route("/<uuid:transaction_id>", methods=["GET"])
@auth.needs("read")
@transactions_blueprint.response(200, _TRANSACTION, headers=RATE_LIMIT_HEADERS)
@transactions_blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_transaction(transaction_id: object) -> dict[str, Any]:
    """One transaction, with its states."""
    return from_transaction(transactions.get(services(), auth.charged_caller(), str(transaction_id)))


def from_listed(transaction: Listed) -> dict[str, Any]:
    """The transaction as clients know it, but for its states."""
    return {
        "id": transaction.id,
        "organization_id": transaction.organization_id,
        "agent_id": transaction.agent_id,
        "session_id": transaction.session_id,
        "sequence_number": transaction.sequence_number,
        "action_type": transaction.action_type,
        "value_usd": usd(transaction.value_e4),
        "rollback_confidence": transaction.rollback_confidence,
        "status": transaction.status,
        "created_at": time(transaction.created_at),
        "committed_at": time(transaction.committed_at),
        "rolled_back_at": time(transaction.rolled_back_at),
        "reason": transaction.reason,
    }


def from_transaction(transaction: Transaction) -> dict[str, Any]:
    """The whole transaction as clients know it."""
    return {
        **from_listed(transaction),
        "pre_state_snapshot": json(transaction.pre_state),
        "post_state_snapshot": json(transaction.post_state),
        "rollback_procedure": json(transaction.rollback_procedure),
    }
