"""Quotas in windows: what is left, when it comes back, and what strangers may do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core import limits
from precog.core.limits import UNLIMITED, Quota, Rate, Strangers
from precog.core.times import DAY_MS, MINUTE_MS, from_rfc3339
from precog.errors import RateLimited
from precog.storage.engine import Database
from tests.conftest import NOW
from tests.parallel import in_threads

RATE = Rate("requests", 10, 20, MINUTE_MS)
MONTHLY = Rate("impact", 3, 3, None)
LATE = from_rfc3339("2026-01-31T23:59:59.999Z")


def spend(db: Database, *, now: int = NOW, rate: Rate = RATE, who: str = "org", cost: int = 1) -> Quota:
    return db.write(limits.spend, rate, who, now=now, cost=cost)


def used(db: Database, *, now: int = NOW, rate: Rate = RATE) -> Quota:
    return db.read(limits.used, rate, "org", now=now)


def test_a_quota_tells_what_is_left_and_when_it_comes_back(db: Database) -> None:
    assert spend(db) == Quota(20, 19, MINUTE_MS)
    assert spend(db, now=NOW + 59_999, cost=4) == Quota(20, 15, 1)
    assert spend(db, now=NOW + MINUTE_MS) == Quota(15, 14, MINUTE_MS)


def test_a_refusal_tells_the_quota_and_when_to_come_back(db: Database) -> None:
    spend(db, cost=20)
    with pytest.raises(RateLimited) as caught:
        spend(db, now=NOW + 1_000)
    assert (caught.value.quota, caught.value.retry_after_ms) == (20, 59_000)
    assert spend(db, now=NOW + 1_000 + 59_000).remaining == 9


def test_a_refusal_of_more_than_a_window_admits_tells_the_limit(db: Database) -> None:
    with pytest.raises(RateLimited) as caught:
        spend(db, cost=21)
    assert caught.value.quota == 10
    assert used(db) == Quota(10, 10, MINUTE_MS)


def test_a_refusal_by_the_second_limit_gives_back_the_first(db: Database) -> None:
    narrow = Rate("narrow", 1, 1, MINUTE_MS)

    def both(tx: object) -> None:
        limits.spend(tx, RATE, "org", now=NOW)  # type: ignore[arg-type]
        limits.spend(tx, narrow, "org", now=NOW)  # type: ignore[arg-type]

    db.write(both)
    with pytest.raises(RateLimited):
        db.write(both)
    assert used(db).remaining == 19


def test_looking_takes_nothing(db: Database) -> None:
    assert used(db) == used(db) == Quota(10, 10, MINUTE_MS)
    spend(db, cost=3)
    assert used(db) == used(db) == Quota(20, 17, MINUTE_MS)


def test_names_and_callers_have_windows_of_their_own(db: Database) -> None:
    spend(db, cost=20)
    assert spend(db, who="another").remaining == 19
    assert spend(db, rate=Rate("other", 10, 20, MINUTE_MS)).remaining == 19


def test_what_is_unlimited_is_never_refused(db: Database) -> None:
    rate = Rate("requests", UNLIMITED, UNLIMITED, MINUTE_MS)
    spend(db, rate=rate, cost=1_000_000_000)
    quota = spend(db, rate=rate, cost=1_000_000_000)
    assert quota.limit == UNLIMITED


def test_a_month_is_the_calendars_and_carries_nothing_over(db: Database) -> None:
    assert spend(db, now=LATE, rate=MONTHLY) == Quota(3, 2, 1)
    february = LATE + 1
    assert used(db, now=february, rate=MONTHLY) == Quota(3, 3, 28 * DAY_MS)
    assert spend(db, now=february, rate=MONTHLY, cost=3) == Quota(3, 0, 28 * DAY_MS)
    with pytest.raises(RateLimited) as caught:
        spend(db, now=february + DAY_MS, rate=MONTHLY)
    assert caught.value.retry_after_ms == 27 * DAY_MS


# --- strangers


def test_strangers_are_counted_by_address_and_minute() -> None:
    strangers = Strangers(2)
    assert strangers.count("a", NOW) == Quota(2, 1, MINUTE_MS)
    assert strangers.count("a", NOW + 1_000) == Quota(2, 0, 59_000)
    assert strangers.count("b", NOW).remaining == 1
    assert strangers.count("a", NOW + MINUTE_MS).remaining == 1


def test_an_address_that_had_its_share_is_refused_until_the_minute_is_over() -> None:
    strangers = Strangers(2)
    for _ in range(2):
        strangers.refuse("a", NOW)
        strangers.count("a", NOW)
    with pytest.raises(RateLimited) as caught:
        strangers.refuse("a", NOW + 1_000)
    assert caught.value.retry_after_ms == 59_000
    strangers.refuse("b", NOW)
    strangers.refuse("a", NOW + MINUTE_MS)


def test_the_memory_for_strangers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Strangers, "ADDRESSES", 10)
    strangers = Strangers(2)
    for number in range(100):
        strangers.count(str(number), NOW)
    assert len(strangers._hits) <= 11


def test_threads_count_every_stranger() -> None:
    strangers = Strangers(1_000)
    in_threads(8, lambda number: [strangers.count("a", NOW) for _ in range(100)])
    assert strangers.count("a", NOW).remaining == 199


@given(st.integers(0, 2**45))
def test_a_time_is_within_its_window(now: int) -> None:
    for rate in (RATE, MONTHLY):
        start, length = rate.window(now)
        assert start <= now < start + length
