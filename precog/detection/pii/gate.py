"""Which finders a text is for at all: one pass over it tells, so that most need not look.

A hint is wider than what its finder finds. It is matched in the lower-case text, as bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import hyperscan

from ..automaton import Automaton

_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL


class Gate:
    """Hints made ready. Threads may share it, and it survives a fork."""

    def __init__(self, hints: Mapping[str, str]) -> None:
        self._names = tuple(hints)
        self._automaton = Automaton([hint.encode() for hint in hints.values()], flags=[_ONCE] * len(hints))

    def open_for(self, text: str) -> frozenset[str]:
        """The names of the hints that a lower-case text contains."""
        data = text.encode("utf-8", "surrogatepass")
        met: list[int] = []

        def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            met.append(number)

        self._automaton.scan(data, note)
        return frozenset(self._names[number] for number in met)


def any_of(stems: tuple[str, ...]) -> str:
    """The hint that one of these stands anywhere."""
    return "|".join(_literal(stem) for stem in stems)


def _literal(stem: str) -> str:
    return "".join(char if char.isalnum() or char == " " else f"\\{char}" for char in stem)
