"""Brings a database to this version's schema: a new one at once, an older one step by step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatabaseRefused, StorageUnavailable
from .engine import Database, Transaction
from .sqlite import SqliteDatabase, is_whole

FIRST_VERSION = 1
_HERE = Path(__file__).parent
_FILE_NAME = re.compile(r"(\d{4})_\w+(?:\.(sqlite|postgres))?\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step from the version before it."""

    version: int
    sql: str


def schema_text() -> str:
    """schema.sql, from the installed package or else from the checkout beside it."""
    for folder in (_HERE.parent, _HERE.parent.parent):
        if (folder / "schema.sql").is_file():
            return (folder / "schema.sql").read_text("utf-8")
    raise DatabaseRefused("schema.sql is missing from the installation.")


def search_text(engine_name: str) -> str:
    """What full-text search needs on this kind of database, where the two cannot share a text."""
    return (_HERE / f"search.{engine_name}.sql").read_text("utf-8")


def migrations(engine_name: str, folder: Path = _HERE / "migrations") -> list[Migration]:
    """The steps for one engine, in order: NNNN_words.sql, or one file an engine."""
    steps = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise DatabaseRefused(f"{path.name} is not named like a migration.")
        if match[2] in (None, engine_name):
            steps.append(Migration(int(match[1]), path.read_text("utf-8")))
    return steps


def prepare(
    db: Database, *, now: int, schema: str | None = None, steps: Sequence[Migration] | None = None
) -> None:
    """Create or upgrade the schema; safe to call from many processes at once.

    Each step and its row in schema_version share a transaction. Raises DatabaseRefused for
    a database of another program or of a newer Precog, StorageUnavailable when it cannot be reached.
    """
    if isinstance(db, SqliteDatabase):
        db.create()
    steps = migrations(db.name) if steps is None else steps
    whole = schema or schema_text() + search_text(db.name)
    db.write(_create_if_new, whole, _newest(steps), now=now)
    for step in steps:
        db.write(_apply, step, now=now)


def require_current(tx: Transaction) -> None:
    """Raise StorageUnavailable unless the schema is the one that this version of the code expects."""
    if "schema_version" not in tx.tables() or _version(tx) != _newest(migrations("sqlite")):
        raise StorageUnavailable()


def _newest(steps: Sequence[Migration]) -> int:
    return max((step.version for step in steps), default=FIRST_VERSION)


def _create_if_new(tx: Transaction, schema: str, newest: int, *, now: int) -> None:
    tx.lock_schema()
    tables = tx.tables()
    if "schema_version" in tables:
        found = _version(tx)
        if found > newest:
            raise DatabaseRefused(
                f"The database has schema version {found}, this Precog knows {newest}: use a newer Precog."
            )
        return
    if "organizations" in tables:
        raise DatabaseRefused("The database has tables of another program; it was left alone.")
    _run_all(tx, schema)
    _record(tx, newest, now)


def _apply(tx: Transaction, step: Migration, *, now: int) -> None:
    tx.lock_schema()
    if _version(tx) >= step.version:
        return
    _run_all(tx, step.sql)
    _record(tx, step.version, now)


VERSION = "SELECT MAX(version) AS version FROM schema_version"


def _version(tx: Transaction) -> int:
    row = tx.one(VERSION)
    return int(row["version"] or 0) if row is not None else 0


RECORD = "INSERT INTO schema_version (version, applied_at) VALUES (:version, :now)"


def _record(tx: Transaction, version: int, now: int) -> None:
    tx.run(RECORD, version=version, now=now)


def _run_all(tx: Transaction, script: str) -> None:
    for statement in split(script):
        tx.run(statement)


def split(script: str) -> Iterator[str]:
    """The statements of a script; a semicolon in a string or comment ends none."""
    statement = ""
    for line in script.splitlines(keepends=True):
        if not statement and (not line.strip() or line.lstrip().startswith("--")):
            continue
        statement += line
        if is_whole(statement):
            yield statement.strip()
            statement = ""
    if statement.strip():
        yield statement.strip()
