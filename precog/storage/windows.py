"""Hits counted in fixed windows."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Transaction


@dataclass(frozen=True, slots=True)
class Count:
    """A window as the latest hit left it."""

    hits: int
    quota: int


# One statement counts and decides, so two callers cannot both take the last hit. No row comes
# back when the hit would pass the quota, and a refused hit is not counted. The quota is the limit
# plus what the window before left unused, at most the burst.
TAKE = """
INSERT INTO rate_windows (bucket, window_start, hits, quota, expires_at)
SELECT CAST(:bucket AS TEXT), CAST(:window_start AS BIGINT), CAST(:cost AS BIGINT), allowed.quota,
       CAST(:expires_at AS BIGINT)
FROM (
    SELECT CASE WHEN used >= CAST(:steady AS BIGINT) THEN CAST(:steady AS BIGINT)
                WHEN 2 * CAST(:steady AS BIGINT) - used > CAST(:burst AS BIGINT) THEN CAST(:burst AS BIGINT)
                ELSE 2 * CAST(:steady AS BIGINT) - used END AS quota
    FROM (
        SELECT COALESCE((SELECT hits FROM rate_windows
                         WHERE bucket = :bucket AND window_start = :window_before), 0) AS used
    ) AS earlier
) AS allowed
WHERE CAST(:cost AS BIGINT) <= allowed.quota
ON CONFLICT (bucket, window_start) DO UPDATE
SET hits = rate_windows.hits + excluded.hits, quota = excluded.quota
WHERE rate_windows.hits + excluded.hits <= excluded.quota
RETURNING hits, quota
"""


def take(
    tx: Transaction,
    bucket: str,
    *,
    window_start: int,
    window_ms: int,
    steady: int,
    burst: int,
    cost: int,
    now: int,
) -> Count | None:
    """Count `cost` hits; None when they do not fit in the window, and then nothing is counted."""
    row = tx.one(
        TAKE,
        bucket=bucket,
        window_start=window_start,
        window_before=window_start - window_ms,
        steady=steady,
        burst=burst,
        cost=cost,
        expires_at=window_start + 3 * window_ms,
    )
    if row is None:
        return None
    if row["hits"] == cost:
        forget_before(tx, now)
    return Count(row["hits"], row["quota"])


PEEK = """
SELECT hits, quota FROM rate_windows WHERE bucket = :bucket AND window_start = :window_start
"""


def peek(tx: Transaction, bucket: str, window_start: int) -> Count | None:
    """The window without counting; None when nothing was counted in it."""
    row = tx.one(PEEK, bucket=bucket, window_start=window_start)
    return None if row is None else Count(row["hits"], row["quota"])


# A few at a time, by whoever opens a window, so that no scheduler is needed.
FORGET = """
DELETE FROM rate_windows WHERE (bucket, window_start) IN (
    SELECT bucket, window_start FROM rate_windows WHERE expires_at < :now ORDER BY expires_at LIMIT 8
)
"""


def forget_before(tx: Transaction, now: int) -> None:
    """Delete a few windows that no decision needs any more."""
    tx.run(FORGET, now=now)
