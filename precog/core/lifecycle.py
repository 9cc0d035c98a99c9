"""An event of a system from end to end: the verdict on its prompt, what happened, and how it was told.

Three reports meet in one row, whichever comes first: `guard`, `ingest` and `finalize`.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import getsizeof
from typing import Any

import orjson

from ..detection.findings import Finding
from ..detection.masking import Namer
from ..detection.policy import Verdict
from ..errors import DuplicateEvent, NotFound, StorageSlow, StorageUnavailable, WrongSystem
from ..storage import lifecycles, systems
from ..storage.engine import Transaction
from ..storage.lifecycles import EventRow, GuardRow
from . import limits, usage
from .findings import told
from .ids import timed_uuid
from .keys import Caller, digest
from .limits import UNLIMITED, Quota, Rate
from .masking import SURE, mask_json, masks
from .outcome import outcome
from .policies import Effective, SystemPolicy
from .services import Services
from .times import MINUTE_MS, SECOND_MS

PATIENCE_S = 1.0  # that a caller who is answered without storage waits for it


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt that is about to go to a model. `context` is kept with the verdict."""

    prompt: str
    system_id: str | None
    event_id: str | None = None
    agent_id: str | None = None
    user_id: str | None = None
    event_category: str | None = None
    workflow_run_id: str | None = None
    expected_languages: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and how it came about.

    `would` is the action without shadow mode: allow, mask or block. `transformed` is the masked prompt when
    that is what is to be sent on; `masked` is what may be kept of it where the policy masks, as the `namer`
    named it. `degraded` says what did not work: `storage`, `detection`.
    """

    verdict: Verdict
    would: str
    findings: Sequence[Finding]
    found_personal_data: bool
    transformed: str | None
    masked: str
    namer: Namer
    guard_event_id: str
    event_id: str
    policy: SystemPolicy
    policy_version: int
    processing_ms: float
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: a model's answer, a tool's call, a step of a workflow. `extra` is kept as it is."""

    event_id: str
    system_id: str | None
    prompt: str
    response: str
    agent_id: str | None = None
    user_id: str | None = None
    event_category: str | None = None
    workflow_run_id: str | None = None
    occurred_at: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A row ready to be stored, and the limits that it counts against."""

    caller: Caller
    rates: tuple[tuple[Rate, str], ...]
    row: Any
    reason: str | None = None  # of what was blocked


def effective(services: Services, caller: Caller, system_id: str | None, agent_id: str | None) -> Effective:
    """The policy that holds. Raises WrongSystem for another's system, StorageUnavailable."""
    wanted = system_id or caller.system_id
    if wanted is None or (caller.system_id is not None and wanted != caller.system_id):
        raise WrongSystem()
    try:
        return services.policies.get(caller.organization_id, wanted, agent_id)
    except NotFound:
        raise WrongSystem() from None


def fails_closed(policy: SystemPolicy) -> bool:
    """Whether nothing is to be answered that is not stored."""
    return policy.strict or policy.failure_mode == "fail_close"


def system_of(services: Services, caller: Caller, system_id: str | None) -> str | None:
    """The system that is meant: the one that is named, the key's, or the organization's `default`."""
    if system_id or caller.system_id:
        return system_id or caller.system_id
    found = services.db.read(systems.find, caller.organization_id, "default")
    return None if found is None else found.id


def guard(services: Services, caller: Caller, question: Question) -> tuple[Judgement, Quota]:
    """Judge a prompt. The verdict is on disk when this returns, unless `degraded` says otherwise.

    Raises WrongSystem, RateLimited, and StorageUnavailable when the policy is to fail closed.
    """
    started = time.perf_counter()
    services.analyst.give_way()
    system_id = system_of(services, caller, question.system_id)
    held = effective(services, caller, system_id, question.agent_id)
    judgement = _judge(services, question, held, started)
    kept = question
    if masks(held.policy):
        kept, complete = _masked_question(services, question, judgement)
        if not complete and not judgement.degraded:
            judgement = replace(judgement, degraded=("detection",))
    draft = _guard_draft(services, caller, question, kept, judgement, str(system_id))
    try:
        first, quota = _store(services, draft, defer=not fails_closed(held.policy))
    except StorageUnavailable:
        if fails_closed(held.policy):
            raise
        return replace(judgement, degraded=(*judgement.degraded, "storage")), _unknown(draft)
    return _as_first(judgement, first), quota


