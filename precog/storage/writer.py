"""One thread that runs many callers' functions and commits them together; knows no database."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import StorageSlow, StorageUnavailable

log = logging.getLogger(__name__)

QUEUE_LIMIT = 4_096  # functions waiting; more is refused at once rather than kept waiting


class Job:
    """One caller's function, and what became of it."""

    __slots__ = ("_args", "_done", "_fn", "_kwargs", "error", "result")

    def __init__(self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._fn = fn
        self._args = args
        self._kwargs = kwargs
        self.result: Any = None
        self.error: Exception | None = None
        # A bare lock wakes its waiter in a quarter of the time that an Event takes.
        self._done = threading.Lock()
        self._done.acquire()

    def run(self, transaction: Any) -> None:
        """Run the function and keep its result for the caller."""
        self.result = self._fn(transaction, *self._args, **self._kwargs)

    def finish(self) -> None:
        """Let the caller go on."""
        self._done.release()

    def wait(self) -> Any:
        """What the function returned, once its group is committed; raises what it raised."""
        self._done.acquire()
        if self.error is not None:
            raise self.error
        return self.result


class PostedJob(Job):
    """A function for whose end nobody waits: an error is logged, by its kind alone."""

    __slots__ = ()

    def finish(self) -> None:
        """Say that it failed, if it did."""
        if self.error is not None:
            log.warning("a deferred write was lost: %s", type(self.error).__name__)


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

    __slots__ = ("_ended", "_late", "_lock")

    def __init__(self, many: Callable[[Any, Sequence[Any]], Sequence[Any]], item: Any, *, whose: str) -> None:
        super().__init__(many, item, whose=whose)
        self._lock = threading.Lock()
        self._ended = False
        self._late: Callable[[Exception | None], None] | None = None

    def finish(self) -> None:
        """Let the caller go on, or tell how it ended to whom it left behind."""
        with self._lock:
            self._ended = True
            late = self._late
        super().finish()
        if late is not None:
            try:
                late(self.error)
            except Exception as error:  # the thread that runs everybody's jobs must live
                log.error("nobody was told how a late write ended: %s", type(error).__name__)

    def wait_for(self, patience_s: float, late: Callable[[Exception | None], None]) -> Any:
        """As wait. Raises StorageSlow after `patience_s`; `late` is called at the end then."""
        if not self._done.acquire(timeout=patience_s):
            with self._lock:
                if not self._ended:
                    self._late = late
                    raise StorageSlow()
            self._done.acquire()
        if self.error is not None:
            raise self.error
        return self.result


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


class Writer:
    """A bounded queue and the thread that empties it, started by the first job."""

    def __init__(self, run_group: Callable[[Sequence[Job]], None], group_limit: int, *, name: str) -> None:
        self._run_group = run_group
        self._group_limit = group_limit
        self._name = name
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # nothing may be queued behind the None that ends the thread
        self._closed = False

    def submit(self, job: Job) -> bool:
        """Queue the job; False when the queue is full or closed."""
        with self._lock:
            if self._closed or self._queue.qsize() >= QUEUE_LIMIT:
                return False
            if self._thread is None and not self._start():
                return False
            self._queue.put(job)
            return True

    def _start(self) -> bool:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be had: too many of them, or the interpreter is ending
            return False
        self._thread = thread
        atexit.register(_close, weakref.ref(self), os.getpid())
        return True

    def close(self) -> None:
        """Finish what is queued, then stop; later jobs are refused."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        while True:
            group, last = self._next_group()
            if group:
                self._serve(group)
            if last:
                return

    def _next_group(self) -> tuple[list[Job], bool]:
        job = self._queue.get()
        group: list[Job] = []
        try:
            while job is not None:
                group.append(job)
                if len(group) == self._group_limit:
                    return group, False
                job = self._queue.get_nowait()
        except Empty:
            return group, False
        return group, True

    def _serve(self, group: list[Job]) -> None:
        try:
            self._run_group(group)
        except BaseException as error:  # whatever it is, the thread must live and nobody be left waiting
            # Those who queued up meanwhile have waited as long: they share the answer, so that
            # nobody waits for one time-out after another.
            group += self._next_waiting()
            cause = error if isinstance(error, Exception) else StorageUnavailable()
            for job in group:
                # One instance raised in many threads would share its traceback.
                job.error = StorageUnavailable() if isinstance(cause, StorageUnavailable) else cause
        for job in group:
            job.finish()

    def _next_waiting(self) -> list[Job]:
        waiting: list[Job] = []
        for _ in range(self._queue.qsize()):
            job = self._queue.get()
            if job is None:
                self._queue.put(None)
                break
            waiting.append(job)
        return waiting


def _close(reference: weakref.ref[Writer], process: int) -> None:
    # A forked child has not the thread, and somebody may have held the lock when it was born.
    writer = reference()
    if writer is not None and process == os.getpid():
        writer.close()
