"""One pass over a text for many expressions: hyperscan, with its working memory for each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import hyperscan


class Automaton:
    """Expressions compiled into one database. Threads may share it, and it survives a fork."""

    def __init__(self, expressions: Sequence[bytes], *, flags: Sequence[int]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(list(expressions), ids=list(range(len(expressions))), flags=list(flags))
        self._own = threading.local()

    def scan(self, data: bytes, note: Callable[[int, int, int, int, object], None]) -> None:
        """Call `note` with the number of each expression that matches, and the start and end of the place."""
        if data:
            self._database.scan(data, note, scratch=self._scratch())

    def _scratch(self) -> hyperscan.Scratch:
        """This thread's own working memory, which no two scans may share."""
        scratch = getattr(self._own, "scratch", None)
        if scratch is None:
            scratch = self._own.scratch = hyperscan.Scratch(self._database)
        return scratch
