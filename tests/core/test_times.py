"""Times on the wire are RFC 3339, and months are those of UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core.times import DAY_MS, from_rfc3339, month_of, to_rfc3339

FIRST = from_rfc3339("0001-01-01T00:00:00Z")
LAST = from_rfc3339("9999-12-31T23:59:59.999Z")
TIMES = st.integers(FIRST, LAST)


@given(TIMES)
def test_a_time_comes_back_as_it_went(ms: int) -> None:
    assert from_rfc3339(to_rfc3339(ms)) == ms


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)),
)
def test_an_offset_is_taken_off(moment: datetime, offset: timedelta) -> None:
    zone = timezone(timedelta(minutes=offset // timedelta(minutes=1)))
    there = moment.replace(tzinfo=UTC).astimezone(zone)
    assert from_rfc3339(there.isoformat(timespec="microseconds")) == from_rfc3339(f"{moment.isoformat()}Z")


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        from_rfc3339(text)


def test_a_time_is_written_with_milliseconds_and_z() -> None:
    assert to_rfc3339(1_768_473_000_000) == "2026-01-15T10:30:00.000Z"
    assert to_rfc3339(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T10:30:00Z",
        "2026-01-15t10:30:00z",
        "2026-01-15 10:30:00Z",
        "2026-01-15T10:30:00",
        "2026-01-15T10:30:00.0Z",
        "2026-01-15T10:30:00.000999999999Z",
        "2026-01-15T12:30:00+02:00",
        "2026-01-15T12:30:00+0200",
        "2026-01-15T00:00:00-10:30",
    ],
)
def test_what_is_read(text: str) -> None:
    assert from_rfc3339(text) == 1_768_473_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-15",
        "2026-01-15T10:30Z",
        "2026-01-15T10:30:00,5Z",
        "2026-01-15T10:30:00.Z",
        "2026-01-15T10:30:00 Z",
        "2026-01-15T10:30:00Z ",
        "2026-01-15T10:30:00Z\n",
        "2026-01-15T10:30:00+02",
        "2026-01-15T10:30:00+00:00:30",
        "2026-01-15T103000.000Z",
        "20260115T103000Z",
        "2026-W03-4T10:30:00Z",
        "2026-015T10:30:00Z00",
        "2026-02-29T10:30:00Z",
        "2026-13-01T10:30:00Z",
        "2026-01-15T25:00:00Z",
        "2026-01-15T10:30:00+24:00",
        "٢٠٢٦-01-15T10:30:00Z",
        "0000-01-01T00:00:00Z",
        "12026-01-15T10:30:00Z",
        "1768473000",
    ],
)
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(ValueError):
        from_rfc3339(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_a_time_that_could_not_be_shown_is_not_read(text: str) -> None:
    with pytest.raises(OverflowError):
        from_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "month", "days"),
    [
        ("2026-01-15T10:30:00Z", "2026-01", 31),
        ("2026-02-28T23:59:59.999Z", "2026-02", 28),
        ("2024-02-29T00:00:00Z", "2024-02", 29),
        ("2026-12-01T00:00:00Z", "2026-12", 31),
        ("2026-12-31T23:59:59.999Z", "2026-12", 31),
    ],
)
def test_a_month_begins_and_is_so_long(text: str, month: str, days: int) -> None:
    assert month_of(from_rfc3339(text)) == (from_rfc3339(f"{month}-01T00:00:00Z"), days * DAY_MS)


@given(st.integers(0, from_rfc3339("9998-12-31T23:59:59Z")))
def test_a_time_is_within_its_month(ms: int) -> None:
    start, length = month_of(ms)
    assert start <= ms < start + length
    assert month_of(start + length)[0] == start + length
