"""One thread that runs many callers' functions and commits them together; knows no database."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import StorageUnavailable

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
        """Run the function; an error is kept for the caller and raised for the group."""
        try:
            self.result = self._fn(transaction, *self._args, **self._kwargs)
        except Exception as error:
            self.error = error
            raise

    def finish(self) -> None:
        """Let the caller go on."""
        self._done.release()

    def wait(self) -> Any:
        """What the function returned, once its group is committed; raises what it raised."""
        self._done.acquire()
        if self.error is not None:
            raise self.error
        return self.result


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
            self._queue.put(job)
            if self._thread is None:
                self._start()
            return True

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()
        atexit.register(_close, weakref.ref(self))

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
        except Exception as error:
            # Those who queued up meanwhile have waited as long: they share the answer, so that
            # nobody waits for one time-out after another.
            group += self._next_waiting()
            for job in group:
                # One instance raised in many threads would share its traceback.
                job.error = StorageUnavailable() if isinstance(error, StorageUnavailable) else error
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


def _close(reference: weakref.ref[Writer]) -> None:
    writer = reference()
    if writer is not None:
        writer.close()
