"""A SQLite file in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from precog.storage import migrate
from precog.storage.sqlite import SqliteDatabase
from tests.storage.notes import names, note


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "precog.sqlite3"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteDatabase]:
    """It has a writer, a reader that waits to be used again, and one note."""
    db = SqliteDatabase(path)
    migrate.prepare(db, now=0)
    note(db, "first")
    names(db)
    yield db
    db.close()