def _store(services: Services, draft: _Draft, *, defer: bool) -> tuple[str | None, Quota]:
    """Store the row, later if it must be and may be. Raises StorageUnavailable when it is not stored now,
    after PATIENCE_S at most: clients wait two seconds, and RateLimited."""
    deferred = services.deferred
    whose = f"{draft.caller.organization_id} {draft.row.system_id}"

    def store_later() -> None:
        size_bytes = getsizeof(draft.row.prompt) + getsizeof(draft.row.guard)
        deferred.put(store_deferred, draft, whose=whose, size_bytes=size_bytes)

    if defer and deferred.is_away:
        store_later()
        raise StorageUnavailable()

    def late(error: Exception | None) -> None:
        if defer and error is not None:
            store_later()
        deferred.catch_up()

    try:
        return services.db.write_patiently(
            _store_guards, draft, whose=whose, patience_s=PATIENCE_S, late=late
        )
    except StorageSlow:
        deferred.fall_behind()  # nobody else need lose patience over it; `late` will hear how it ended
        raise
    except StorageUnavailable:
        if defer:
            store_later()
        raise


def _as_first(judgement: Judgement, first: str | None) -> Judgement:
    """With the id of the verdict that was given before on the same prompt, when this repeats it."""
    return judgement if first is None else replace(judgement, guard_event_id=first)


def _unknown(draft: _Draft) -> Quota:
    rate, _ = draft.rates[-1]
    return Quota(rate.steady, 0, 1000)


# --- the verdict


def _judge(services: Services, question: Question, held: Effective, started: float) -> Judgement:
    policy, now = held.policy, services.clock()
    expected = question.expected_languages or policy.expected_languages
    report = services.engine.scan(question.prompt, source="prompt", expected_languages=expected)
    done = outcome(question.prompt, report, policy.detection, closed=fails_closed(policy))
    shadow = policy.detection.shadow_mode
    return Judgement(
        verdict=done.verdict,
        would=done.would,
        findings=report.findings,
        found_personal_data=any(
            one.category == "pii_leakage" and one.score >= SURE for one in report.findings
        ),
        transformed=done.masked if done.would == "mask" and not shadow else None,
        masked=done.masked,
        namer=done.namer,
        guard_event_id=timed_uuid(now),
        event_id=question.event_id or timed_uuid(now),
        policy=policy,
        policy_version=held.version,
        processing_ms=round((time.perf_counter() - started) * 1000, 3),
        degraded=() if report.complete else ("detection",),
    )


def _masked_question(services: Services, question: Question, judgement: Judgement) -> tuple[Question, bool]:
    """What may be kept of the question, and whether all of it could be looked at."""
    found = mask_json(
        services.engine,
        [question.user_id, question.event_category, question.workflow_run_id, dict(question.context)],
        judgement.policy.detection,
        namer=judgement.namer,
    )
    user_id, event_category, workflow_run_id, context = found.value
    kept = replace(
        question,
        prompt=judgement.masked,
        user_id=user_id,
        event_category=event_category,
        workflow_run_id=workflow_run_id,
        context=context,
    )
    return kept, found.complete


def _guard_draft(
    services: Services,
    caller: Caller,
    question: Question,
    kept: Question,
    judgement: Judgement,
    system_id: str,
) -> _Draft:
    """The row of a verdict on a question to a system, of which so much may be kept."""
    now = services.clock()
    verdict = judgement.verdict
    row = GuardRow(
        id=services.interaction_ids.make(now),
        system_id=system_id,
        event_id=judgement.event_id,
        agent_id=question.agent_id,
        user_id=kept.user_id,
        event_category=kept.event_category,
        workflow_run_id=kept.workflow_run_id,
        prompt=kept.prompt,
        guard=orjson.dumps(
            {
                **_kept(judgement, kept.context),
                # Under the pepper, so that nobody finds out a masked prompt by trying.
                "prompt_digest": digest(services.pepper, question.prompt),
            }
        ).decode(),
        action=verdict.action,
        risk_score=round(max(verdict.scores.values(), default=0.0), 4),
        received_at=now,
    )
    blocked = verdict.reason if verdict.action == "block" else None
    return _Draft(caller, _rates(caller, row.system_id, judgement.policy), row, blocked)


