"""How much a caller may do in a window of time."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ..errors import RateLimited
from ..storage import windows
from ..storage.engine import Transaction
from .times import month_of

UNLIMITED = 2**31 - 1
"""What stands for "no limit" where a number must stand: no client counts that far in a minute."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`steady` hits a window, and up to `burst` after a window that was not used up.

    A `window_ms` of None is the calendar month, UTC.
    """

    name: str
    steady: int
    burst: int
    window_ms: int | None

    def window(self, now: int) -> tuple[int, int]:
        """When the present window began, and how long it is."""
        if self.window_ms is None:
            return month_of(now)
        return now - now % self.window_ms, self.window_ms


@dataclass(frozen=True, slots=True)
class Quota:
    """What a caller has left in the present window."""

    limit: int
    remaining: int
    resets_in_ms: int


def spend(tx: Transaction, rate: Rate, who: str, *, now: int, cost: int = 1) -> Quota:
    """Take `cost` from the caller's quota, or raise RateLimited and take nothing.

    A window admits `steady` hits plus what the window before left unused, at most `burst`.
    """
    start, length_ms = rate.window(now)
    resets_in_ms = start + length_ms - now
    bucket = f"{rate.name}:{who}"
    count = windows.take(
        tx,
        bucket,
        window_start=start,
        window_ms=length_ms,
        steady=rate.steady,
        burst=rate.burst,
        cost=cost,
        now=now,
    )
    if count is None:
        seen = windows.peek(tx, bucket, start)
        raise RateLimited(quota=seen.quota if seen else rate.steady, retry_after_ms=resets_in_ms)
    return Quota(count.quota, count.quota - count.hits, resets_in_ms)


def used(tx: Transaction, rate: Rate, who: str, *, now: int) -> Quota:
    """The caller's quota without taking from it."""
    start, length_ms = rate.window(now)
    seen = windows.peek(tx, f"{rate.name}:{who}", start)
    limit, hits = (seen.quota, seen.hits) if seen else (rate.steady, 0)
    return Quota(limit, limit - hits, start + length_ms - now)


class Strangers:
    """Answers given without a valid key, counted per address in this process.

    Not in the database: its purpose is that a flood of bad keys never reaches the database.
    """

    WINDOW_MS = 60_000
    ADDRESSES = 10_000  # remembered at most; the count starts again for all when there are more

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._window = 0
        self._hits: dict[str, int] = {}

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._lock = threading.Lock()

    def count(self, address: str, now: int) -> Quota:
        """Count one answer; `remaining` is negative once there were too many."""
        window = now // self.WINDOW_MS
        with self._lock:
            if window != self._window or len(self._hits) > self.ADDRESSES:
                self._window, self._hits = window, {}
            hits = self._hits[address] = self._hits.get(address, 0) + 1
        return Quota(self._limit, self._limit - hits, (window + 1) * self.WINDOW_MS - now)

    def refuse(self, address: str, now: int) -> None:
        """Raise RateLimited for an address that has had its share; counts nothing."""
        window = now // self.WINDOW_MS
        if window == self._window and self._hits.get(address, 0) >= self._limit:
            raise RateLimited(quota=self._limit, retry_after_ms=(window + 1) * self.WINDOW_MS - now)
