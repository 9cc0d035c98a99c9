"""Takes in what agents were asked and what they answered, once each, within the plan's limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ..errors import (
    AgentDeactivated,
    AgentLimitReached,
    AgentMismatch,
    IdempotencyKeyReused,
    NotFound,
    PrecogError,
    StorageUnavailable,
)
from ..storage import agents, idempotency, interactions, organizations
from ..storage.engine import Transaction
from ..storage.interactions import Filter as Filter  # surfaces take it from here
from ..storage.interactions import StoredInteraction as StoredInteraction
from . import limits
from .ids import random_uuid
from .keys import Caller
from .limits import Quota
from .services import Services
from .times import HOUR_MS

REMEMBER_KEYS_MS = 48 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a sender reports. `occurred_at` is the sender's clock; `native` is a platform's own body."""

    agent_id: str
    prompt: str
    response: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tool_calls: Sequence[Mapping[str, Any]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    platform: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    conversation_id: str | None = None
    occurred_at: int | None = None
    native: Any = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that an interaction is on disk; `replayed` when an earlier request had stored it."""

    interaction_id: str
    agent_id: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """An interaction ready to be stored."""

    caller: Caller
    agent_id: str
    row: StoredInteraction
    key: str | None
    fingerprint: str


def record(services: Services, caller: Caller, interaction: Interaction) -> tuple[Receipt, Quota]:
    """Store one interaction; it is on disk when this returns.

    Raises RateLimited, AgentLimitReached, AgentDeactivated, IdempotencyKeyReused, StorageUnavailable,
    AgentMismatch from an agent that speaks for another.
    """
    draft = _draft(services, caller, interaction, services.clock())
    recorded = services.db.write_merged(_record, draft, whose=caller.organization_id)
    services.analyst.wake()
    return recorded


def record_batch(
    services: Services, caller: Caller, batch: Sequence[Interaction | PrecogError]
) -> tuple[list[Receipt | PrecogError], Quota]:
    """Store what can be stored, in one transaction; the others' errors stand in their places.

    A batch costs one request. Raises RateLimited or StorageUnavailable, with nothing stored.
    """
    now = services.clock()
    drafts = [_draft_or_error(services, caller, one, now) for one in batch]
    recorded = services.db.write(_record_batch, caller, drafts, now=now)
    services.analyst.wake()
    return recorded


def _draft_or_error(
    services: Services, caller: Caller, one: Interaction | PrecogError, now: int
) -> _Draft | PrecogError:
    try:
        return one if isinstance(one, PrecogError) else _draft(services, caller, one, now)
    except AgentMismatch as error:
        return error


def _draft(services: Services, caller: Caller, interaction: Interaction, now: int) -> _Draft:
    if caller.agent_id not in (None, interaction.agent_id):
        raise AgentMismatch()
    row = StoredInteraction(
        id=services.interaction_ids.make(now),
        agent_id=interaction.agent_id,
        platform=interaction.platform,
        session_id=interaction.session_id,
        user_id=interaction.user_id,
        conversation_id=interaction.conversation_id,
        prompt=interaction.prompt,
        response=interaction.response,
        metadata=_json(interaction.metadata),
        tool_calls=_json(interaction.tool_calls),
        extra=_json(interaction.extra),
        native=_json(interaction.native),
        occurred_at=interaction.occurred_at,
        received_at=now,
    )
    key = _own_key(caller, interaction.idempotency_key)
    return _Draft(caller, interaction.agent_id, row, key, "" if key is None else _fingerprint(interaction))


def _own_key(caller: Caller, key: str | None) -> str | None:
    """The idempotency key; of an agent with a token of its own one that no other can take before it."""
    return key if key is None or caller.agent_id is None else f"{caller.agent_id}\n{key}"


def _json(value: Any) -> str | None:
    return orjson.dumps(value).decode() if value else None


def _fingerprint(interaction: Interaction) -> str:
    """Equal for equal bodies, however they were spaced, ordered or spelled."""
    same = orjson.dumps(replace(interaction, idempotency_key=None), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(same).hexdigest()


def _record(tx: Transaction, drafts: Sequence[_Draft]) -> list[tuple[Receipt, Quota]]:
    if len(drafts) > 1:
        return _record_together(tx, drafts)
    receipt = _store(tx, drafts[0])
    # Last, so that on PostgreSQL the counter's row is locked for the commit alone.
    return [(receipt, _spend(tx, drafts[0].caller, drafts[0].row.received_at))]


class _NotTogether(Exception):
    """Something about one of many interactions needs more than the common way."""


def _record_together(tx: Transaction, drafts: Sequence[_Draft]) -> list[tuple[Receipt, Quota]]:
    """The common way, for many of one organization at once: known agents, quota enough. Raises when it
    is not so."""
    receipts = _store_together(tx, drafts)
    caller, now = drafts[0].caller, max(draft.row.received_at for draft in drafts)
    quota = _spend(tx, caller, now, cost=len(drafts))
    return [(receipt, quota) for receipt in receipts]


def _store_together(tx: Transaction, drafts: Sequence[_Draft]) -> list[Receipt]:
    unkeyed = [draft for draft in drafts if draft.key is None]
    rows = [(draft.caller.organization_id, draft.row) for draft in unkeyed]
    if interactions.add(tx, rows) != len(rows):
        raise _NotTogether()
    # Keys in an order that all share, or two batches would wait for each other's.
    keyed = {
        draft.row.id: _store(tx, draft) for draft in sorted(drafts, key=_by_key) if draft.key is not None
    }
    return [keyed.get(draft.row.id) or Receipt(draft.row.id, draft.agent_id) for draft in drafts]


def _by_key(draft: _Draft) -> tuple[str, str]:
    return draft.key or "", draft.row.id


def _spend(tx: Transaction, caller: Caller, now: int, cost: int = 1) -> Quota:
    return limits.spend(tx, caller.rate, caller.organization_id, now=now, cost=cost)


def _record_batch(
    tx: Transaction, caller: Caller, drafts: Sequence[_Draft | PrecogError], *, now: int
) -> tuple[list[Receipt | PrecogError], Quota]:
    good = [draft for draft in drafts if isinstance(draft, _Draft)]
    stored = iter(_store_batch(tx, good))
    results = [next(stored) if isinstance(draft, _Draft) else draft for draft in drafts]
    return results, _spend(tx, caller, now)


def _store_batch(tx: Transaction, drafts: Sequence[_Draft]) -> Sequence[Receipt | PrecogError]:
    try:
        with tx.savepoint():
            return _store_together(tx, drafts)
    except (_NotTogether, AgentLimitReached, AgentDeactivated, IdempotencyKeyReused):
        # One batch at a time from here, or two would wait for each other's keys and agents.
        organizations.lock(tx, drafts[0].caller.organization_id)
        return [_store_or_error(tx, draft) for draft in drafts]


def _store_or_error(tx: Transaction, draft: _Draft) -> Receipt | PrecogError:
    try:
        with tx.savepoint():
            return _store(tx, draft)
    except (AgentLimitReached, AgentDeactivated, IdempotencyKeyReused) as error:
        return error


def _store(tx: Transaction, draft: _Draft) -> Receipt:
    caller, row = draft.caller, draft.row
    if draft.key is not None:
        first = _claim(tx, draft, draft.key)
        if first is not None:
            return Receipt(first, draft.agent_id, replayed=True)
    if not interactions.add(tx, [(caller.organization_id, row)]):
        _admit(tx, caller, draft.agent_id, now=row.received_at)
        if not interactions.add(tx, [(caller.organization_id, row)]):
            raise AgentDeactivated(draft.agent_id)
    return Receipt(row.id, draft.agent_id)


def _claim(tx: Transaction, draft: _Draft, key: str) -> str | None:
    """Claim the idempotency key; the first interaction's id when somebody has."""
    organization_id, now = draft.caller.organization_id, draft.row.received_at
    if idempotency.add(
        tx, organization_id, key, fingerprint=draft.fingerprint, interaction_id=draft.row.id, now=now
    ):
        idempotency.forget_before(tx, now - REMEMBER_KEYS_MS)
        return None
    claim = idempotency.get(tx, organization_id, key)
    if claim is None:
        raise StorageUnavailable()  # forgotten between the two statements: a retry claims it
    if claim.fingerprint != draft.fingerprint:
        raise IdempotencyKeyReused()
    return claim.interaction_id


def _admit(tx: Transaction, caller: Caller, agent_id: str, *, now: int) -> None:
    """Create the agent in a slot of the plan, unless there is one of its name."""
    created = agents.add(
        tx, id=random_uuid(), organization_id=caller.organization_id, agent_id=agent_id, created_at=now
    )
    if created and not organizations.take_agent_slot(tx, caller.organization_id):
        raise AgentLimitReached(caller.agent_limit or 0)


def get(services: Services, caller: Caller, interaction_id: str) -> StoredInteraction:
    """One interaction of the caller's organization. Raises NotFound."""
    found = services.db.read(interactions.get, caller.organization_id, interaction_id)
    if found is None:
        raise NotFound("interaction")
    return found


def page(services: Services, caller: Caller, only: Filter, *, limit: int) -> list[StoredInteraction]:
    """The organization's interactions that pass the filter, newest first, at most `limit`."""
    return services.db.read(interactions.page, caller.organization_id, only, limit=limit)
