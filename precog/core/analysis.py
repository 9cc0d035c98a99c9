"""Analyzes what was stored, behind the requests: in a thread of each process, once among all of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from ..detection.engine import Engine
from ..errors import StorageUnavailable
from ..storage import analyses
from ..storage.analyses import Analyzed, Key, Waiting
from ..storage.engine import Database, Forkable, Transaction, watch_forks
from . import usage
from .examination import Examined, examine
from .policy_cache import Policies
from .system_policy import SystemPolicy
from .times import SECOND_MS, Clock

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

ROWS_AT_ONCE = 50
LEASE_MS = 30 * SECOND_MS
LOOK_AGAIN_S = 15.0  # for rows whose claim has ended: their process is gone
RETRY_S, LONGEST_RETRY_S = 0.5, 5.0
GATHER_S = 0.1  # so that of requests in quick succession not each has two further commits
BUSY_S = 0.1  # since the last request, so long it is not idle time
SLICE_S = 0.002  # of work between two pauses
PAUSES, LONGEST_PAUSE_S = 4.0, 2.0  # times the work, while there are requests

_FAILED = '{"failed":true}'


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a row; not the row itself, which may be long."""

    key: Key
    agent_id: str | None
    guarded_at: int | None
    counted: bool  # as an impact event, by another row or when its prompt was judged
    examined: Examined | None  # None when that failed


