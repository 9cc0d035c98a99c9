"""Which finders a text is for at all: one pass over it tells, so that most need not look.

A hint is wider than what its finder finds. It is matched in the lower-case text, as bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import hyperscan

_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL


class Gate:
    """Hints made ready. Threads may share it, and it survives a fork."""

    def __init__(self, hints: Mapping[str, str]) -> None:
        self._names = tuple(hints)
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            [hint.encode() for hint in hints.values()],
            ids=list(range(len(hints))),
            flags=[_ONCE] * len(hints),
        )
        self._own = threading.local()

    def open_for(self, text: str) -> frozenset[str]:
        """The names of the hints that a lower-case text contains."""
        data = text.encode("utf-8", "surrogatepass")
        met: list[int] = []

        def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            met.append(number)

        if data:
            self._database.scan(data, note, scratch=self._scratch())
        return frozenset(self._names[number] for number in met)

    def _scratch(self) -> hyperscan.Scratch:
        """This thread's own working memory, which no two scans may share."""
        scratch = getattr(self._own, "scratch", None)
        if scratch is None:
            scratch = self._own.scratch = hyperscan.Scratch(self._database)
        return scratch


def any_of(stems: tuple[str, ...]) -> str:
    """The hint that one of these stands anywhere."""
    return "|".join(_literal(stem) for stem in stems)


def _literal(stem: str) -> str:
    return "".join(char if char.isalnum() or char == " " else f"\\{char}" for char in stem)
