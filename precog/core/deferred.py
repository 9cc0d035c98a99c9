"""Rows that were promised while the database was away, until it is back.

Only for what an operator chose to answer without storage: bounded, counted, and logged by numbers alone.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import StorageUnavailable
from ..storage.engine import Database, Forkable, Transaction, watch_forks

log = logging.getLogger(__name__)

Store = Callable[[Transaction, Sequence[Any]], None]

ROWS_KEPT = 10_000
BYTES_KEPT = 128 * 1024 * 1024
TRY_EVERY_S = 0.5
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Row:
    """A row and what stores it."""

    whose: str
    store: Store
    row: Any
    size_bytes: int


class Deferred(Forkable):
    """A bounded queue and the thread that empties it into the database, started by the first row.

    What is put writes some rows of one owner in one transaction.
    """

    def __init__(self, db: Database, *, rows_kept: int = ROWS_KEPT, bytes_kept: int = BYTES_KEPT) -> None:
        self._db = db
        self._rows_kept = rows_kept
        self._bytes_kept = bytes_kept
        self.lost = 0
        self._start()
        watch_forks(self)

    def _start(self) -> None:
        self._rows: deque[_Row] = deque()
        self._bytes = 0
        self._away = False
        self._lock = threading.Lock()
        self._flushing = threading.Lock()  # or two threads would each take away what one has stored
        self._behind = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def after_fork_in_child(self) -> None:
        """Begin with nothing: the parent stores what it promised."""
        self._start()

    @property
    def waiting(self) -> int:
        """How many rows are still to be stored."""
        return len(self._rows)

    @property
    def is_away(self) -> bool:
        """Whether the database was away at the last try, so that nobody need wait for it."""
        return self._behind > 0 or self._away

    def fall_behind(self) -> None:
        """A write went on after its caller had lost patience; `catch_up` follows at its end."""
        with self._lock:
            self._behind += 1

    def catch_up(self) -> None:
        """A write that had fallen behind has ended."""
        with self._lock:
            self._behind -= 1

    def put(self, store: Store, row: Any, *, whose: str, size_bytes: int = 0) -> bool:
        """Keep a row for later; False, counted and logged, when there are too many or they are too large."""
        with self._lock:
            kept = (
                len(self._rows) < self._rows_kept
                and self._bytes + size_bytes <= self._bytes_kept
                and not self._closing.is_set()
            )
            if kept:
                self._rows.append(_Row(whose, store, row, size_bytes))
                self._bytes += size_bytes
                self._away = True
                self._begin()
            else:
                self.lost += 1
            lost = self.lost
        if not kept and lost & (lost - 1) == 0:  # each time it has doubled: there may be thousands a second
            log.error("deferred rows lost: %d so far", lost)
        return kept

    def _begin(self) -> None:
        if self._thread is None:
            log.warning("storage is away: rows are kept in memory until it is back")
            thread = threading.Thread(target=self._work, name="precog-deferred", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread can be had at the moment: the next row tries again
                return
            self._thread = thread

    def _work(self) -> None:
        stored = 0
        while True:
            stored += self.flush()
            with self._lock:
                if not self._rows or self._closing.is_set():
                    self._thread = None
                    break
            self._closing.wait(TRY_EVERY_S)
        log.warning(
            "deferred rows stored: %d, still waiting: %d, lost so far: %d", stored, len(self._rows), self.lost
        )

    def flush(self) -> int:
        """Store what can be stored now; how many rows that were."""
        stored, at_once = 0, _AT_ONCE
        with self._flushing:
            while part := self._next(at_once):
                try:
                    self._db.write(part[0].store, [one.row for one in part])
                except StorageUnavailable:
                    self._away = True
                    break
                except Exception as error:  # a row that cannot be stored must not keep the others waiting
                    if len(part) > 1:
                        at_once = 1  # nor take them with it
                        continue
                    self._lose(error)
                else:
                    stored += len(part)
                self._away = False  # what is new goes the usual way, while the others are still being stored
                with self._lock:
                    for one in part:
                        self._rows.popleft()
                        self._bytes -= one.size_bytes
        return stored

    def _lose(self, error: Exception) -> None:
        with self._lock:
            self.lost += 1
        log.error("a deferred row was lost, for %s", type(error).__name__)

    def _next(self, at_once: int) -> Sequence[_Row]:
        """The next rows of one owner, left where they are."""
        with self._lock:
            found: list[_Row] = []
            for one in self._rows:
                if found and (one.whose, one.store) != (found[0].whose, found[0].store):
                    break
                if len(found) == at_once:
                    break
                found.append(one)
            return found

    def close(self) -> None:
        """Try once more, then give up what is left."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=30)
        if self._rows:
            self.flush()
        if self._rows:
            self.lost += len(self._rows)
            log.error("deferred rows lost at the end: %d", len(self._rows))
