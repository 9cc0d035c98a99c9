"""The record of what was changed, and whether it is whole."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import orjson

from ...core import audit_chain, audit_log, times
from ...core.audit_chain import Verification
from ...core.audit_log import Entry
from ...core.checkpoint_signer import LONGEST as LONGEST_CHECKPOINT
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Count, Text
from ..queries import Query
from .blueprints import audit_blueprint
from .forms import ERROR

PAGE_LIMIT = 100
_FURTHEST = 10**15
_ERRORS = (401, 403, 422, 429, 500, 503)


class AuditQuery(Query):
    """Which entries: all that is asked for must hold."""

    page = Count(least=1, most=_FURTHEST, load_default=1)
    page_size = Count(least=1, most=PAGE_LIMIT, load_default=50)
    event_type = Text(longest=200)
    agent_id = Text(longest=200)


class VerifyQuery(Query):
    """From where on, how far, and what is known of an earlier time."""

    start = Count(
        data_key="from",
        least=1,
        most=_FURTHEST,
        load_default=1,
        metadata={"description": "The first entry to look at: what comes before was found good earlier."},
    )
    limit = Count(
        least=1,
        most=_FURTHEST,
        metadata={"description": "Look at so many entries at most; else at all."},
    )
    checkpoint = Text(
        longest=LONGEST_CHECKPOINT,
        metadata={
            "description": "What `precog audit checkpoint` has printed: entries that were removed "
            "from the end since then, or written anew, are noticed."
        },
    )


class EntrySchema(ma.Schema):
    """An entry. `entry_hash` is the SHA-256, in hex, of the RFC 8785 JSON of all its other fields."""

    id = ma.fields.String(required=True)
    sequence_number = ma.fields.Integer(required=True, metadata={"minimum": 1})
    previous_hash = ma.fields.String(
        required=True, metadata={"description": "The hash of the entry before; 64 zeros in the first."}
    )
    entry_hash = ma.fields.String(required=True)
    event_type = ma.fields.String(required=True, metadata={"example": "agent.created"})
    organization_id = ma.fields.String(required=True)
    agent_id = ma.fields.String(required=True, allow_none=True)
    session_id = ma.fields.String(required=True, allow_none=True)
    transaction_id = ma.fields.String(required=True, allow_none=True)
    metadata = ma.fields.Dict(required=True, allow_none=True)
    created_at = ma.fields.String(required=True, metadata={"format": "date-time"})


class AuditPage(ma.Schema):
    """Entries, newest first."""

    entries = ma.fields.List(ma.fields.Nested(EntrySchema), required=True)
    total = ma.fields.Integer(required=True, metadata={"description": "On all pages."})
    page = ma.fields.Integer(required=True)
    page_size = ma.fields.Integer(required=True)
    has_more = ma.fields.Boolean(required=True)


class VerificationSchema(ma.Schema):
    """What was found. When no entry was looked at, the first is 0 and the last the one before."""

    is_valid = ma.fields.Boolean(required=True)
    entries_verified = ma.fields.Integer(required=True)
    first_entry_sequence = ma.fields.Integer(required=True)
    last_entry_sequence = ma.fields.Integer(required=True)
    errors = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "What is wrong, a sentence each; of very many the first."},
    )


_QUERY = AuditQuery()
_VERIFY_QUERY = VerifyQuery()
_PAGE = AuditPage()
_VERIFICATION = VerificationSchema()


@audit_blueprint.route("", methods=["GET"])
@auth.needs("read")
@audit_blueprint.arguments(_QUERY, location="query")
@audit_blueprint.response(200, _PAGE, headers=RATE_LIMIT_HEADERS)
@audit_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def list_entries(query: dict[str, Any]) -> dict[str, Any]:
    """What was changed in the organization, newest first."""
    number, size = query["page"], query["page_size"]
    found = audit_log.page(
        services(),
        auth.charged_caller().organization_id,
        event_type=query["event_type"],
        agent_id=query["agent_id"],
        skip=(number - 1) * size,
        limit=size,
    )
    return {
        "entries": [_from_entry(entry) for entry in found.entries],
        "total": found.total,
        "page": number,
        "page_size": size,
        "has_more": number * size < found.total,
    }


@audit_blueprint.route("/verify", methods=["GET"])
@auth.needs("read")
@audit_blueprint.arguments(_VERIFY_QUERY, location="query")
@audit_blueprint.response(200, _VERIFICATION, headers=RATE_LIMIT_HEADERS)
@audit_blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def verify_chain(query: dict[str, Any]) -> Verification:
    """Whether any entry was altered, removed, put in or moved since it was written.

    An answer with `limit` goes on with `from` as its `last_entry_sequence` + 1.
    """
    here, organization_id = services(), auth.charged_caller().organization_id
    text = query["checkpoint"]
    past = None if text is None else audit_chain.read_checkpoint(here, organization_id, text)
    return audit_chain.verify(
        here, organization_id, start=query["start"], most=query["limit"], checkpoint=past
    )


def _from_entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "sequence_number": entry.sequence_number,
        "previous_hash": entry.previous_hash,
        "entry_hash": entry.entry_hash,
        "event_type": entry.event_type,
        "organization_id": entry.organization_id,
        "agent_id": entry.agent_id,
        "session_id": entry.session_id,
        "transaction_id": entry.transaction_id,
        "metadata": _readable(entry.metadata),
        "created_at": times.to_rfc3339(entry.created_at),
    }


def _readable(metadata: str) -> Any:
    # Who altered it need not have left JSON; that is for the verification to say.
    try:
        found = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
