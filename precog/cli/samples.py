"""Labelled texts out of files of JSON lines, plain or gzip; lines that are none are told by their number."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from ..detection.evaluation import Sample, Span

LONGEST_LINE_BYTES = 4 << 20
MOST_NAMED = 20
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"  # with which some editors begin a UTF-8 file
_LABELS = {1: True, 0: False, "1": True, "0": False, "true": True, "false": False}


class SampleFile:
    """The texts of one file, read once and never held together.

    `bad` counts the lines that were skipped, and `bad_lines` has the numbers of the first of them and what
    is wrong. `position` is how much of the file's `size` in bytes was read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.bad = 0
        self.bad_lines: list[tuple[int, str]] = []
        self._source = path.name.removesuffix(".gz").removesuffix(".jsonl")

    def __iter__(self) -> Iterator[Sample]:
        with self.path.open("rb") as raw:
            packed = raw.peek(len(_GZIP)).startswith(_GZIP)
            with closing(gzip.GzipFile(fileobj=raw) if packed else raw) as stream:
                for number, line in self._lines(stream):
                    self.position = raw.tell() if raw.seekable() else 0
                    try:
                        yield self._sample(number, line)
                    except ValueError as error:
                        self._refuse(number, str(error))

    def _lines(self, stream: BinaryIO | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
        """Each line that is not blank, with its number."""
        number = 0
        try:
            while line := stream.readline(LONGEST_LINE_BYTES + 1):
                number += 1
                if len(line) > LONGEST_LINE_BYTES:
                    self._refuse(number, f"longer than {LONGEST_LINE_BYTES} bytes")
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(LONGEST_LINE_BYTES)
                elif line.strip():
                    yield number, line.removeprefix(_MARK) if number == 1 else line
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self._refuse(number + 1, "the gzip data is damaged or ends too early")

    def _refuse(self, number: int, why: str) -> None:
        self.bad += 1
        if len(self.bad_lines) < MOST_NAMED:
            self.bad_lines.append((number, why))

    def _sample(self, number: int, line: bytes) -> Sample:
        try:
            data = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise ValueError("not JSON") from None
        if not isinstance(data, dict):
            raise ValueError("not a JSON object")
        text, source, id = data.get("text"), data.get("source"), data.get("id")
        if not isinstance(text, str):
            raise ValueError("no `text`")
        return Sample(
            id=str(id) if isinstance(id, (str, int)) else f"{self.path.name}:{number}",
            source=source if isinstance(source, str) else self._source,
            text=text,
            label=_label(data.get("label")),
            spans=_spans(data.get("meta"), len(text)),
        )


def _label(label: Any) -> bool:
    known = _LABELS.get(label) if isinstance(label, (str, int, float)) else None
    if known is None:
        raise ValueError("`label` is neither 1 nor 0, true nor false")
    return known


def _spans(meta: Any, length: int) -> tuple[Span, ...]:
    listed = meta.get("spans") if isinstance(meta, dict) else None
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise ValueError("`meta.spans` is not a list")
    return tuple(_span(listing, length) for listing in listed)


def _span(listing: Any, length: int) -> Span:
    match listing:
        case [int(start), int(end), str(type)] if 0 <= start < end <= length:
            return Span(start, end, type)
    raise ValueError("a place in `meta.spans` is not [start, end, type] inside the text")
