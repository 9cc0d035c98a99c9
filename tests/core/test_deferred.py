"""Rows that wait for the database: kept in order, stored once, bounded, and counted when they are lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

import pytest

from precog.core import deferred as deferring
from precog.core.deferred import Deferred
from precog.errors import StorageUnavailable
from precog.storage.engine import Database, Transaction
from tests.parallel import in_threads

ADD = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 1)"


class Away:
    """A database that refuses every write until it is told to be back."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.back = threading.Event()
        self.tried = threading.Event()
        self.writes: list[list[str]] = []

    def write(self, fn, *args, **kwargs):  # type: ignore[no-untyped-def]
        self.tried.set()
        if not self.back.is_set():
            raise StorageUnavailable()
        self.writes.append(list(args[0]))
        return self._db.write(fn, *args, **kwargs)


def note(tx: Transaction, names: Sequence[str]) -> None:
    for name in names:
        tx.run(ADD, name=name)
        if name == "bad":
            raise ValueError(name)


def note_otherwise(tx: Transaction, names: Sequence[str]) -> None:
    note(tx, names)


@pytest.fixture
def away(db: Database) -> Away:
    return Away(db)


@pytest.fixture
def waiting(away: Away, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deferred]:
    """What waits for that database; its own thread tries once and then not again."""
    monkeypatch.setattr(deferring, "TRY_EVERY_S", 600)
    made = Deferred(away)  # type: ignore[arg-type]
    yield made
    made.close()


def names(db: Database) -> set[str]:
    return {row["name"] for row in db.read(lambda tx: tx.all("SELECT name FROM readiness_probes"))}


def put(waiting: Deferred, away: Away, *rows: str, whose: str = "one") -> None:
    for row in rows:
        assert waiting.put(note, row, whose=whose)
    assert away.tried.wait(10)


def test_what_is_put_waits_until_the_database_is_back(db, away, waiting):
    assert (waiting.is_away, waiting.waiting) == (False, 0)
    put(waiting, away, "a", "b")
    assert waiting.flush() == 0
    assert (waiting.is_away, waiting.waiting, names(db)) == (True, 2, set())
    away.back.set()
    assert waiting.flush() == 2
    assert (waiting.waiting, waiting.lost, names(db)) == (0, 0, {"a", "b"})


def test_it_is_tried_again_by_itself(db, away, monkeypatch, caplog):
    monkeypatch.setattr(deferring, "TRY_EVERY_S", 0.01)
    waiting = Deferred(away)
    put(waiting, away, "a")
    thread = waiting._thread
    away.back.set()
    thread.join(10)
    assert (waiting.is_away, names(db)) == (False, {"a"})
    assert "deferred rows stored: 1, still waiting: 0" in caplog.text
    put(waiting, away, "b")  # and another time
    waiting.close()
    assert names(db) == {"a", "b"}


def test_rows_are_stored_in_order_those_of_one_owner_and_kind_together(away, waiting):
    put(waiting, away, "a", "b")
    put(waiting, away, "c", whose="another")
    waiting.put(note_otherwise, "d", whose="another")
    put(waiting, away, *(f"many-{n}" for n in range(150)))
    away.back.set()
    assert waiting.flush() == 154
    assert [len(rows) for rows in away.writes] == [2, 1, 1, 100, 50]
    assert away.writes[0] == ["a", "b"]


def test_a_row_that_cannot_be_stored_is_lost_alone(db, away, waiting, caplog):
    put(waiting, away, "a", "bad", "c")
    away.back.set()
    assert waiting.flush() == 2
    assert (waiting.waiting, waiting.lost, names(db)) == (0, 1, {"a", "c"})
    assert "ValueError" in caplog.text


def test_no_more_is_kept_than_there_is_room_for(db, away, monkeypatch, caplog):
    monkeypatch.setattr(deferring, "TRY_EVERY_S", 600)
    waiting = Deferred(away, rows_kept=2)
    assert [waiting.put(note, name, whose="one") for name in "abcd"] == [True, True, False, False]
    assert (waiting.waiting, waiting.lost) == (2, 2)
    assert "deferred rows lost: 2 so far" in caplog.text
    away.back.set()
    waiting.close()
    assert names(db) == {"a", "b"}


def test_a_flood_of_lost_rows_is_no_flood_of_lines(away, monkeypatch, caplog):
    monkeypatch.setattr(deferring, "TRY_EVERY_S", 600)
    waiting = Deferred(away, rows_kept=0)
    for _ in range(1_000):
        waiting.put(note, "a", whose="one")
    assert waiting.lost == 1_000
    assert [record.args[0] for record in caplog.records] == [2**n for n in range(10)]
    waiting.close()


def test_no_more_bytes_are_kept_than_there_is_room_for(away, monkeypatch):
    monkeypatch.setattr(deferring, "TRY_EVERY_S", 600)
    waiting = Deferred(away, bytes_kept=100)
    assert [waiting.put(note, name, whose="one", size_bytes=60) for name in "ab"] == [True, False]
    assert waiting.put(note, "c", whose="one", size_bytes=40)
    away.back.set()
    waiting.flush()
    assert waiting.put(note, "d", whose="one", size_bytes=100)
    waiting.close()
    assert waiting.lost == 1


def test_the_database_is_back_with_the_first_row_that_is_stored(db, away, waiting):
    seen: list[bool] = []

    def look(tx: Transaction, names: Sequence[str]) -> None:
        seen.append(waiting.is_away)

    put(waiting, away, "a")
    waiting.put(look, "b", whose="another")
    away.back.set()
    waiting.flush()
    assert seen == [False]


def test_many_who_flush_at_once_store_each_row_once(db, away, waiting):
    put(waiting, away, *(str(number) for number in range(250)))
    away.back.set()
    assert sum(in_threads(8, lambda _: waiting.flush())) == 250
    assert len(names(db)) == 250
    assert (waiting.waiting, waiting.lost) == (0, 0)


def test_what_still_waits_at_the_end_is_tried_once_more_or_counted(db, away, waiting, caplog):
    put(waiting, away, "a")
    waiting.close()
    assert waiting.lost == 1
    assert "lost at the end: 1" in caplog.text
    assert waiting.put(note, "b", whose="one") is False
    assert waiting.lost == 2


def test_a_write_that_fell_behind_counts_as_an_outage_until_it_ends(waiting):
    waiting.fall_behind()
    waiting.fall_behind()
    waiting.catch_up()
    assert waiting.is_away
    waiting.catch_up()
    assert not waiting.is_away


def test_without_a_thread_to_be_had_rows_wait_for_the_next(db, away, waiting, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert waiting.put(note, "a", whose="one")
    assert (waiting.is_away, waiting.waiting) == (True, 1)
    away.back.set()
    waiting.close()
    assert names(db) == {"a"}


def test_a_forked_child_begins_with_nothing(away, waiting):
    put(waiting, away, "a")
    waiting.fall_behind()
    waiting.after_fork_in_child()
    assert (waiting.waiting, waiting.is_away) == (0, False)


def test_nothing_of_a_row_is_logged(away, waiting, caplog):
    with caplog.at_level(logging.DEBUG):
        put(waiting, away, "private", "bad")
        away.back.set()
        waiting.flush()
    assert "private" not in caplog.text + str([vars(record) for record in caplog.records])
