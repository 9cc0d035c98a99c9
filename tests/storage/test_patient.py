"""Callers who wait only so long for a write that goes on without them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from precog.errors import StorageSlow, StorageUnavailable
from precog.storage.engine import Database, Transaction
from precog.storage.jobs import PatientJob

ADD = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 1)"


class Slow:
    """Adds a row an item, once it is let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.began = threading.Event()

    def __call__(self, tx: Transaction, items: Sequence[str]) -> list[str]:
        self.began.set()
        assert self.go_on.wait(10)
        for item in items:
            if item == "bad":
                raise ValueError(item)
            tx.run(ADD, name=item)
        return [f"{item} is in" for item in items]


class Ends:
    """How late writes ended."""

    def __init__(self) -> None:
        self.found: list[Exception | None] = []
        self.told = threading.Event()

    def __call__(self, error: Exception | None) -> None:
        self.found.append(error)
        self.told.set()


def names(db: Database) -> set[str]:
    return {row["name"] for row in db.read(lambda tx: tx.all("SELECT name FROM readiness_probes"))}


def write(db: Database, fn: Any, item: str, ends: Ends, patience_s: float = 10) -> Any:
    return db.write_patiently(fn, item, whose="one", patience_s=patience_s, late=ends)


def test_who_waits_long_enough_is_told_the_result_and_nobody_else_is(db):
    slow, ends = Slow(), Ends()
    slow.go_on.set()
    assert write(db, slow, "a", ends) == "a is in"
    assert (names(db), ends.found) == ({"a"}, [])


def test_an_error_in_time_is_raised_and_told_nobody_else(db):
    slow, ends = Slow(), Ends()
    slow.go_on.set()
    with pytest.raises(ValueError, match="bad"):
        write(db, slow, "bad", ends)
    assert (names(db), ends.found) == (set(), [])


def test_who_loses_patience_goes_on_and_the_write_too(db):
    slow, ends = Slow(), Ends()
    with pytest.raises(StorageSlow):
        write(db, slow, "a", ends, patience_s=0.02)
    assert ends.found == []
    slow.go_on.set()
    assert ends.told.wait(10)
    assert (names(db), ends.found) == ({"a"}, [None])


def test_an_error_that_comes_late_is_told(db):
    slow, ends = Slow(), Ends()
    with pytest.raises(StorageSlow):
        write(db, slow, "bad", ends, patience_s=0.02)
    slow.go_on.set()
    assert ends.told.wait(10)
    assert [type(error) for error in ends.found] == [ValueError]


def test_losing_patience_is_a_kind_of_being_unavailable(db):
    slow = Slow()
    with pytest.raises(StorageUnavailable):
        write(db, slow, "a", Ends(), patience_s=0.02)
    slow.go_on.set()


def test_others_go_on_behind_one_whose_late_end_cannot_be_told(db, caplog):
    slow, told = Slow(), threading.Event()

    def fail(error: Exception | None) -> None:
        told.set()
        raise RuntimeError("a secret")

    with pytest.raises(StorageSlow):
        db.write_patiently(slow, "a", whose="one", patience_s=0.02, late=fail)
    slow.go_on.set()
    assert told.wait(10)
    assert write(db, slow, "b", Ends()) == "b is in"
    assert names(db) == {"a", "b"}
    assert "RuntimeError" in caplog.text
    assert "a secret" not in caplog.text


def test_those_who_wait_together_come_in_one_call_also_behind_one_who_went(db):
    slow, ends = Slow(), Ends()
    with pytest.raises(StorageSlow):
        write(db, slow, "first", ends, patience_s=0.02)
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(write, db, slow, name, Ends()) for name in "abcd"]
        slow.go_on.set()
    assert sorted(one.result() for one in others) == ["a is in", "b is in", "c is in", "d is in"]
    assert ends.told.wait(10)
    assert names(db) == {"first", *"abcd"}


def test_a_closed_database_refuses_at_once(db):
    db.close()
    with pytest.raises(StorageUnavailable):
        write(db, Slow(), "a", Ends())


def test_who_is_told_the_end_in_time_is_not_told_it_again():
    """However close patience and the end are, exactly one of the two hears of it."""
    for _ in range(300):
        job, ends = PatientJob(lambda tx, items: items, "a", whose="one"), Ends()
        ending = threading.Thread(target=job.finish)
        ending.start()
        try:
            job.wait_for(0, ends)
            in_time = True
        except StorageSlow:
            in_time = False
        ending.join()
        assert len(ends.found) == (0 if in_time else 1)
