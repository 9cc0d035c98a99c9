"""A SQLite file that cannot be used is refused soon, and used again when it can be."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from precog.errors import StorageUnavailable
from precog.storage import migrate
from precog.storage.engine import Transaction
from precog.storage.jobs import MergeableJob
from precog.storage.sqlite import SqliteDatabase
from tests.parallel import in_threads, let_go, process
from tests.storage.notes import NOTE, names, note

TIMEOUT_MS = 300


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precog.storage.engine.BUSY_TIMEOUT_MS", TIMEOUT_MS)


@contextlib.contextmanager
def refusing_soon() -> Iterator[None]:
    """What happens inside is refused, and not after more than one wait for a lock and some work."""
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        yield
    assert time.monotonic() - began < TIMEOUT_MS / 1000 + 1


HOLD = """
import sqlite3
connection = sqlite3.connect(arguments[0], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
go()
connection.execute("ROLLBACK")
"""


def test_a_file_that_another_process_has_locked_refuses_writes_until_it_lets_go(
    file: SqliteDatabase, path: Path
) -> None:
    with process(HOLD, str(path)) as holder:
        with refusing_soon():
            note(file, "a")
        assert names(file) == {"first"}
        let_go(holder)
    note(file, "a")
    assert names(file) == {"first", "a"}


def test_callers_behind_a_lock_do_not_wait_for_one_timeout_after_another(
    file: SqliteDatabase, path: Path
) -> None:
    with process(HOLD, str(path)) as holder:
        began = time.monotonic()
        results = in_threads(600, lambda number: note(file, str(number)))  # more than one group
        waited = time.monotonic() - began
        let_go(holder)
    assert {type(result) for result in results} == {StorageUnavailable}
    assert waited < 3 * TIMEOUT_MS / 1000 + 3  # so many threads take their time on a busy machine


def test_a_group_that_finds_the_file_locked_when_it_begins_again_keeps_nobody_behind_it_waiting(
    file: SqliteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout_s = 2.0
    monkeypatch.setattr("precog.storage.engine.BUSY_TIMEOUT_MS", int(timeout_s * 1000))
    note(file, "a")

    def fail(tx: Transaction, items: Sequence[str]) -> Sequence[str]:
        raise ValueError

    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:

        def lock(statement: str) -> None:
            if statement == "ROLLBACK" and not other.in_transaction:
                undone.append(statement)
            elif statement == "BEGIN IMMEDIATE" and undone:
                other.execute(statement)

        undone: list[str] = []
        assert file._writing is not None
        file._writing[0].set_trace_callback(lock)
        with pytest.raises(StorageUnavailable):
            file._run_group([MergeableJob(fail, item, whose="one") for item in "bc"])
        assert other.in_transaction
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            note(file, "d")
        assert time.monotonic() - began < timeout_s / 2


def test_a_full_disk_refuses_writes_until_there_is_room(file: SqliteDatabase) -> None:
    pages = file.write(lambda tx: tx.one("PRAGMA page_count")["page_count"])
    file.write(lambda tx: tx.all(f"PRAGMA max_page_count = {pages}"))
    with refusing_soon():
        note(file, "large" * 100_000)
    assert names(file) == {"first"}
    with contextlib.suppress(StorageUnavailable):  # perhaps the limit went with the connection
        file.write(lambda tx: tx.all("PRAGMA max_page_count = 1000000"))
    note(file, "large" * 100_000)
    assert len(names(file)) == 2


# A limit on the size of files stands for a full disk, one that cuts a write off in the middle.
CUT_OFF = """
import os, resource
from pathlib import Path
from precog.errors import StorageUnavailable
from precog.storage.sqlite import SqliteDatabase

db = SqliteDatabase(Path(arguments[0]))
def note(name):
    db.write(lambda tx: tx.run("INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)", name=name))
def refused(fn):
    try:
        fn()
    except StorageUnavailable:
        return True

note("before")
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(arguments[0]) + 100_000, unlimited[1]))
go()
assert refused(lambda: note("large" * 100_000))
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
note("behind")
db.close()
"""


def test_a_write_cut_off_in_the_middle_leaves_nothing(file: SqliteDatabase, path: Path) -> None:
    with process(CUT_OFF, str(path)) as writer:
        let_go(writer)
    assert names(file) == {"first", "before", "behind"}
    assert file.read(lambda tx: tx.one("PRAGMA integrity_check")["integrity_check"]) == "ok"


# As another user when the tests are root's: root writes where it may not.
READ_ONLY = """
import os, tempfile
from pathlib import Path
from precog.errors import StorageUnavailable
from precog.storage import migrate
from precog.storage.sqlite import SqliteDatabase