def _kept(judgement: Judgement, context: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a verdict: codes and numbers, and the sender's own context."""
    verdict = judgement.verdict
    return {
        "guard_event_id": judgement.guard_event_id,
        "client_event_id": judgement.event_id,
        "verdict": verdict.decision,
        "action": verdict.action,
        "would": judgement.would,
        "reason": verdict.reason,
        "shadow_mode": judgement.policy.detection.shadow_mode,
        "detected_pii": judgement.found_personal_data,
        "scores": {category: round(score, 4) for category, score in verdict.scores.items()},
        "policy_version": judgement.policy_version,
        "processing_ms": judgement.processing_ms,
        "degraded": list(judgement.degraded),
        **told(judgement.findings),
        "context": context,
    }


# --- the row


def _rates(caller: Caller, system_id: str, policy: SystemPolicy) -> tuple[tuple[Rate, str], ...]:
    """The windows that a system's request counts in: its second, its minute, its organization's minute."""
    plan = caller.rate.steady
    second, minute = policy.requests_per_second, policy.requests_per_minute
    if second is None and plan < UNLIMITED:
        second = max(1, plan // 10)
    rates = [(caller.rate, caller.organization_id)]
    if minute is not None:
        rates.insert(0, (Rate("system-minute", minute, 2 * minute, MINUTE_MS), system_id))
    if second is not None:
        rates.insert(0, (Rate("system-second", second, 2 * second, SECOND_MS), system_id))
    return tuple(rates)


def _spend(tx: Transaction, draft: _Draft, *, cost: int) -> Quota:
    """Take from every window; the quota of the one with the least left. Raises RateLimited."""
    now = draft.row.received_at
    quotas = [limits.spend(tx, rate, who, now=now, cost=cost) for rate, who in draft.rates]
    return min(quotas, key=lambda quota: quota.remaining)


_SAME = ("prompt_digest", "action", "would", "policy_version")
"""In what a verdict must be the same to be a repetition."""


class _NotTogether(Exception):
    """Something about one of many rows needs more than the common way."""


def _store_guards(tx: Transaction, drafts: Sequence[_Draft]) -> list[tuple[str | None, Quota]]:
    """Store verdicts of one system; with each the earlier verdict's id that it repeats."""
    newest = max(drafts, key=lambda draft: int(draft.row.received_at))
    firsts: list[str | None] = [None] * len(drafts)
    if len(drafts) == 1:
        firsts = [_store_guard(tx, newest)]
    else:
        _store_together(tx, drafts)
    quota = _spend(tx, newest, cost=len(drafts))
    return [(first, quota) for first in firsts]


def _store_together(tx: Transaction, drafts: Sequence[_Draft]) -> None:
    """The common way, for verdicts of one system on events that have none. Raises when it is not so."""
    rows = [draft.row for draft in drafts]
    if lifecycles.add_guards(tx, drafts[0].caller.organization_id, rows) != len(rows):
        raise _NotTogether()
    for draft in drafts:
        _record_impact(tx, draft, draft.row)


def _store_guard(tx: Transaction, draft: _Draft) -> str | None:
    """Store a verdict; of a second one on an event the first one's id when it is the same in all.

    Another prompt under the same id is not what was asked before, and another policy may mean another
    answer, so either gets a row that nothing joins.
    """
    row: GuardRow = draft.row
    organization_id = draft.caller.organization_id
    if not lifecycles.add_guards(tx, organization_id, [row]):
        kept = lifecycles.find(tx, row.system_id, row.event_id or "")
        first = None if kept is None or kept.guard is None else orjson.loads(kept.guard)
        again = orjson.loads(row.guard)
        if first is not None and all(first.get(name) == again[name] for name in _SAME):
            return str(first["guard_event_id"])
        row = replace(row, event_id=None)
        lifecycles.add_guards(tx, organization_id, [row])
    _record_impact(tx, draft, row)
    return None


def _record_impact(tx: Transaction, draft: _Draft, row: GuardRow) -> None:
    if draft.reason is None:
        return
    # What had been told of the event before has a row of its own, which the verdict then joined.
    kept = lifecycles.find(tx, row.system_id, row.event_id) if row.event_id else None
    usage.record_impact(
        tx,
        draft.caller.organization_id,
        agent_id=draft.row.agent_id,
        interaction_id=kept.id if kept else row.id,
        kind=draft.reason,
        now=draft.row.received_at,
    )


def store_deferred(tx: Transaction, drafts: Sequence[_Draft]) -> None:
    """Store verdicts that were given while the database was away; nothing is refused any more."""
    if len({draft.row.event_id for draft in drafts}) == len(drafts):
        with contextlib.suppress(_NotTogether), tx.savepoint():
            return _store_together(tx, drafts)
    for draft in drafts:
        _store_guard(tx, draft)


def ingest(services: Services, caller: Caller, event: Event) -> tuple[str, Quota]:
    """Store what happened, once; the row's id. It is on disk when this returns.

    Raises WrongSystem, RateLimited, DuplicateEvent, StorageUnavailable.
    """
    event = replace(event, system_id=system_of(services, caller, event.system_id))
    held = effective(services, caller, event.system_id, event.agent_id)
    now = services.clock()
    if masks(held.policy):
        event = _masked(services, event, held.policy)
    row = EventRow(
        id=services.interaction_ids.make(now),
        system_id=str(event.system_id),
        event_id=event.event_id,
        agent_id=event.agent_id,
        user_id=event.user_id,
        event_category=event.event_category,
        workflow_run_id=event.workflow_run_id,
        prompt=event.prompt,
        response=event.response,
        metadata=orjson.dumps(event.metadata).decode() if event.metadata else None,
        extra=orjson.dumps(event.extra).decode() if event.extra else None,
        occurred_at=event.occurred_at,
        received_at=now,
    )
    draft = _Draft(caller, _rates(caller, row.system_id, held.policy), row)
    whose = f"{caller.organization_id} {row.system_id}"
    stored = services.db.write_merged(_store_events, draft, whose=whose)
    services.analyst.wake()
    return stored


def _masked(services: Services, event: Event, policy: SystemPolicy) -> Event:
    """What may be kept of the event; in `extra` it says when something is withheld unseen."""
    found = mask_json(
        services.engine,
        [
            event.user_id,
            event.event_category,
            event.workflow_run_id,
            event.prompt,
            event.response,
            dict(event.metadata),
            dict(event.extra),
        ],
        policy.detection,
    )
    user_id, event_category, workflow_run_id, prompt, response, metadata, extra = found.value
    return replace(
        event,
        user_id=user_id,
        event_category=event_category,
        workflow_run_id=workflow_run_id,
        prompt=prompt,
        response=response,
        metadata=metadata,
        extra=extra if found.complete else {**extra, "degraded": ["detection"]},
    )


def _store_events(tx: Transaction, drafts: Sequence[_Draft]) -> list[tuple[str, Quota]]:
    newest = max(drafts, key=lambda draft: int(draft.row.received_at))
    rows = [draft.row for draft in drafts]
    ids = lifecycles.add_events(tx, newest.caller.organization_id, rows)
    if len(ids) != len(rows):
        if len(drafts) > 1:
            raise _NotTogether()
        raise DuplicateEvent(rows[0].event_id)
    quota = _spend(tx, newest, cost=len(drafts))
    return [(ids[row.event_id], quota) for row in rows]


def finalize(
    services: Services, caller: Caller, *, system_id: str | None, event_id: str, sdk_ingest_ms: float | None
) -> Quota:
    """Add to an event how long it took to tell it; once, and again changes nothing.

    It counts against the organization's minute alone: the event itself was counted for the system.
    Raises WrongSystem, RateLimited, NotFound, StorageUnavailable.
    """
    system_id = system_of(services, caller, system_id)
    effective(services, caller, system_id, None)
    return services.db.write(_finalize, caller, str(system_id), event_id, sdk_ingest_ms, now=services.clock())


def _finalize(
    tx: Transaction, caller: Caller, system_id: str, event_id: str, sdk_ingest_ms: float | None, *, now: int
) -> Quota:
    quota = limits.spend(tx, caller.rate, caller.organization_id, now=now)
    told = sdk_ingest_ms is not None and lifecycles.finalize(
        tx, system_id, event_id, sdk_ingest_ms=sdk_ingest_ms, now=now
    )
    if not told and lifecycles.find(tx, system_id, event_id) is None:
        raise NotFound("event")
    return quota


def standing(services: Services, caller: Caller) -> Quota:
    """What the organization has left, as far as can be told; nothing is taken from it."""
    nothing = Quota(caller.rate.steady, 0, 1000)
    if services.reach.is_away:
        return nothing
    try:
        return services.reach.ask(
            services.db.read, limits.used, caller.rate, caller.organization_id, now=services.clock()
        )
    except StorageUnavailable:
        return nothing


def canonical_event_id(text: str) -> str | None:
    """The UUID in its usual form; None when it is none."""
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        return None
