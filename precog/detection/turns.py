"""Lets few large texts be looked at at the same time, so that many cannot take all of the memory."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext

# Looking at a text takes up to a hundred times its length of memory, and many at once are done no sooner:
# Python runs one thread at a time. Two, since some of the work needs no Python.
LARGE = 16_384  # code points; what is smaller does not wait
AT_ONCE = 2


class Turns:
    """Threads may share it, and it survives a fork."""

    def __init__(self) -> None:
        self._of_process: dict[int, threading.Semaphore] = {}

    def take(self, length: int) -> AbstractContextManager[object]:
        """Wait until a text as long may be looked at; to be left when that is done."""
        if length < LARGE:
            return nullcontext()
        # Of each process's own: one that another thread held at a fork is held for ever.
        return self._of_process.setdefault(os.getpid(), threading.Semaphore(AT_ONCE))
