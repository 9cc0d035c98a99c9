"""The audit log: what was changed, in one chain an organization, written with the change itself.

An entry's hash is SHA-256 over its RFC 8785 JSON, as it is answered but for the hash itself, so that anybody
who has the entries can check them without this server.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import orjson
import rfc8785

from ..errors import AuditLogBroken
from ..storage import audit
from ..storage.audit import Entry as Entry
from ..storage.engine import Transaction, Undecodable
from . import ids, times

log = logging.getLogger(__name__)

_EXACT = 2**53 - 1  # RFC 8785 knows doubles alone, which hold every integer up to here


def append(
    tx: Transaction,
    organization_id: str,
    *,
    event_type: str,
    now: int,
    agent_id: str | None = None,
    session_id: str | None = None,
    transaction_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the organization's chain, in the transaction of the change that it tells of.

    It belongs at the end: from here on every other change of the organization waits for this transaction, and
    who waits for nothing afterwards cannot be waited for in a circle. Raises ValueError for metadata that
    JSON cannot hold: NaN, an infinity, half a surrogate pair, a key that is no text; and AuditLogBroken when
    the chain does not end where its last entry has left it.
    """
    text = canonical_metadata(metadata or {})
    place = _place(tx, organization_id)
    facts = {
        "id": ids.random_uuid(),
        "event_type": event_type,
        "agent_id": agent_id,
        "session_id": session_id,
        "transaction_id": transaction_id,
        "metadata": text,
        "created_at": now,
    }
    if not audit.add(tx, sealed(organization_id, place.sequence_number, place.entry_hash, facts)):
        raise broken(organization_id)


def _place(tx: Transaction, organization_id: str) -> audit.Head:
    try:
        place = audit.take(tx, organization_id)
    except Undecodable:
        raise broken(organization_id) from None
    if not isinstance(place.entry_hash, str) or not isinstance(place.sequence_number, int):
        raise broken(organization_id)  # SQLite takes any type for any
    return place


def broken(organization_id: str) -> AuditLogBroken:
    """What to raise where a chain cannot be read or written on; the log tells the operator what to do."""
    log.error(
        "the audit log of %s is not as it was written, so nothing is changed there; "
        "run `precog audit verify --org %s`",
        organization_id,
        organization_id,
    )
    return AuditLogBroken()


def sealed(organization_id: str, sequence_number: int, previous_hash: str, facts: Mapping[str, Any]) -> Entry:
    """An entry in its place, with its hash."""
    entry = Entry(
        organization_id=organization_id,
        sequence_number=sequence_number,
        previous_hash=previous_hash,
        entry_hash="",
        **facts,
    )
    return Entry(
        organization_id=organization_id,
        sequence_number=sequence_number,
        previous_hash=previous_hash,
        entry_hash=hash_of(entry),
        **facts,
    )


def hash_of(entry: Entry) -> str:
    """What its hash must be, in hex, by all that it says but `entry_hash`.

    Raises TypeError, ValueError or OverflowError for what never was an entry.
    """
    return hashlib.sha256(canonical(entry)).hexdigest()


def canonical(entry: Entry) -> bytes:
    """The RFC 8785 JSON of all that an entry says but `entry_hash`.

    Written by orjson, twenty times as fast as the library: for texts, nulls and a small number, with keys in
    order, the two write the same. The metadata was written by the library when it was stored.
    """
    return orjson.dumps(
        {
            "agent_id": entry.agent_id,
            "created_at": times.to_rfc3339(entry.created_at),
            "event_type": entry.event_type,
            "id": entry.id,
            "metadata": orjson.Fragment(entry.metadata),
            "organization_id": entry.organization_id,
            "previous_hash": entry.previous_hash,
            "sequence_number": entry.sequence_number,
            "session_id": entry.session_id,
            "transaction_id": entry.transaction_id,
        }
    )


def canonical_metadata(metadata: Mapping[str, Any]) -> str:
    """The metadata as RFC 8785 JSON; integers that it cannot hold exactly are written as texts.

    Raises ValueError for what JSON cannot hold at all.
    """
    return rfc8785.dumps(_exact(dict(metadata))).decode()


def _exact(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            return value if -_EXACT <= value <= _EXACT else str(value)
        case Mapping():
            return {key: _exact(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_exact(inner) for inner in value]
    return value
