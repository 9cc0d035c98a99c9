"""Tables of text, and foreign text in them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()) -> str:
    """Columns under their heads, two blanks apart; those named in `right` end below each other."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        placed = zip(head, cells, widths, strict=True)
        return "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width) for name, cell, width in placed
        ).rstrip()

    return "\n".join(map(line, lines))


def shown(text: str, longest: int) -> str:
    """The beginning of a text on one line; what a terminal would obey or not show is written as an escape."""
    pieces = (one if one.isprintable() else ascii(one)[1:-1] for one in " ".join(text.split()))
    start = "".join(itertools.islice(pieces, longest + 1))
    return start if len(start) <= longest else f"{start[: longest - 1]}…"
