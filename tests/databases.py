"""Databases for tests: the tables are made once for many, since making them takes longer than most tests."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from precog.storage import migrate
from precog.storage.engine import open_database

REST = 3  # others have their turn before a schema is lent again, so that whoever still used it is gone
USES = 40  # what was deleted stays in the tables' files, and makes them slower


def prepared(url: str, *, now: int) -> None:
    """Make a database with the tables in it."""
    database = open_database(url)
    migrate.prepare(database, now=now)
    database.close()


@dataclass
class Schema:
    """A PostgreSQL schema with the tables in it."""

    name: str
    mark: object
    clear: str
    uses: int = 0


class Schemas:
    """Lends schemas of a new PostgreSQL database, each without a row when it is lent."""

    def __init__(self, server: str, *, now: int) -> None:
        import psycopg

        self._psycopg = psycopg
        self._server = server
        self._now = now
        self._database = f"test_{uuid.uuid4().hex}"
        self._resting: deque[Schema] = deque()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self._database}"')
        self._connection = self._connected()

    def close(self) -> None:
        """Drop the database, whoever uses it."""
        self._connection.close()
        with self._psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{self._database}" WITH (FORCE)')

    def url(self, schema: str) -> str:
        at = urlsplit(self._server)
        query = f"{at.query}&" if at.query else ""
        return at._replace(
            path=f"/{self._database}", query=f"{query}options=-csearch_path%3D{schema}"
        ).geturl()

    def lend(self) -> Schema:
        """A schema with the tables in it, for one test."""
        while len(self._resting) >= REST:
            schema = self._resting.popleft()
            if schema.uses < USES and self._cleared(schema):
                return schema
            self.drop(schema.name)
        return self._made()

    def take_back(self, schema: Schema) -> None:
        """Keep a schema for another test."""
        schema.uses += 1
        self._resting.append(schema)

    def empty(self) -> str:
        """The name of a new schema with nothing in it."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(f'CREATE SCHEMA "{name}"')
        return name

    def drop(self, name: str) -> None:
        with contextlib.suppress(self._psycopg.errors.LockNotAvailable):  # it goes with the database
            self._run(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')

    def _made(self) -> Schema:
        name = self.empty()
        prepared(self.url(name), now=self._now)
        tables = [row[0] for row in self._run("SELECT tablename FROM pg_tables WHERE schemaname = %s", name)]
        # In one statement, which looks at the references when all of it is done.
        parts = [
            f't{number} AS (DELETE FROM "{name}"."{table}")'
            for number, table in enumerate(tables)
            if table != "schema_version"
        ]
        return Schema(name, self._mark(name), f"WITH {', '.join(parts)} SELECT 1")

    def _cleared(self, schema: Schema) -> bool:
        """Whether the schema has no more than its tables now; False when a test changed or holds them."""
        try:
            self._run(schema.clear)
            return self._mark(schema.name) == schema.mark
        except (self._psycopg.ProgrammingError, self._psycopg.errors.LockNotAvailable):
            return False

    def _mark(self, name: str) -> object:
        """What is another once a table was changed, which writes its row of pg_class anew, or the version."""
        relations = self._run("SELECT oid, xmin FROM pg_class WHERE relnamespace = %s::regnamespace", name)
        return sorted(relations), self._run(f'SELECT * FROM "{name}".schema_version')

    def _run(self, sql: str, *values: Any) -> list[Any]:
        if self._connection.closed:
            self._connection = self._connected()
        cursor = self._connection.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []

    def _connected(self) -> Any:
        options = "-c lock_timeout=500"
        return self._psycopg.connect(self.url("public"), options=options, autocommit=True)


def copied(template: Path, path: Path) -> str:
    """A copy of a SQLite file that nobody has open, with its permissions."""
    return str(shutil.copy(template, path))
