"""The audit log as its organization reads it."""

from __future__ import annotations

from dataclasses import dataclass

from ..storage import audit
from ..storage.audit import Entry as Entry
from ..storage.engine import Transaction, Undecodable
from . import times
from .audit import broken
from .services import Services


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and how many there are in all."""

    entries: list[Entry]
    total: int


def page(
    services: Services,
    organization_id: str,
    *,
    event_type: str | None = None,
    agent_id: str | None = None,
    skip: int = 0,
    limit: int,
) -> Page:
    """The organization's entries, newest first, without the first `skip`; a filter of None is none.

    Raises AuditLogBroken when one of them has what is none in the place of a text, a number or a time.
    """
    try:
        found = services.db.read(
            _page, organization_id, event_type=event_type, agent_id=agent_id, skip=skip, limit=limit
        )
    except Undecodable:
        raise broken(organization_id) from None
    if not isinstance(found.total, int) or not all(_is_readable(entry) for entry in found.entries):
        raise broken(organization_id)
    return found


def _is_readable(entry: Entry) -> bool:
    """Whether it has what an entry has: SQLite takes any type, and both databases any number for a time."""
    texts = (entry.id, entry.previous_hash, entry.entry_hash, entry.event_type, entry.metadata)
    perhaps = (entry.agent_id, entry.session_id, entry.transaction_id)
    try:
        times.to_rfc3339(entry.created_at)
    except (TypeError, OverflowError):
        return False
    return (
        isinstance(entry.sequence_number, int)
        and all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in perhaps)
    )


def _page(
    tx: Transaction,
    organization_id: str,
    *,
    event_type: str | None,
    agent_id: str | None,
    skip: int,
    limit: int,
) -> Page:
    entries = audit.page(
        tx, organization_id, event_type=event_type, agent_id=agent_id, skip=skip, limit=limit
    )
    if event_type is None and agent_id is None:
        return Page(entries, audit.newest(tx, organization_id).sequence_number)  # they are numbered from 1
    return Page(entries, audit.count(tx, organization_id, event_type=event_type, agent_id=agent_id))
