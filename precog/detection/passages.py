"""Cuts a text into overlapping passages at the ends of its sentences, as a classifier takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 1200  # code points of a passage
_OVERLAP = 150
# So much of a long text is too much to read twice: it overlaps less, and there, too, sentences end passages.
_LONG = 65_536
_LITTLE = 20
ENDS = re.compile(r"[.!?][\"')\]]*\s+|[。！？]|\n+")
"""Where a sentence ends."""


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Where each passage begins and ends: all of the text is in at least one, and none is blank."""
    start, overlap = 0, _OVERLAP if len(text) < _LONG else _LITTLE
    while start < len(text):
        end = min(len(text), start + LONGEST)
        if end < len(text):
            ends = [match.end() for match in ENDS.finditer(text, start + 2 * _OVERLAP, end)]
            end = ends[-1] if ends else end
        if not text[start:end].isspace():
            yield start, end
        if end == len(text):
            return
        start = end - overlap
