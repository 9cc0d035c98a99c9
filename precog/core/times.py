"""Times: unix milliseconds inside, RFC 3339 outside."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Gives the time in unix milliseconds; handed in, so that tests set it."""

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def wall_clock() -> int:
    """The machine's time."""
    return time.time_ns() // 1_000_000


def to_rfc3339(ms: int) -> str:
    """The time as `2026-01-15T10:30:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> int:
    """The time that an RFC 3339 text means; one without an offset is taken as UTC.

    Raises ValueError for anything else, OverflowError for a time that is not in the years 1 to 9999 of UTC.
    """
    if _RFC3339.fullmatch(text) is None:  # Python reads more of ISO 8601 than that
        raise ValueError("not an RFC 3339 date and time")
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def day_of(text: str) -> int:
    """When a day, `2026-01-15`, begins (UTC). Raises ValueError for any other text."""
    if _DAY.fullmatch(text) is None:
        raise ValueError("not a day")
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def to_day(ms: int) -> str:
    """The day (UTC) of a time, as `2026-01-15`."""
    return (_EPOCH + timedelta(milliseconds=ms)).date().isoformat()


def month_of(ms: int) -> tuple[int, int]:
    """When the calendar month (UTC) of a time begins, and how long it is."""
    moment = (_EPOCH + timedelta(milliseconds=ms)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (moment + timedelta(days=32)).replace(day=1)
    start = (moment - _EPOCH) // timedelta(milliseconds=1)
    return start, (following - moment) // timedelta(milliseconds=1)
