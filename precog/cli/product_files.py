"""Products out of files, CSV or JSON lines; rows that are none are told by their line."""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from ..core import product
from ..core.product import FIELDS, Product
from ..errors import InvalidField

LONGEST_LINE_BYTES = 1 << 20
LONGEST_RECORD = 64 << 10
"""No further line is read for a record of so many characters."""

MOST_RUNAWAYS = 1_000
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
        records = _Records(self._lines(stream))
        header = _header(records.next() or [])
        while (cells := records.next()) is not None:
            if isinstance(cells, str):
                self._refuse(records.number, cells)
            elif len(cells) != len(header) and records.lines > 1:
                # A quote that was closed by another row's: that one's line is read again, and those between.
                records.back()
                self._refuse(records.number, "a quote is opened and not closed in this row")
            elif cells:
                yield records.number, _CsvRow(header, cells)


class _Records:
    """Records of a CSV file. One without an end is given up, and what follows its first line read again."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._ended = False
        self._runaways = 0
        self._next_number = 1
        self.number = 1

    @property
    def lines(self) -> int:
        """How many lines the last record had."""
        return len(self._taken)

    def next(self) -> list[str] | str | None:
        """The next record's cells, or what is wrong with it; None at the end. `number` is its first line."""
        self._taken = []
        self._ended = False
        self.number = self._next_number
        try:
            # Strictly, since a quote of a later row that closes this one's is followed by what it may not be.
            cells = next(csv.reader(self._pull(), strict=True), None)
        except csv.Error as error:
            self._next_number += self.lines
            return _lenient(self._taken[0]) if self.lines == 1 and not self._ended else self._give_up(error)
        self._next_number += self.lines
        return self._give_up() if self._ended and self._taken else cells

    def _give_up(self, error: csv.Error | None = None) -> str:
        last = self._next_number - 1
        self.back()
        wrong = "a quote is opened and not closed" if self.lines > 1 or error is None else str(error)
        kept = self._next_number <= last or last == self.number
        return wrong if kept else f"{wrong}: lines {self.number} to {last} are skipped"

    def back(self) -> None:
        """Have all but the first line of the last record read again."""
        # Or a file of nothing but open quotes would be read a thousand times.
        self._runaways += 1
        if self._runaways <= MOST_RUNAWAYS:
            self._again.extendleft(reversed(self._taken[1:]))
            self._next_number = self.number + 1

    def _pull(self) -> Iterator[str]:
        length = 0
        while length <= LONGEST_RECORD:
            line = self._again.popleft() if self._again else self._read()
            if line is None:
                break
            self._taken.append(line)
            length += len(line)
            yield line
        self._ended = True

    def _read(self) -> str | None:
        line = next(self._lines, None)
        if line is None:
            return None
        if self._next_number == 1 and not self._taken:
            line = line.removeprefix(_MARK)
        # Bytes that are no UTF-8 pass as half surrogates, which a product's check refuses.
        return line.decode("utf-8", "surrogateescape")


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
        except (ValueError, ArithmeticError, RecursionError):  # 1e99999999999999999999 is no Decimal
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


def _lenient(line: str) -> list[str] | str:
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        return str(error)


def _header(cells: list[str] | str) -> list[str]:
    names = [cell.strip() for cell in cells] if isinstance(cells, list) else []
    names = [name.lower() if name.lower() in FIELDS else name for name in names]
    if missing := [name for name in REQUIRED if name not in names]:
        raise BadHeader(f"the first line must name the columns; it has no {', '.join(missing)}")
    if len(set(names)) != len(names) or "" in names:
        raise BadHeader("two columns have the same name, or one has none")
    return names
