"""What both databases promise: transactions that are whole, and reads that stand still."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from precog.errors import ConfigurationError, NotFound, PrecogError, StorageUnavailable
from precog.storage import migrate
from precog.storage.engine import Database, Transaction, open_database
from precog.storage.postgres import PostgresDatabase, to_pyformat
from precog.storage.sqlite import SqliteDatabase, to_numbered
from tests.parallel import in_threads, let_go, process

NOTE = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)"


def note(tx: Transaction, name: str, *, error: Exception | None = None) -> str:
    """Write a row, then perhaps fail."""
    tx.run(NOTE, name=name)
    if error is not None:
        raise error
    return name


def names(tx: Transaction) -> list[str]:
    return [row["name"] for row in tx.all("SELECT name FROM readiness_probes ORDER BY name")]


def test_what_was_written_is_read(db: Database) -> None:
    assert db.write(note, "a") == "a"
    assert db.read(names) == ["a"]


def test_run_tells_how_many_rows_it_touched(db: Database) -> None:
    db.write(note, "a")
    change = "UPDATE readiness_probes SET probed_at = 1 WHERE name = :name"
    assert [db.write(lambda tx, name=name: tx.run(change, name=name)) for name in "ab"] == [1, 0]


def test_an_error_reaches_the_caller_and_leaves_nothing(db: Database) -> None:
    with pytest.raises(NotFound, match="thing"):
        db.write(note, "a", error=NotFound("thing"))
    assert db.read(names) == []


def test_an_error_of_the_driver_leaves_nothing(db: Database) -> None:
    def twice(tx: Transaction) -> None:
        note(tx, "a")
        note(tx, "a")

    with pytest.raises(Exception, match=r"(?i)unique"):
        db.write(twice)
    assert db.read(names) == []
    assert db.write(note, "a") == "a"


def test_a_mistake_in_a_statement_is_not_called_unavailable(db: Database) -> None:
    for call in (db.write, db.read):
        with pytest.raises(Exception, match=r"nowhere") as caught:
            call(lambda tx: tx.all("SELECT * FROM nowhere"))
        assert not isinstance(caught.value, PrecogError)


def test_a_savepoint_undoes_only_what_happened_inside(db: Database) -> None:
    def outer(tx: Transaction) -> None:
        note(tx, "before")
        with pytest.raises(NotFound), tx.savepoint():
            note(tx, "undone")
            with tx.savepoint():
                note(tx, "undone too")
            raise NotFound("thing")
        with tx.savepoint():
            note(tx, "inside")
        note(tx, "behind")

    db.write(outer)
    assert db.read(names) == ["before", "behind", "inside"]


def test_an_error_rolls_back_only_the_function_that_raised_it(db: Database) -> None:
    def one(number: int) -> str:
        return db.write(note, f"{number:02}", error=NotFound("thing") if number % 2 else None)

    results = in_threads(16, one)
    assert [isinstance(result, NotFound) for result in results] == [False, True] * 8
    assert db.read(names) == [f"{number:02}" for number in range(0, 16, 2)]


def test_functions_of_one_group_fail_apart(tmp_path: Path) -> None:
    db = SqliteDatabase(tmp_path / "precog.sqlite3")
    migrate.prepare(db, now=0)
    gate = threading.Event()
    db.post(lambda tx: gate.wait(10))  # what is queued behind it becomes one group
    for name in "abc":
        db.post(note, name, error=NotFound("thing") if name == "b" else None)
    gate.set()
    assert db.write(names) == ["a", "c"]
    db.close()


def test_a_posted_write_is_done_and_its_failure_is_nobodys_error(db: Database) -> None:
    db.post(note, "a")
    db.write(note, "b")
    assert db.read(names) == ["a", "b"]


def test_a_read_is_one_snapshot(db: Database) -> None:
    def look(tx: Transaction) -> tuple[list[str], list[str]]:
        earlier = names(tx)
        db.write(note, "meanwhile")
        return earlier, names(tx)

    assert db.read(look) == ([], [])
    assert db.read(names) == ["meanwhile"]


def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(StorageUnavailable):
        db.read(note, "a")
    assert db.read(names) == []


def test_two_databases_in_a_process_do_not_meet(db: Database, tmp_path: Path) -> None:
    other = open_database(str(tmp_path / "other.sqlite3"))
    migrate.prepare(other, now=0)
    db.write(note, "here")
    other.write(note, "there")
    assert db.read(names) == ["here"]
    other.close()
    assert db.write(note, "still here")


def test_a_closed_database_refuses(db: Database) -> None:
    db.write(note, "a")
    db.read(names)
    db.close()
    db.close()
    with pytest.raises(StorageUnavailable):
        db.read(names)
    with pytest.raises(StorageUnavailable):
        db.write(note, "b")
    db.post(note, "b")  # nobody waits for it


# Each ends as a program does, exit handlers and all. The parent was in the middle of handing in a write.
FORKED = """
import os, threading, warnings
warnings.simplefilter("ignore")  # newer Pythons warn of a fork beside threads, which is what is tried here
from precog.storage.engine import open_database
from precog.storage.sqlite import SqliteDatabase

