"""Functions of many items: those of callers that wait at the same time come in one call."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from precog.storage.engine import Database, Transaction

ADD = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 1)"
NAMES = "SELECT name FROM readiness_probes ORDER BY name"


class Adder:
    """Adds a row an item; the first call waits, so that other callers come together behind it."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.first_is_in = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, tx: Transaction, items: Sequence[str]) -> list[str]:
        self.calls.append(list(items))
        if not self.first_is_in.is_set():
            self.first_is_in.set()
            assert self.go_on.wait(10)
        for item in items:
            tx.run(ADD, name=item)
            if item == "bad":
                raise ValueError(item)
        return [f"{item} is in" for item in items]


def add_together(db: Database, adder: Adder, items: Sequence[str], queued: Any) -> list[Future[str]]:
    """Have the first item hold up the others until all of them wait, and then all go."""
    with ThreadPoolExecutor(len(items) + 1) as pool:
        first = pool.submit(db.write_merged, adder, "first", whose="one")
        assert adder.first_is_in.wait(10)
        others = [pool.submit(db.write_merged, adder, item, whose="one") for item in items]
        while queued.qsize() < len(items):
            threading.Event().wait(0.001)
        adder.go_on.set()
    return [first, *others]


def queue_of(db: Any) -> Any:
    return (db._merger if db.name == "postgres" else db._writer)._queue


def names(db: Database) -> list[str]:
    return [row["name"] for row in db.read(lambda tx: tx.all(NAMES))]


def test_callers_that_wait_together_come_in_one_call_and_each_gets_its_own_result(db: Database) -> None:
    adder = Adder()
    futures = add_together(db, adder, ["a", "b", "c"], queue_of(db))
    assert [len(call) for call in adder.calls] == [1, 3]
    assert sorted(future.result() for future in futures) == ["a is in", "b is in", "c is in", "first is in"]
    assert names(db) == ["a", "b", "c", "first"]


def test_one_that_fails_fails_alone_and_leaves_nothing(db: Database) -> None:
    adder = Adder()
    first, a, bad, c = add_together(db, adder, ["a", "bad", "c"], queue_of(db))
    assert [first.result(), a.result(), c.result()] == ["first is in", "a is in", "c is in"]
    with pytest.raises(ValueError, match="bad"):
        bad.result()
    assert sorted(adder.calls[2:]) == [["a"], ["bad"], ["c"]]
    assert names(db) == ["a", "c", "first"]
