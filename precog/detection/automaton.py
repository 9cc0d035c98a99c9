"""One pass over a text for many expressions: hyperscan, with its working memory for each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import hyperscan

_NONE: frozenset[str] = frozenset()


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


class Gate:
    """Hints made ready, of which a text is only asked whether it has them."""

    def __init__(self, hints: Mapping[str, str], *, caseless: bool = False) -> None:
        once = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
        if caseless:
            once |= hyperscan.HS_FLAG_CASELESS
        self._names = tuple(hints)
        self._automaton = Automaton(
            [hint.encode() for hint in hints.values()],
            flags=[once if hint.isascii() else once | hyperscan.HS_FLAG_UTF8 for hint in hints.values()],
        )

    def open_for(self, data: bytes) -> frozenset[str]:
        """The names of the hints that the text contains."""
        met: list[str] = []
        names = self._names

        def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            met.append(names[number])

        self._automaton.scan(data, note)
        return frozenset(met) if met else _NONE