class Analyst(Forkable):
    """Looks at every interaction that nobody has looked at yet.

    The thread is started by the first `wake`. Without one, everything waits for `run_until_done`.
    """

    def __init__(
        self,
        db: Database,
        *,
        clock: Clock,
        policies: Policies,
        engine: Callable[[], Engine],
        in_background: bool = True,
    ) -> None:
        self._db = db
        self._clock = clock
        self._policies = policies
        self._engine = engine
        self._in_background = in_background
        self._asked_at = 0.0
        self._start()
        watch_forks(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._began = 0.0  # the work since the last pause
        self._hurry_at = 0.0  # so that a claim does not end for pauses

    def after_fork_in_child(self) -> None:
        """Begin with no thread: the parent goes on with what it has claimed."""
        self._start()

    def wake(self) -> None:
        """There is something to analyze, or may be. Cheap, since every request does it."""
        if not self._in_background:
            return
        self._asked_at = time.monotonic()
        if not self._woken.is_set():
            self._woken.set()
            if self._thread is None:
                self._begin()

    def give_way(self) -> None:
        """A request has come: the thread works less for a moment."""
        self._asked_at = time.monotonic()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is not None or self._closing.is_set():
                return
            self._thread = threading.Thread(target=self._work, name="precog-analyst", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread can be had now; a later request tries it again
                self._thread = None
                self._woken.clear()

    def close(self) -> None:
        """Finish the row at hand, store what is done, and give the others back."""
        with self._lock:
            self._closing.set()
        self._woken.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=10)

    def run_until_done(self) -> int:
        """Analyze everything that waits, in this thread; how many rows that were.

        Raises StorageUnavailable.
        """
        stored = 0
        more = True
        while more and not self._closing.is_set():
            now = self._clock()
            keys = self._patiently(self._db.write, _claim, now=now)
            if keys:
                stored += self._analyze(keys, now + LEASE_MS)
            # Fewer may also mean that another process was claiming them at that moment.
            more = len(keys) == ROWS_AT_ONCE or self._patiently(
                self._db.read, analyses.is_waiting, now=self._clock()
            )
        return stored

    # --- the thread

    def _work(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            try:
                self._closing.wait(GATHER_S)
                self.run_until_done()
            except Exception as error:  # the thread must live
                if self._closing.is_set():
                    return
                log.error("analysis failed: %s", type(error).__name__)
                self._closing.wait(LONGEST_RETRY_S)
            self._woken.wait(LOOK_AGAIN_S)

    def _patiently(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function that asks the database returns; the thread waits until the database is back."""
        wait_s = RETRY_S
        while True:
            try:
                return fn(*args, **kwargs)
            except StorageUnavailable:
                if threading.current_thread() is not self._thread or self._closing.wait(wait_s):
                    raise
                wait_s = min(2 * wait_s, LONGEST_RETRY_S)

    def _analyze(self, keys: Sequence[Key], claimed_until: int) -> int:
        """Analyze claimed rows; how many were stored."""
        engine = self._engine()
        self._began = time.perf_counter()
        self._hurry_at = self._began + LEASE_MS / 2 / SECOND_MS
        done: list[_Done] = []
        left = list(keys)
        # With half of the lease gone the others are given back: their turn comes again at once.
        while left and not self._closing.is_set() and self._clock() < claimed_until - LEASE_MS // 2:
            key = left.pop(0)
            row = self._patiently(self._db.read, analyses.read, key, claimed_until=claimed_until)
            if row is not None:
                # An event that tells of a verdict repeats a prompt that has a row of its own.
                counted = row.action == "block" or row.event_category == "guard"
                examined = self._examine(row, engine)
                done.append(_Done(key, row.agent_id, row.guarded_at, counted, examined))
            self._pause()
        return self._keep(done, left, claimed_until)

    def _keep(self, done: Sequence[_Done], left: Sequence[Key], claimed_until: int) -> int:
        now = self._clock()
        try:
            return self._patiently(self._db.write, _store, done, left, claimed_until=claimed_until, now=now)
        except StorageUnavailable:
            raise
        except Exception as error:
            log.error("what was found could not be stored: %s", type(error).__name__)
            if len(done) < 2:
                failed = [replace(one, examined=None) for one in done]
                return self._patiently(
                    self._db.write, _store, failed, left, claimed_until=claimed_until, now=now
                )
        return sum(self._keep([one], [], claimed_until) for one in done) + self._keep([], left, claimed_until)

    def _examine(self, row: Waiting, engine: Engine) -> Examined | None:
        try:
            policy = self._patiently(self._policy, row)
            return examine(row, engine, policy, between=self._pause)
        except StorageUnavailable:
            raise
        except Exception as error:  # whatever it is, the other rows must not wait for it
            log.error("an interaction could not be analyzed: %s", type(error).__name__)
            return None

    def _policy(self, row: Waiting) -> SystemPolicy:
        if row.system_id is None:
            return self._policies.of_agent(row.organization_id, str(row.agent_id)).policy
        return self._policies.get(row.organization_id, row.system_id, row.agent_id).policy

    def _pause(self) -> None:
        """Leave the processor to requests, when there are any, once the thread has worked for a while."""
        if threading.current_thread() is not self._thread:
            return
        now = time.perf_counter()
        worked_s = now - self._began
        if worked_s < SLICE_S or now > self._hurry_at:
            return
        if time.monotonic() - self._asked_at < BUSY_S:
            self._closing.wait(min(PAUSES * worked_s, LONGEST_PAUSE_S))
        self._began = time.perf_counter()


def _claim(tx: Transaction, *, now: int) -> list[Key]:
    return analyses.claim(tx, now=now, lease_ms=LEASE_MS, limit=ROWS_AT_ONCE)


def _store(
    tx: Transaction, done: Sequence[_Done], left: Sequence[Key], *, claimed_until: int, now: int
) -> int:
    """Store what was found, with the impact events that it means; give the rest back."""
    stored = analyses.store(tx, [_analyzed(one) for one in done], claimed_until=claimed_until, now=now)
    rest = [one.key for one in done if one.key not in stored]
    analyses.release(tx, [*rest, *left], claimed_until=claimed_until)
    # In an order that all processes share, or two would wait for each other's counters.
    for one in sorted(done, key=lambda one: (one.key.organization_id, one.key.id)):
        if one.key in stored:
            _record_impact(tx, one, now=now)
    return len(stored)


def _analyzed(done: _Done) -> Analyzed:
    examined = done.examined
    if examined is None:
        return Analyzed(done.key, _FAILED, None, done.guarded_at)
    return Analyzed(done.key, examined.findings, examined.risk_score, done.guarded_at)


def _record_impact(tx: Transaction, done: _Done, *, now: int) -> None:
    """One event a row; one whose prompt was blocked has it already."""
    if done.counted or done.examined is None or done.examined.blocked_for is None:
        return
    usage.record_impact(
        tx,
        done.key.organization_id,
        agent_id=done.agent_id,
        interaction_id=done.key.id,
        kind=done.examined.blocked_for,
        now=now,
    )
