"""The server's log: one line of JSON a record, written a few at a time."""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

GATHER_S = 0.02
LINES_KEPT = 100_000  # waiting to be written at most; then the oldest are lost


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (0, "")  # lines come many a second, and writing out a date takes time

    def format(self, record: logging.LogRecord) -> str:
        second, fraction = divmod(record.created, 1)
        if second != self._second[0]:
            text = datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds")
            self._second = int(second), text.removesuffix("+00:00")
        line: dict[str, Any] = {
            "time": f"{self._second[1]}.{int(fraction * 1000):03d}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "precog", {})
        return orjson.dumps(line, default=str).decode()


class Batched(logging.Handler):
    """Writes records from a thread of its own.

    A write lets another thread run; one a request would switch threads twice as often as the request
    itself needs.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting: deque[logging.LogRecord] = deque(maxlen=LINES_KEPT)
        self._some = threading.Event()
        self._writing = threading.Lock()
        threading.Thread(target=self._work, name="precog-log", daemon=True).start()
        atexit.register(self.close)

    def handle(self, record: logging.LogRecord) -> bool:
        """Keep the record for the thread; a deque takes it without a lock."""
        self._waiting.append(record)
        if not self._some.is_set():
            self._some.set()
        return True

    def flush(self) -> None:
        """Write what waits."""
        with self._writing:
            lines = []
            while self._waiting:
                lines.append(self.format(self._waiting.popleft()))
            if lines:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()

    def close(self) -> None:
        """Write what waits. Not the end: granian sets logging up anew, which closes every handler."""
        self.flush()

    def _work(self) -> None:
        while True:
            self._some.wait()
            time.sleep(GATHER_S)
            self._some.clear()  # before the records are taken: one that comes later sets it again
            with contextlib.suppress(Exception):  # a full disk or a bad record costs lines, not the log
                self.flush()


def log_as_json(level: str) -> None:
    """Send every log line of this process to standard error, as JSON."""
    handler = Batched(sys.stderr)
    handler.setFormatter(JsonLines())
    # A record needs none of these, and to find them out takes longer than all else about it.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # as logging's documentation suggests
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
