"""Functions that callers queue up and wait for; knows no database and no queue."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..errors import StorageSlow

log = logging.getLogger(__name__)


class Job:
    """One caller's function, and what became of it."""

    __slots__ = (
        "_args",
        "_done",
        "_ended",
        "_fn",
        "_kwargs",
        "_left",
        "_lock",
        "_wakes",
        "behind",
        "error",
        "result",
    )

    def __init__(self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._fn = fn
        self._args = args
        self._kwargs = kwargs
        self.result: Any = None
        self.error: Exception | None = None
        self.behind: Job | None = None  # whose caller this one wakes
        # A bare lock wakes its waiter in a quarter of the time that an Event takes.
        self._done = threading.Lock()
        self._done.acquire()
        self._lock = threading.Lock()
        self._ended = False
        self._left = False
        self._wakes = False  # whether its caller is there to wake the one behind

    def run(self, transaction: Any) -> None:
        """Run the function and keep its result for the caller."""
        self.result = self._fn(transaction, *self._args, **self._kwargs)

    def finish(self) -> Job | None:
        """Let the caller go on; the job behind, should there be no caller that will wake it."""
        with self._lock:
            self._ended = True
            wakes = self._wakes
        self._done.release()
        return None if wakes else self.behind

    def wait(self) -> Any:
        """What the function returned, once its group is committed; raises what it raised."""
        try:
            self._come()
            self._done.acquire()
        finally:  # whatever ends the wait, those behind are not to suffer
            self._go_on()
        return self._outcome()

    def _come(self) -> None:
        # Not before it waits: it may have been interrupted since it queued up. Nor in the main thread,
        # which a signal interrupts anywhere, even on the way to the next.
        with self._lock:
            self._wakes = not self._ended and threading.get_ident() != threading.main_thread().ident

    def _go_on(self) -> None:
        with self._lock:
            self._left = not self._ended
            wakes, self._wakes = self._wakes and self._ended, False
        if wakes:
            wake(self.behind)

    def _outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


class PostedJob(Job):
    """A function for whose end nobody waits: an error is logged, by its kind alone."""

    __slots__ = ()

    def finish(self) -> Job | None:
        """Say that it failed, if it did."""
        if self.error is not None:
            _say(logging.WARNING, "a deferred write was lost: %s", self.error)
        return self.behind


class MergeableJob(Job):
    """A function of many items, and one caller's item."""

    __slots__ = ("item", "many", "whose")

    def __init__(self, many: Callable[[Any, Sequence[Any]], Sequence[Any]], item: Any, *, whose: str) -> None:
        super().__init__(_only, (many, item), {})
        self.many = many
        self.item = item
        self.whose = whose


class PatientJob(MergeableJob):
    """One whose caller waits only so long; `late` is told how it ended when that was too short."""

    __slots__ = ("_late",)

    def __init__(self, many: Callable[[Any, Sequence[Any]], Sequence[Any]], item: Any, *, whose: str) -> None:
        super().__init__(many, item, whose=whose)
        self._late: Callable[[Exception | None], None] | None = None

    def finish(self) -> Job | None:
        """Let the caller go on, or tell how it ended to whom it left behind."""
        behind = super().finish()
        if self._left and self._late is not None:
            try:
                self._late(self.error)
            except Exception as error:  # the thread that runs everybody's jobs must live
                _say(logging.ERROR, "nobody was told how a late write ended: %s", error)
        return behind

    def wait_for(self, patience_s: float, late: Callable[[Exception | None], None]) -> Any:
        """As wait. Raises StorageSlow after `patience_s`; `late` is called at the end then."""
        self._late = late
        try:
            self._come()
            self._done.acquire(timeout=patience_s)
        except BaseException:
            self._late = None
            raise
        finally:
            self._go_on()
        if self._left:
            raise StorageSlow()
        return self._outcome()


def wake_in_turn(jobs: Sequence[Job]) -> None:
    """Let the callers of some jobs go on, each of whom wakes the next.

    All at once they would only wait again, for Python's lock, and keep from it whoever woke them.
    """
    for job, behind in pairwise(jobs):
        job.behind = behind
    wake(jobs[0])


def wake(job: Job | None) -> None:
    """Let a job's caller go on, and of those behind it the first that is still there."""
    while job is not None:
        job = job.finish()


def _say(level: int, message: str, error: Exception) -> None:
    # Behind a host's logging that raises, too, there are callers to be woken.
    with contextlib.suppress(Exception):
        log.log(level, message, type(error).__name__)


def _only(transaction: Any, many: Callable[[Any, Sequence[Any]], Sequence[Any]], item: Any) -> Any:
    return many(transaction, [item])[0]


def merged(jobs: Sequence[Job]) -> list[list[Any]]:
    """The jobs in their order, those of one function of many items and one owner put together."""
    together: list[list[Any]] = []
    found: dict[Any, list[Any]] = {}
    for job in jobs:
        if not isinstance(job, MergeableJob):
            together.append([job])
        elif (key := (job.many, job.whose)) in found:
            found[key].append(job)
        else:
            found[key] = [job]
            together.append(found[key])
    return together


def run_together(jobs: Sequence[Any], transaction: Any) -> None:
    """Run jobs that `merged` put together in one call."""
    if len(jobs) == 1:
        jobs[0].run(transaction)
        return
    results = jobs[0].many(transaction, [job.item for job in jobs])
    for job, result in zip(jobs, results, strict=True):
        job.result = result
