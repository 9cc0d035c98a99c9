"""Cuts a text into overlapping passages at the ends of its sentences, as a classifier takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 600  # code points of a passage
_OVERLAP = 120
ENDS = re.compile(r"[.!?][\"')\]]*\s+|[。！？]|\n+")
"""Where a sentence ends."""


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Where each passage begins and ends: all of the text is in at least one, and none is blank."""
    start = 0
    while start < len(text):
        end = min(len(text), start + LONGEST)
        if end < len(text):
            ends = [match.end() for match in ENDS.finditer(text, start + _OVERLAP * 2, end)]
            end = ends[-1] if ends else end
        if not text[start:end].isspace():
            yield start, end
        if end == len(text):
            return
        start = end - _OVERLAP
