"""Windows admit exactly what they may, whoever asks at once, and go by themselves when they are over."""

from __future__ import annotations

from collections import Counter

import pytest

from precog.storage import windows
from precog.storage.engine import Database
from precog.storage.windows import Count
from tests.parallel import in_processes, in_threads

MINUTE = 60_000
START = 1_768_473_000_000  # the beginning of a minute


def take(
    db: Database, *, minute: int = 0, bucket: str = "b", steady: int = 10, burst: int = 20, cost: int = 1
) -> Count | None:
    start = START + minute * MINUTE
    return db.write(
        windows.take,
        bucket,
        window_start=start,
        window_ms=MINUTE,
        steady=steady,
        burst=burst,
        cost=cost,
        now=start,
    )


def admitted(db: Database, minute: int, tries: int = 50) -> int:
    """How many of many hits a minute admits."""
    return sum(take(db, minute=minute) is not None for _ in range(tries))


def peek(db: Database, minute: int = 0) -> Count | None:
    return db.read(windows.peek, "b", START + minute * MINUTE)


def starts(db: Database) -> list[int]:
    """The minutes whose windows are kept."""
    rows = db.read(lambda tx: tx.all("SELECT window_start FROM rate_windows ORDER BY window_start"))
    return [(row["window_start"] - START) // MINUTE for row in rows]


def test_threads_take_exactly_the_quota(db: Database) -> None:
    taken = in_threads(8, lambda number: [take(db, steady=20, burst=20) for _ in range(10)])
    counts = [count for counts in taken for count in counts]  # type: ignore[union-attr]
    assert sorted(count.hits for count in counts if count) == list(range(1, 21))
    assert counts.count(None) == 60


TAKE = """
from concurrent.futures import ThreadPoolExecutor
from precog.storage import windows
from precog.storage.engine import open_database

db = open_database(arguments[0])
start = int(arguments[1])

window = {"window_start": start, "window_ms": 60_000, "steady": 100, "burst": 100, "cost": 1, "now": start}

def take(number):
    return db.write(windows.take, "b", **window)

take(0)
go()
with ThreadPoolExecutor(4) as pool:
    print(sum(count is not None for count in pool.map(take, range(80))))
db.close()
"""


def test_processes_take_exactly_the_quota(db: Database, database_url: str) -> None:
    taken = in_processes(2, TAKE, database_url, str(START))
    assert 2 + sum(int(printed) for printed in taken) == 100
    assert peek(db) == Count(100, 100)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ({0: 50}, {0: 20}),  # after idleness: the limit, and a whole limit that was left
        ({0: 4, 1: 50}, {0: 4, 1: 16}),  # 6 were left
        ({0: 10, 1: 50}, {0: 10, 1: 10}),  # none was left
        ({0: 20, 1: 50}, {0: 20, 1: 10}),  # more than the limit was used: nothing is owed
        ({0: 50, 1: 50, 2: 50}, {0: 20, 1: 10, 2: 10}),
        ({0: 50, 2: 50}, {0: 20, 2: 20}),
        ({0: 3, 1: 5, 2: 50}, {0: 3, 1: 5, 2: 15}),  # only the window before counts
    ],
)
def test_a_window_admits_the_limit_and_what_the_one_before_left(
    db: Database, minutes: dict[int, int], expected: dict[int, int]
) -> None:
    assert {minute: admitted(db, minute, tries) for minute, tries in minutes.items()} == expected


@pytest.mark.parametrize(("burst", "expected"), [(10, 10), (13, 13), (20, 20), (1000, 20)])
def test_a_window_admits_the_burst_at_most(db: Database, burst: int, expected: int) -> None:
    assert sum(take(db, burst=burst) is not None for _ in range(50)) == expected


def test_refused_hits_are_not_counted(db: Database) -> None:
    assert take(db, cost=15) == Count(15, 20)
    assert take(db, cost=6) is None
    assert peek(db) == Count(15, 20)
    assert take(db, cost=5) == Count(20, 20)


def test_a_refused_first_hit_leaves_no_window(db: Database) -> None:
    assert take(db, cost=21) is None
    assert take(db, steady=0, burst=0) is None
    assert peek(db) is None


def test_refused_hits_take_nothing_from_the_next_window(db: Database) -> None:
    assert take(db, cost=4)
    assert take(db, cost=17) is None
    assert admitted(db, 1) == 16


def test_buckets_do_not_meet(db: Database) -> None:
    assert take(db, bucket="b", cost=20)
    assert take(db, bucket="c", cost=20)


def test_a_changed_limit_holds_at_once(db: Database) -> None:
    assert take(db, cost=8)
    assert take(db, steady=4, burst=4) is None
    assert take(db, steady=100, burst=100, cost=90) == Count(98, 100)


def test_windows_that_no_decision_needs_go_by_themselves(db: Database) -> None:
    for minute in range(40):
        take(db, minute=minute)
    assert starts(db)[0] >= 40 - 4
    assert starts(db)[-2:] == [38, 39]  # the one before is still needed


def test_windows_of_buckets_that_are_heard_of_no_more_go_too(db: Database) -> None:
    for number in range(20):
        take(db, bucket=f"gone {number}")
    for minute in range(10, 14):
        take(db, minute=minute)
    assert min(starts(db)) == 10


def test_the_window_of_a_month_outlives_those_of_minutes(db: Database) -> None:
    month_ms = 31 * 24 * 60 * MINUTE
    counts = Counter[int]()

    def take_of_month(now: int) -> None:
        count = db.write(
            windows.take,
            "month",
            window_start=START,
            window_ms=month_ms,
            steady=100,
            burst=100,
            cost=1,
            now=now,
        )
        counts[count.hits if count else 0] += 1

    take_of_month(START)
    last = month_ms // MINUTE - 1
    for minute in (*range(5), *range(last - 5, last + 1)):
        take(db, minute=minute)
    take_of_month(START + month_ms - 1)
    assert counts == {1: 1, 2: 1}
