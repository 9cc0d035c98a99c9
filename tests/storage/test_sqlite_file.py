"""What a SQLite file of ours is like, whose are left alone, and what happens when ours cannot be used."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from precog.errors import DatabaseRefused, StorageUnavailable
from precog.storage import migrate
from precog.storage.engine import APPLICATION_ID, SqliteDatabase, Transaction, open_database
from tests.parallel import in_threads, let_go, process

NOTE = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)"
TIMEOUT_MS = 300


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precog.storage.engine.BUSY_TIMEOUT_MS", TIMEOUT_MS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "precog.sqlite3"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteDatabase]:
    """A database that is in use: it has a writer, and a reader that waits to be used again."""
    db = SqliteDatabase(path)
    migrate.prepare(db, now=0)
    note(db, "first")
    names(db)
    yield db
    db.close()


def note(db: SqliteDatabase, name: str) -> None:
    db.write(lambda tx: tx.run(NOTE, name=name))


def names(db: SqliteDatabase) -> set[str]:
    return db.read(lambda tx: {row["name"] for row in tx.all("SELECT name FROM readiness_probes")})


@contextlib.contextmanager
def refusing_soon() -> Iterator[None]:
    """What happens inside is refused, and not after more than one wait for a lock and some work."""
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        yield
    assert time.monotonic() - began < 2 * TIMEOUT_MS / 1000


# --- a file of ours


def test_the_file_is_as_durable_and_tidy_as_promised(file: SqliteDatabase) -> None:
    def pragmas(tx: Transaction) -> dict[str, object]:
        found = ("journal_mode", "auto_vacuum", "application_id", "synchronous", "foreign_keys")
        return {name: row[name] for name in found if (row := tx.one(f"PRAGMA {name}"))}

    full, incremental = 2, 2
    expected = {
        "journal_mode": "wal",
        "auto_vacuum": incremental,
        "application_id": APPLICATION_ID,
        "synchronous": full,
        "foreign_keys": 1,
    }
    assert file.write(pragmas) == expected
    assert file.read(pragmas) == expected


def test_its_folder_is_made(tmp_path: Path) -> None:
    db = SqliteDatabase(tmp_path / "a" / "b" / "precog.sqlite3")
    migrate.prepare(db, now=0)
    note(db, "a")
    db.close()


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")
    with pytest.raises(DatabaseRefused, match=r"/a/b cannot be made: .+\."):
        SqliteDatabase(tmp_path / "a" / "b" / "precog.sqlite3").create()


# As the last to close the file, by all it can see, it would take the write-ahead log away.
COME_AND_GO = """
import sqlite3
go()
connection = sqlite3.connect(arguments[0])
print(connection.execute("SELECT count(*) FROM readiness_probes").fetchone()[0])
connection.close()
"""


def test_a_second_start_in_a_process_does_not_unlock_the_file_of_the_first(
    file: SqliteDatabase, path: Path
) -> None:
    SqliteDatabase(path).create()
    for count in (1, 2):
        with process(COME_AND_GO, str(path)) as other:
            assert let_go(other) == f"{count}\n"
        note(file, f"behind {count}")
    assert path.with_name(f"{path.name}-wal").exists()


def foreign_file(path: Path, journal_mode: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("CREATE TABLE theirs (a)")


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_another_programs_database_is_refused_and_left_alone(path: Path, journal_mode: str) -> None:
    foreign_file(path, journal_mode)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DatabaseRefused, match=r"database of another program; it was left alone\."):
        migrate.prepare(SqliteDatabase(path), now=0)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_marked_but_empty_database_of_another_program_is_refused(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match="another program"):
        migrate.prepare(SqliteDatabase(path), now=0)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"tiny", b"no database " * 1000, bytes(8192)])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DatabaseRefused, match=r"is not a SQLite database\."):
        migrate.prepare(SqliteDatabase(path), now=0)
    assert path.read_bytes() == content


def test_an_empty_file_becomes_ours(path: Path) -> None:
    path.touch()
    db = SqliteDatabase(path)
    migrate.prepare(db, now=0)
    note(db, "a")
    db.close()


# --- a file that cannot be used for a while

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
    began = time.monotonic()
    with process(HOLD, str(path)) as holder:
        results = in_threads(600, lambda number: note(file, str(number)))  # more than one group
        waited = time.monotonic() - began
        let_go(holder)
    assert {type(result) for result in results} == {StorageUnavailable}
    assert waited < 3 * TIMEOUT_MS / 1000 + 1


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
from precog.storage.engine import SqliteDatabase

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
from precog.storage.engine import SqliteDatabase

if os.geteuid() == 0:
    os.seteuid(65534)
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


def test_only_its_owner_may_read_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "precog.sqlite3"
    db = open_database(str(path))
    migrate.prepare(db, now=0)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    db.close()
    assert set(modes.values()) == {0o600}
