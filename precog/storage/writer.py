"""One thread that runs many callers' functions and commits them together; knows no database."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from ..errors import StorageUnavailable
from .jobs import Job, wake_in_turn

QUEUE_LIMIT = 4_096  # functions waiting; more is refused at once rather than kept waiting


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
        wake_in_turn(group)

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
