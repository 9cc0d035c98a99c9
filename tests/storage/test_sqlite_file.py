"""What a SQLite file of ours is like, and whose files are left alone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from pathlib import Path

import pytest

from precog.errors import DatabaseRefused
from precog.storage import migrate
from precog.storage.engine import Transaction, open_database
from precog.storage.sqlite import APPLICATION_ID, SqliteDatabase
from tests.parallel import let_go, process
from tests.storage.notes import note


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


def test_only_its_owner_may_read_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "precog.sqlite3"
    db = open_database(str(path))
    migrate.prepare(db, now=0)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    db.close()
    assert set(modes.values()) == {0o600}
