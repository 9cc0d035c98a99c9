"""What a database is to everything above it; knows no table.

All in which the two databases differ stands in `sqlite` and `postgres`: how to connect, how to begin, how
a parameter is written, and which of the driver's errors mean "unavailable" rather than "bug".
"""

from __future__ import annotations

import contextlib
import os
import re
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ..errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

BUSY_TIMEOUT_MS = 4_000  # a group may wait this long for another process, twice at most: under 10 s
GROUP_LIMIT = 256  # functions a commit, so that the first of them does not wait for ever

# A parameter; or what may look like one and is none, and a percent sign, which is one to some driver.
PARAMETER = re.compile(r"'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|--[^\n]*|::|:(?P<name>[a-z_]\w*)|%")


class Undecodable(Exception):
    """A row holds what is no text where one must stand: nothing of ours wrote it, but SQLite keeps it."""


class Row(Protocol):
    """A result row: columns by name."""

    def __getitem__(self, column: str, /) -> Any: ...


class Transaction(Protocol):
    """What storage functions are given; it neither begins nor commits."""

    def one(self, sql: str, /, **params: Any) -> Row | None:
        """The first row, or None."""

    def all(self, sql: str, /, **params: Any) -> Sequence[Row]:
        """All rows."""

    def run(self, sql: str, /, **params: Any) -> int:
        """Run a statement for its effect; how many rows it touched."""

    def savepoint(self) -> contextlib.AbstractContextManager[None]:
        """What happens inside is undone when an exception leaves it."""

    def tables(self) -> set[str]:
        """The names of the tables there are."""

    def lock_schema(self) -> None:
        """Keep every other process from changing the schema until the end of the transaction."""


class Database(Protocol):
    """One database: SQLite or PostgreSQL."""

    name: str

    def write(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of a transaction; return after the commit, or raise with nothing kept.

        The function may be run again when the database asks for it, so it must have no effect
        but on the transaction.
        """

    def write_merged(
        self, fn: Callable[[Transaction, Sequence[Item]], Sequence[T]], item: Item, *, whose: str
    ) -> T:
        """Like write, for a function of many items that gives one result for each.

        Items of one owner, of callers that wait at the same time, may come in one call. When that
        raises, it is undone, and each item comes alone; what is raised then is its own caller's error.
        """

    def write_patiently(
        self,
        fn: Callable[[Transaction, Sequence[Item]], Sequence[T]],
        item: Item,
        *,
        whose: str,
        patience_s: float,
        late: Callable[[Exception | None], None],
    ) -> T:
        """Like write_merged, for a caller who does not wait longer than `patience_s`.

        Raises StorageSlow then, and the write goes on: `late` is called, in another thread, with
        what it raised, or None when it was committed after all.
        """

    def read(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that only reads, on one snapshot."""

    def post(self, fn: Callable[Concatenate[Transaction, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Write soon, without telling the caller whether it worked; a failure is logged."""

    def close(self) -> None:
        """Finish what is queued and let go of every connection; later calls are refused."""


def open_database(url: str) -> Database:
    """The database behind a path, `sqlite:///path` or `postgresql://…`; connects when first used."""
    # Here, since the drivers' modules need this one; and who uses one database loads no other's driver.
    if url.startswith(("postgresql://", "postgres://")):
        from .postgres import PostgresDatabase

        return PostgresDatabase(url)
    if "://" in url and not url.startswith("sqlite:///"):
        raise ConfigurationError("The database is a file's path, sqlite:///PATH or postgresql://…")
    from .sqlite import SqliteDatabase

    return SqliteDatabase(Path(url.removeprefix("sqlite:///")))


class Forkable:
    """What must do something when the process forks; what is not overridden does nothing."""

    __slots__ = ("__weakref__",)

    def before_fork(self) -> None:
        """In the parent, before."""

    def after_fork_in_parent(self) -> None:
        """In the parent, afterwards."""

    def after_fork_in_child(self) -> None:
        """In the child, where no other thread is and every lock may be held by one that was."""


def watch_forks(thing: Forkable) -> None:
    """Have a thing told of forks for as long as it lives."""
    reference = weakref.ref(thing)

    def tell(what: Callable[[Forkable], None]) -> None:
        alive = reference()
        if alive is not None:
            what(alive)

    os.register_at_fork(
        before=lambda: tell(lambda alive: alive.before_fork()),
        after_in_parent=lambda: tell(lambda alive: alive.after_fork_in_parent()),
        after_in_child=lambda: tell(lambda alive: alive.after_fork_in_child()),
    )