db = open_database(arguments[0])
def note(name):
    db.write(lambda tx: tx.run("INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)", name=name))
def count():
    return db.read(lambda tx: tx.one("SELECT count(*) AS n FROM readiness_probes")["n"])

note("before")
count()
go()
held = db._writer._lock if isinstance(db, SqliteDatabase) else threading.Lock()
held.acquire()
child = os.fork()
if child:
    held.release()
who = "parent" if child else "child"
for number in range(20):
    note(f"{who} {number}")
    assert count() > number
if child:
    assert os.waitpid(child, 0)[1] == 0
    print(count())
"""


def test_a_forked_child_works_while_its_parent_goes_on(db: Database, database_url: str) -> None:
    with process(FORKED, database_url) as parent:
        assert let_go(parent) == "41\n"
    assert len(db.read(names)) == 41


@pytest.mark.parametrize("url", ["/tmp/a.sqlite3", "sqlite:////tmp/a.sqlite3"])
def test_a_path_names_a_sqlite_file(url: str) -> None:
    db = open_database(url)
    assert isinstance(db, SqliteDatabase)
    assert db.path == Path("/tmp/a.sqlite3")


@pytest.mark.parametrize("url", ["postgresql://h/d", "postgres://h/d"])
def test_a_postgres_url_names_a_server_and_connects_to_nothing_yet(url: str) -> None:
    assert isinstance(open_database(url), PostgresDatabase)


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://relative", "postgresql://h/d?nonsense=1"])
def test_another_url_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\.|…"):
        open_database(url)


def test_without_its_driver_postgres_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'precog\[postgres\]'"):
        open_database("postgresql://h/d")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("a = :a AND b = :b_2", "a = %(a)s AND b = %(b_2)s"),
        ("a = ':a' AND b = ':it''s :b'", "a = ':a' AND b = ':it''s :b'"),
        ('":a" = :a', '":a" = %(a)s'),
        ("x::text || :x", "x::text || %(x)s"),
        ("a -- not :b\n= :c", "a -- not :b\n= %(c)s"),
        ("a % 2 = :b", "a %% 2 = %(b)s"),
        ("a LIKE '100%' -- 5%", "a LIKE '100%%' -- 5%%"),
    ],
)
def test_parameters_are_rewritten_for_psycopg(ours: str, theirs: str) -> None:
    assert to_pyformat(ours) == theirs


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        ("a = :a AND b = :b_2", "a = ?1 AND b = ?2", ("a", "b_2")),
        ("a = :b OR c = :a OR d = :b", "a = ?1 OR c = ?2 OR d = ?1", ("b", "a")),
        ("a = ':a' AND \":b\" = :c -- not :d", "a = ':a' AND \":b\" = ?1 -- not :d", ("c",)),
        ("a LIKE '100%' AND b % 2 = 0", "a LIKE '100%' AND b % 2 = 0", ()),
    ],
)
def test_parameters_are_numbered_for_sqlite(ours: str, theirs: str, names: tuple[str, ...]) -> None:
    assert to_numbered(ours) == (theirs, names)


def test_a_parameter_that_is_not_given_is_a_fault(db: Database) -> None:
    with pytest.raises(Exception, match="name"):
        db.write(lambda tx: tx.run(NOTE))
