"""Products out of files, CSV or JSON lines; rows that are none are told by their line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from ..core import product
from ..core.product import FIELDS, Product
from ..errors import InvalidField

LONGEST_LINE_BYTES = 1 << 20
MOST_NAMED = 20
REQUIRED = ("sku", "name", "price", "currency")
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
_MARK = b"\xef\xbb\xbf"  # with which some programs begin a UTF-8 file


class BadHeader(Exception):
    """The first line of a CSV file is not its columns' names; the text says what is wrong."""


class ProductFile:
    """The products of one file, read once and never held together.

    `bad` counts the rows that were skipped, and `bad_lines` has the lines of the first of them and what is
    wrong. `position` is how much of the file's `size` in bytes was read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.bad = 0
        self.bad_lines: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[Product]:
        """Raises OSError, BadHeader."""
        read = self._json_rows if self.path.suffix.lower() in _JSON_SUFFIXES else self._csv_rows
        with self.path.open("rb") as stream:
            for number, row in read(stream):
                try:
                    yield product.from_fields(row())
                except InvalidField as error:
                    self._refuse(number, f"{error.field}: expected {error.expected}")
                except ValueError as error:
                    self._refuse(number, str(error))

    def _refuse(self, number: int, why: str) -> None:
        self.bad += 1
        if len(self.bad_lines) < MOST_NAMED:
            self.bad_lines.append((number, why))

    def _lines(self, stream: BinaryIO) -> Iterator[bytes]:
        """Each line, those that are too long as an empty one."""
        while line := stream.readline(LONGEST_LINE_BYTES + 1):
            self.position += len(line)
            if len(line) > LONGEST_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(LONGEST_LINE_BYTES)
                    self.position += len(line)
                line = b"\xff\n"  # which is no text, and is told as such
            yield line

    def _json_rows(self, stream: BinaryIO) -> Iterator[tuple[int, _Row]]:
        for number, line in enumerate(self._lines(stream), start=1):
            if line.strip():
                yield number, _JsonRow(line.removeprefix(_MARK) if number == 1 else line)

    def _csv_rows(self, stream: BinaryIO) -> Iterator[tuple[int, _Row]]:
        lines = self._lines(stream)
        # Bytes that are no UTF-8 pass as half surrogates, which a product's check refuses.
        reader = csv.reader(
            (line if at else line.removeprefix(_MARK)).decode("utf-8", "surrogateescape")
            for at, line in enumerate(lines)
        )
        header = _header(next(_rows(reader), (1, []))[1])
        for number, cells in _rows(reader):
            if isinstance(cells, str):
                self._refuse(number, cells)
            elif cells:
                yield number, _CsvRow(header, cells)


class _Row:
    """The fields of a row, made when they are called for. Raises ValueError."""

    def __call__(self) -> Mapping[str, Any]:
        raise NotImplementedError


class _JsonRow(_Row):
    def __init__(self, line: bytes) -> None:
        self._line = line

    def __call__(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self._line.decode(), parse_float=Decimal)
        except (ValueError, RecursionError):
            raise ValueError("not JSON in UTF-8") from None
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
        return found


class _CsvRow(_Row):
    def __init__(self, header: Sequence[str], cells: Sequence[str]) -> None:
        self._header = header
        self._cells = cells

    def __call__(self) -> Mapping[str, Any]:
        if len(self._cells) != len(self._header):
            raise ValueError(f"{len(self._cells)} cells under {len(self._header)} columns")
        return dict(zip(self._header, self._cells, strict=True))


def _rows(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's cells, or what is wrong with it, with the line on which it begins."""
    while True:
        number = reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, str(error)


def _header(cells: list[str] | str) -> list[str]:
    names = [cell.strip() for cell in cells] if isinstance(cells, list) else []
    names = [name.lower() if name.lower() in FIELDS else name for name in names]
    if missing := [name for name in REQUIRED if name not in names]:
        raise BadHeader(f"the first line must name the columns; it has no {', '.join(missing)}")
    if len(set(names)) != len(names) or "" in names:
        raise BadHeader("two columns have the same name, or one has none")
    return names
