"""A database is brought to this version's schema: at once, step by step, by many at a time, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from precog.errors import DatabaseRefused, StorageUnavailable
from precog.storage import migrate
from precog.storage.engine import Database, Transaction, open_database
from precog.storage.migrate import Migration, migrations, prepare, split
from tests.parallel import in_processes

# A first release, and what two later ones made of it.
FIRST = """
CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL);
CREATE TABLE organizations (id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL);
"""
NEWEST = """
CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL);
CREATE TABLE organizations (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, color TEXT);
CREATE TABLE badges (id TEXT NOT NULL PRIMARY KEY);
"""
STEPS = {
    "0002_name.sql": "ALTER TABLE organizations RENAME COLUMN title TO name;",
    "0003_color.sqlite.sql": "ALTER TABLE organizations ADD COLUMN color TEXT;",
    "0003_color.postgres.sql": "ALTER TABLE organizations ADD COLUMN IF NOT EXISTS color TEXT;",
    "0004_badges.sql": "CREATE TABLE badges (id TEXT NOT NULL PRIMARY KEY);\n-- nothing more\n",
}


@pytest.fixture
def empty(empty_url: str) -> Database:
    """A database without a schema."""
    return open_database(empty_url)


@pytest.fixture
def steps(empty: Database, tmp_path: Path) -> list[Migration]:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name, sql in STEPS.items():
        (folder / name).write_text(sql)
    return migrations(empty.name, folder)


@pytest.fixture(autouse=True)
def closed_afterwards(empty: Database) -> object:
    yield
    empty.close()


def catalogue(tx: Transaction) -> dict[str, list[str]]:
    """Every table with its columns."""
    return {name: sorted(columns(tx, name)) for name in sorted(tx.tables())}


def columns(tx: Transaction, table: str) -> list[str]:
    cursor = tx._execute(f"SELECT * FROM {table}")
    return [column[0] for column in cursor.description]


def versions(tx: Transaction) -> list[int]:
    return [row["version"] for row in tx.all("SELECT version FROM schema_version ORDER BY version")]


def test_a_schema_that_is_there_is_left_as_it_is(db: Database) -> None:
    db.write(lambda tx: tx.run("INSERT INTO readiness_probes (name, probed_at) VALUES ('a', 0)"))
    before = db.read(catalogue)
    prepare(db, now=2)
    prepare(db, now=3)
    assert db.read(catalogue) == before
    assert db.read(versions) == [1]
    assert db.read(lambda tx: len(tx.all("SELECT * FROM readiness_probes"))) == 1


def test_the_script_itself_can_be_applied_twice(db: Database) -> None:
    before = db.read(catalogue)
    db.write(lambda tx: [tx.run(statement) for statement in split(migrate.schema_text())])
    assert db.read(catalogue) == before


PREPARE = """
from precog.storage import migrate
from precog.storage.engine import open_database

db = open_database(arguments[0])
if db.name == "postgres":
    db.read(lambda tx: None)  # connected already, so that all begin at once
go()
migrate.prepare(db, now=0)
print(db.read(lambda tx: tx.one("SELECT count(*) AS n FROM schema_version")["n"]))
db.close()
"""


def test_processes_that_create_it_at_once_create_it_once(empty: Database, empty_url: str) -> None:
    assert in_processes(6, PREPARE, empty_url) == ["1\n"] * 6
    empty.read(migrate.require_current)


def test_steps_lead_from_the_first_schema_to_the_newest(empty: Database, steps: list[Migration]) -> None:
    prepare(empty, now=1, schema=FIRST, steps=[])
    empty.write(lambda tx: tx.run("INSERT INTO organizations (id, title) VALUES ('o', 'kept')"))
    prepare(empty, now=2, schema=NEWEST, steps=steps)
    assert empty.read(versions) == [1, 2, 3, 4]
    assert empty.read(lambda tx: dict(tx.one("SELECT * FROM organizations"))) == {
        "id": "o",
        "name": "kept",
        "color": None,
    }
    migrated = empty.read(catalogue)
    empty.write(lambda tx: [tx.run(f"DROP TABLE {table}") for table in migrated])
    prepare(empty, now=3, schema=NEWEST, steps=steps)
    assert empty.read(catalogue) == migrated
    assert empty.read(versions) == [4]


def test_the_real_steps_lead_to_the_real_schema(db: Database) -> None:
    newest = [step.version for step in migrations(db.name)]
    assert newest == list(range(2, 2 + len(newest)))
    assert db.read(versions) == [newest[-1] if newest else migrate.FIRST_VERSION]
    db.read(migrate.require_current)


def test_a_step_that_fails_leaves_nothing_and_those_before_it_stay(
    empty: Database, steps: list[Migration]
) -> None:
    prepare(empty, now=1, schema=FIRST, steps=[])
    broken = Migration(3, "CREATE TABLE half (id BIGINT);\nCREATE TABLE half (id BIGINT);")
    with pytest.raises(Exception, match="half"):
        prepare(empty, now=2, schema=NEWEST, steps=[steps[0], broken])
    assert empty.read(versions) == [1, 2]
    assert "half" not in empty.read(lambda tx: tx.tables())
    prepare(empty, now=3, schema=NEWEST, steps=steps)
    assert empty.read(versions) == [1, 2, 3, 4]


def test_a_schema_that_fails_leaves_nothing(empty: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)syntax"):
        prepare(empty, now=1, schema=FIRST + "\nCREATE NONSENSE;")
    assert empty.read(lambda tx: tx.tables()) == set()
    prepare(empty, now=1)


def test_a_newer_database_is_refused_with_a_sentence(empty: Database, steps: list[Migration]) -> None:
    prepare(empty, now=1, schema=NEWEST, steps=steps)
    before = empty.read(catalogue)
    with pytest.raises(DatabaseRefused, match=r"version 4, this Precog knows 1: use a newer Precog\."):
        prepare(empty, now=2)
    assert empty.read(catalogue) == before


def test_another_programs_tables_are_refused_with_a_sentence(empty: Database) -> None:
    prepare(empty, now=1, schema="CREATE TABLE schema_version (version BIGINT, applied_at BIGINT);")
    empty.write(
        lambda tx: [tx.run("DROP TABLE schema_version"), tx.run("CREATE TABLE organizations (a BIGINT)")]
    )
    with pytest.raises(DatabaseRefused, match=r"tables of another program; it was left alone\."):
        prepare(empty, now=2)
    assert empty.read(lambda tx: tx.tables()) == {"organizations"}


def test_a_schema_of_another_version_is_not_current(db: Database) -> None:
    db.read(migrate.require_current)
    db.write(lambda tx: tx.run("UPDATE schema_version SET version = version + 1"))
    with pytest.raises(StorageUnavailable):
        db.read(migrate.require_current)


def test_a_database_without_a_schema_is_not_current(db: Database) -> None:
    db.write(lambda tx: tx.run("DROP TABLE schema_version"))
    with pytest.raises(StorageUnavailable):
        db.read(migrate.require_current)