user = os.geteuid()
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "precog.sqlite3")
    db = SqliteDatabase(path)
    migrate.prepare(db, now=0)
    insert = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)"
    def note(name):
        db.write(lambda tx: tx.run(insert, name=name))
    def names():
        return db.read(lambda tx: [row["name"] for row in tx.all("SELECT name FROM readiness_probes")])
    note("before")
    db.close()

    # Not before all is read and imported, which that user may have no way to.
    if user == 0:
        for place in (folder, path):
            os.chown(place, 65534, -1)
        os.seteuid(65534)
    db = SqliteDatabase(path)
    path.chmod(0o400)
    go()
    for attempt in range(2):
        try:
            note("refused")
        except StorageUnavailable:
            print("refused")
        print(names())
    for file in path.parent.iterdir():
        file.chmod(0o600)  # SQLite made its other files as read-only as this one was
    note("behind")
    print(names())
    db.close()
    os.seteuid(user)
"""


def test_a_read_only_file_refuses_writes_until_it_is_writable() -> None:
    with process(READ_ONLY) as writer:
        assert let_go(writer).splitlines() == ["refused", "['before']"] * 2 + ["['before', 'behind']"]


def test_a_vanished_file_refuses_all_until_it_is_back(file: SqliteDatabase, path: Path) -> None:
    away = path.with_name("away")
    path.rename(away)
    for _ in range(2):
        with refusing_soon():
            note(file, "lost")
        with refusing_soon():
            names(file)
    assert not path.exists()
    away.rename(path)
    note(file, "behind")
    assert names(file) == {"first", "behind"}


def move_away(path: Path, away: Path) -> None:
    """Move a database as one should, with nothing of it left in its other files."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.rename(away)
    for leftover in path.parent.glob(f"{path.name}-*"):
        leftover.unlink()


def test_a_replaced_file_is_the_one_that_is_used(file: SqliteDatabase, path: Path) -> None:
    other = SqliteDatabase(path.with_name("other"))
    migrate.prepare(other, now=0)
    note(other, "other")
    other.close()
    move_away(path, path.with_name("away"))
    other.path.rename(path)
    assert names(file) == {"other"}
    note(file, "behind")
    assert names(file) == {"other", "behind"}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM readiness_probes").fetchone() == (2,)


def test_a_file_replaced_by_something_else_refuses_all_until_it_is_back(
    file: SqliteDatabase, path: Path
) -> None:
    away = path.with_name("away")
    move_away(path, away)
    path.write_bytes(b"no database " * 1000)
    with refusing_soon():
        note(file, "lost")
    with refusing_soon():
        names(file)
    away.replace(path)
    note(file, "behind")
    assert names(file) == {"first", "behind"}


def test_a_write_that_ended_in_a_file_that_is_gone_is_not_called_done(
    file: SqliteDatabase, path: Path
) -> None:
    def lose(tx: Transaction) -> None:
        tx.run(NOTE, name="lost")
        path.rename(path.with_name("away"))

    with refusing_soon():
        file.write(lose)


def test_a_file_that_is_locked_when_it_is_to_be_made_ours_is_refused_until_it_is_let_go(path: Path) -> None:
    path.touch()
    db = SqliteDatabase(path)
    with process(HOLD.replace("IMMEDIATE", "EXCLUSIVE"), str(path)) as holder:
        with refusing_soon():
            migrate.prepare(db, now=0)
        let_go(holder)
    migrate.prepare(db, now=0)
    db.close()


def test_a_commit_that_breaks_a_rule_is_the_error_of_all_who_shared_it(file: SqliteDatabase) -> None:
    def late(tx: Transaction) -> None:
        tx.run("PRAGMA defer_foreign_keys = ON")
        tx.run("INSERT INTO systems (id, organization_id, name, created_at) VALUES ('s', 'none', 'n', 0)")

    with pytest.raises(sqlite3.IntegrityError):
        file.write(late)
    note(file, "behind")
    assert names(file) == {"first", "behind"}


def test_a_read_that_outlives_the_database_lets_go_of_its_connection(file: SqliteDatabase) -> None:
    def close(tx: Transaction) -> None:
        closing = threading.Thread(target=file.close)
        closing.start()
        closing.join()

    file.read(close)
    assert not file._idle
