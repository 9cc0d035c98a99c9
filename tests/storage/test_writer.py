"""The one thread that writes for many: groups, a bounded queue, and an end at which nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from precog.errors import NotFound, StorageUnavailable
from precog.storage import migrate, writer
from precog.storage.engine import Transaction
from precog.storage.jobs import Job, PostedJob
from precog.storage.sqlite import SqliteDatabase
from precog.storage.writer import Writer
from tests.parallel import in_threads, let_go, process


class Groups:
    """Runs groups as a database would, and remembers how large they were. Waits for its gate."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.error: Exception | None = None

    def __call__(self, jobs: Sequence[Job]) -> None:
        self.sizes.append(len(jobs))
        self.begun.set()
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        for job in jobs:
            job.run(None)


@pytest.fixture
def groups() -> Groups:
    return Groups()


@pytest.fixture
def busy(groups: Groups) -> Iterator[Writer]:
    """A writer that is at its first group, which nobody waits for, until the gate is opened."""
    made = Writer(groups, 8, name="writer")
    assert made.submit(PostedJob(lambda transaction: None, (), {}))
    assert groups.begun.wait(20)
    yield made
    groups.gate.set()
    made.close()


def job(result: Any = None) -> Job:
    return Job(lambda transaction: result, (), {})


def test_the_thread_starts_with_the_first_job(groups: Groups) -> None:
    before = threading.active_count()
    made = Writer(groups, 8, name="writer")
    assert threading.active_count() == before
    groups.gate.set()
    first = job("first")
    assert made.submit(first)
    assert first.wait() == "first"
    assert threading.active_count() == before + 1
    made.close()
    assert threading.active_count() == before


def test_a_writer_that_never_wrote_closes(groups: Groups) -> None:
    made = Writer(groups, 8, name="writer")
    made.close()
    made.close()
    assert not made.submit(job())


def test_what_waits_together_is_one_group_up_to_the_limit(busy: Writer, groups: Groups) -> None:
    waiting = [job(number) for number in range(20)]
    assert all(busy.submit(one) for one in waiting)
    groups.gate.set()
    assert [one.wait() for one in waiting] == list(range(20))
    assert groups.sizes == [1, 8, 8, 4]


def test_a_full_queue_refuses_at_once(busy: Writer, groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_LIMIT", 3)
    waiting = [job(number) for number in range(4)]
    assert [busy.submit(one) for one in waiting] == [True, True, True, False]
    groups.gate.set()
    assert [one.wait() for one in waiting[:3]] == [0, 1, 2]
    assert busy.submit(waiting[3])
    assert waiting[3].wait() == 3


def test_those_behind_a_refused_group_are_refused_with_it(busy: Writer, groups: Groups) -> None:
    waiting = [job() for _ in range(20)]
    assert all(busy.submit(one) for one in waiting)
    groups.error = StorageUnavailable()
    groups.gate.set()
    errors = [one for one in waiting if refused(one)]
    assert len(errors) == 20
    assert groups.sizes == [1]


def refused(one: Job) -> bool:
    with pytest.raises(StorageUnavailable) as caught:
        one.wait()
    return caught.value is one.error


def test_each_caller_is_given_an_error_of_its_own(busy: Writer, groups: Groups) -> None:
    waiting = [job() for _ in range(3)]
    assert all(busy.submit(one) for one in waiting)
    groups.error = StorageUnavailable()
    groups.gate.set()
    assert all(refused(one) for one in waiting)
    assert len({id(one.error) for one in waiting}) == 3


def test_a_bug_in_a_group_is_told_and_stops_nothing(busy: Writer, groups: Groups) -> None:
    behind = job("behind")
    groups.error = NotFound("table")
    assert busy.submit(behind)
    groups.gate.set()
    with pytest.raises(NotFound):
        behind.wait()
    groups.error = None
    later = job("later")
    assert busy.submit(later)
    assert later.wait() == "later"


def test_close_finishes_what_is_queued_and_refuses_the_rest(busy: Writer, groups: Groups) -> None:
    waiting = [job(number) for number in range(20)]
    assert all(busy.submit(one) for one in waiting)
    closing = threading.Thread(target=busy.close)
    closing.start()
    while busy.submit(late := job("late")):  # until close() has come so far
        waiting.append(late)
    groups.gate.set()
    closing.join(20)
    assert not closing.is_alive()
    assert [one.wait() for one in waiting[:20]] == list(range(20))
    assert {one.wait() for one in waiting[20:]} <= {"late"}


def test_close_of_a_failing_writer_ends(busy: Writer, groups: Groups) -> None:
    waiting = [job(number) for number in range(20)]
    assert all(busy.submit(one) for one in waiting)
    groups.error = StorageUnavailable()
    closing = threading.Thread(target=busy.close)
    closing.start()
    groups.gate.set()
    closing.join(20)
    assert not closing.is_alive()
    assert all(refused(one) for one in waiting)


def test_no_call_is_left_waiting_while_a_writer_closes() -> None:
    groups = Groups()
    groups.gate.set()
    made = Writer(groups, 8, name="writer")

    def one(number: int) -> bool:
        if number == 31:
            made.close()
            return False
        mine = job("done")
        return made.submit(mine) and mine.wait() == "done"

    results = in_threads(32, one)
    assert set(results) <= {True, False}
    assert sum(groups.sizes) == results.count(True)


def test_a_thread_that_cannot_be_had_refuses(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    made = Writer(groups, 8, name="writer")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        assert not made.submit(job())
    groups.gate.set()
    later = job("later")
    assert made.submit(later)
    assert later.wait() == "later"
    assert groups.sizes == [1]
    made.close()


# --- on a file


def note(tx: Transaction, name: str) -> None:
    tx.run("INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)", name=name)


def test_many_callers_share_few_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = SqliteDatabase(tmp_path / "precog.sqlite3")
    migrate.prepare(db, now=0)
    groups: list[int] = []
    run_group = db._writer._run_group
    monkeypatch.setattr(db._writer, "_run_group", lambda jobs: (groups.append(len(jobs)), run_group(jobs)))
    gate = threading.Event()
    db.post(lambda tx: gate.wait(20))
    for number in range(100):
        db.post(note, str(number))
    gate.set()
    db.write(note, "last")
    assert sum(groups) == 102
    assert len(groups) <= 3  # the first may have begun with some of them, the last one may be alone
    assert db.read(lambda tx: tx.one("SELECT count(*) AS n FROM readiness_probes")["n"]) == 101
    db.close()


AT_EXIT = """
import threading
from pathlib import Path
from precog.storage import migrate
from precog.storage.engine import Transaction
from precog.storage.sqlite import SqliteDatabase

db = SqliteDatabase(Path(arguments[0]))
migrate.prepare(db, now=0)
insert = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)"
go()
db.post(lambda tx: threading.Event().wait(0.2))  # the rest is queued when the program ends
for number in range(1000):
    db.post(lambda tx, name: tx.run(insert, name=name), str(number))
"""


def test_what_is_queued_when_the_program_ends_is_written(tmp_path: Path) -> None:
    path = tmp_path / "precog.sqlite3"
    with process(AT_EXIT, str(path)) as program:
        let_go(program)
    db = SqliteDatabase(path)
    count = db.read(lambda tx: tx.one("SELECT count(*) AS n FROM readiness_probes")["n"])
    assert count == 1000
    db.close()
