"""Connections and transactions on SQLite and PostgreSQL; knows no table.

Everything in which the two databases differ stands here: how to connect, how to begin, how a
parameter is written, and which of the driver's errors mean "unavailable" rather than "bug".
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from ..errors import ConfigurationError, DatabaseRefused, StorageUnavailable
from .writer import Job, MergeableJob, PostedJob, Writer, merged, run_together

if TYPE_CHECKING:
    import psycopg
    import psycopg_pool

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

APPLICATION_ID = 0x50524347  # "PRCG", in the header of every SQLite file of ours
BUSY_TIMEOUT_MS = 4_000  # a group may wait this long for another process, twice at most: under 10 s
GROUP_LIMIT = 256  # functions a commit, so that the first of them does not wait for ever

POSTGRES_ATTEMPTS = 4
ADVISORY_LOCK = 0x50524347


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

    def write_merged(self, fn: Callable[[Transaction, Sequence[Item]], Sequence[T]], item: Item) -> T:
        """Like write, for a function of many items that gives one result for each.

        Items of callers that wait at the same time may come in one call. When that raises, it is
        undone, and each item comes alone; what is raised then is its own caller's error.
        """

    def read(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that only reads, on one snapshot."""

    def post(self, fn: Callable[Concatenate[Transaction, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Write soon, without telling the caller whether it worked; a failure is logged."""

    def close(self) -> None:
        """Finish what is queued and let go of every connection; later calls are refused."""


def open_database(url: str) -> Database:
    """The database behind a path, `sqlite:///path` or `postgresql://…`; connects when first used."""
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresDatabase(url)
    if "://" in url and not url.startswith("sqlite:///"):
        raise ConfigurationError("The database is a file's path, sqlite:///PATH or postgresql://…")
    return SqliteDatabase(Path(url.removeprefix("sqlite:///")))


def is_whole(statement: str) -> bool:
    """Whether the text ends with the semicolon that ends a statement, and not one in a string or comment."""
    return sqlite3.complete_statement(statement)


def _start_anew_after_fork(db: SqliteDatabase | PostgresDatabase) -> None:
    """A forked child must not touch its parent's connections or wait for a thread it has not got."""
    reference = weakref.ref(db)

    def in_child() -> None:
        inherited = reference()
        if inherited is not None:
            inherited.after_fork()

    os.register_at_fork(after_in_child=in_child)


# --- SQLite ---------------------------------------------------------------------------------

_CURABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOTADB,  # another file was put in the place of ours
}


def _curable(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CURABLE


def _kept(connection: sqlite3.Connection, run: Callable[..., None], *arguments: Any) -> Exception | None:
    """Run a part of a transaction; what it raised, and then nothing of it is kept."""
    connection.execute("SAVEPOINT job")
    failed: Exception | None = None
    try:
        run(*arguments)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite gave up the whole transaction (disk full, I/O): nobody's work is kept
        connection.execute("ROLLBACK TO job")
        curable = isinstance(error, sqlite3.Error) and _curable(error)
        failed = StorageUnavailable() if curable else error
    connection.execute("RELEASE job")
    return failed


class SqliteTransaction:
    """A transaction on one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def one(self, sql: str, /, **params: Any) -> Row | None:
        row: Row | None = self._execute(sql, params).fetchone()
        return row

    def all(self, sql: str, /, **params: Any) -> Sequence[Row]:
        return self._execute(sql, params).fetchall()

    def run(self, sql: str, /, **params: Any) -> int:
        return self._execute(sql, params).rowcount

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        self._execute("SAVEPOINT inner_part")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK TO inner_part")
            self._execute("RELEASE inner_part")
            raise
        self._execute("RELEASE inner_part")

    def tables(self) -> set[str]:
        return {row["name"] for row in self.all("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def lock_schema(self) -> None:
        """BEGIN IMMEDIATE has done so already."""


class SqliteDatabase:
    """A SQLite file: one connection that writes in groups, and others that read."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._closed = False
        self._start()
        _start_anew_after_fork(self)

    def _start(self) -> None:
        self._idle: deque[tuple[sqlite3.Connection, tuple[int, int]]] = deque()
        self._writing: tuple[sqlite3.Connection, tuple[int, int]] | None = None
        self._writer = Writer(self._run_group, GROUP_LIMIT, name="precog-writer")

    def after_fork(self) -> None:
        """Begin again in a child."""
        self._inherited = (self._idle, self._writing, self._writer)  # kept, since closing would unlock files
        self._start()

    def create(self) -> None:
        """Make the file when there is none, with what can only be set at creation.

        Raises DatabaseRefused for a file that is not ours.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # It will hold prompts. Only when it is new: to close a file that SQLite has open unlocks it.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with contextlib.closing(self._connect("rwc")) as connection:
                self._claim(connection)
        except OSError as error:
            raise DatabaseRefused(f"{self.path.parent} cannot be made: {error.strerror}.") from error
        except sqlite3.DatabaseError as error:
            if _curable(error) and error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise StorageUnavailable() from error
            raise DatabaseRefused(f"{self.path} is not a SQLite database.") from error

    def _claim(self, connection: sqlite3.Connection) -> None:
        # In this order: whoever creates the file at the same time marks it before there are tables.
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        if mark == APPLICATION_ID:
            return
        if tables or mark:
            raise DatabaseRefused(f"{self.path} is a SQLite database of another program; it was left alone.")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.row_factory = sqlite3.Row
        try:
            for setting in ("foreign_keys = ON", "synchronous = FULL", "cache_size = -16384"):
                connection.execute(f"PRAGMA {setting}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _identity(self) -> tuple[int, int]:
        # A deleted file would go on taking writes that nobody will ever read.
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise StorageUnavailable() from error
        return found.st_dev, found.st_ino

    # --- writing

    def write(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        job = Job(fn, args, kwargs)
        self._submit(job)
        result: T = job.wait()
        return result

    def write_merged(self, fn: Callable[[Transaction, Sequence[Item]], Sequence[T]], item: Item) -> T:
        job = MergeableJob(fn, item)
        self._submit(job)
        result: T = job.wait()
        return result

    def post(self, fn: Callable[Concatenate[Transaction, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
        job = PostedJob(fn, args, kwargs)
        try:
            self._submit(job)
        except StorageUnavailable as error:
            job.error = error
            job.finish()

    def _submit(self, job: Job) -> None:
        if self._closed or not self._writer.submit(job):
            raise StorageUnavailable()

    def _run_group(self, jobs: Sequence[Job]) -> None:
        try:
            connection = self._begin_group()
            try:
                self._run_jobs(connection, jobs)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._check_writing()
            if any(isinstance(job.error, StorageUnavailable) for job in jobs):
                self._drop_writing()  # opened while the file was read-only, it would stay so
        except (sqlite3.Error, StorageUnavailable) as error:
            if isinstance(error, sqlite3.Error) and not _curable(error):
                raise
            log.warning("write refused: %s", type(error).__name__)
            self._drop_writing()
            raise StorageUnavailable() from error

    def _begin_group(self) -> sqlite3.Connection:
        identity = self._identity()
        if self._writing is not None and self._writing[1] != identity:
            self._drop_writing()
        if self._writing is None:
            self._drop_idle()  # one opened while the file was read-only would keep this one from writing
            self._writing = (self._connect("rw"), identity)
        connection = self._writing[0]
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _check_writing(self) -> None:
        if self._writing is not None and self._identity() != self._writing[1]:
            raise StorageUnavailable()

    def _drop_writing(self) -> None:
        if self._writing is not None:
            with contextlib.suppress(sqlite3.Error):
                self._writing[0].close()
            self._writing = None

    @staticmethod
    def _run_jobs(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
        transaction = SqliteTransaction(connection)
        for together in merged(jobs):
            if len(together) > 1 and _kept(connection, run_together, together, transaction) is None:
                continue
            for job in together:
                job.error = _kept(connection, Job.run, job, transaction)

    # --- reading

    def read(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise StorageUnavailable()
        try:
            with self._reader() as connection:
                connection.execute("BEGIN")
                try:
                    return fn(SqliteTransaction(connection), *args, **kwargs)
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            if _curable(error):
                raise StorageUnavailable() from error
            raise

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        identity = self._identity()
        try:
            connection, opened_on = self._idle.pop()
            if opened_on != identity:
                connection.close()
                raise IndexError
        except IndexError:
            connection = self._connect("rw")
            connection.execute("PRAGMA query_only = ON")
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._give_back(connection, identity)
            raise
        self._give_back(connection, identity)

    def _give_back(self, connection: sqlite3.Connection, identity: tuple[int, int]) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle.append((connection, identity))

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        self._drop_writing()
        self._drop_idle()

    def _drop_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop()[0].close()


# --- PostgreSQL -----------------------------------------------------------------------------

_TOKENS = re.compile(r"('(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|--[^\n]*|::)|:([a-z_]\w*)|(%)")


@cache
def to_pyformat(sql: str) -> str:
    """Rewrite ``:name`` as ``%(name)s`` and double ``%``, for psycopg."""

    def swap(match: re.Match[str]) -> str:
        kept, name, percent = match.groups()
        if name:
            return f"%({name})s"
        return "%%" if percent else kept.replace("%", "%%")

    return _TOKENS.sub(swap, sql)


class PostgresTransaction:
    """A transaction on one PostgreSQL connection."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection
        self._execute = connection.execute

    def one(self, sql: str, /, **params: Any) -> Row | None:
        return self._execute(to_pyformat(sql), params).fetchone()

    def all(self, sql: str, /, **params: Any) -> Sequence[Row]:
        return self._execute(to_pyformat(sql), params).fetchall()

    def run(self, sql: str, /, **params: Any) -> int:
        return self._execute(to_pyformat(sql), params).rowcount

    def savepoint(self) -> contextlib.AbstractContextManager[Any]:
        return self._connection.transaction()

    def tables(self) -> set[str]:
        rows = self.all("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {row["tablename"] for row in rows}

    def lock_schema(self) -> None:
        self.all("SELECT pg_advisory_xact_lock(:lock)", lock=ADVISORY_LOCK)


class PostgresDatabase:
    """A PostgreSQL database: pooled connections; the server groups the commits."""

    name = "postgres"

    def __init__(self, url: str, *, connections: int = 20) -> None:
        try:
            import psycopg
            import psycopg_pool
        except ImportError as error:
            raise ConfigurationError("PostgreSQL needs the extra: pip install 'precog[postgres]'") from error
        self._psycopg = psycopg
        self._pools = psycopg_pool
        self._connections = connections
        self._settings = _connection_settings(url)
        self._closed = False
        self._start()
        _start_anew_after_fork(self)

    def _start(self) -> None:
        self._opening = threading.Lock()
        self._pool: psycopg_pool.ConnectionPool[psycopg.Connection[dict[str, Any]]] | None = None
        self._merger = Writer(self._run_merged, GROUP_LIMIT, name="precog-merger")

    def after_fork(self) -> None:
        """Begin again in a child."""
        self._inherited = self._pool, self._merger  # kept, since closing would end the parent's sessions
        self._start()

    def _opened(self) -> psycopg_pool.ConnectionPool[psycopg.Connection[dict[str, Any]]]:
        with self._opening:
            if self._closed:
                raise StorageUnavailable()
            if self._pool is None:
                self._pool = self._pools.ConnectionPool(
                    connection_class=_connection_class(),
                    kwargs={"autocommit": True, "row_factory": self._psycopg.rows.dict_row, **self._settings},
                    min_size=1,
                    max_size=self._connections,
                    timeout=BUSY_TIMEOUT_MS / 1000,
                    reconnect_timeout=BUSY_TIMEOUT_MS / 1000,  # it waits longer between tries with every try
                    max_waiting=2_000,
                    open=True,
                    name="precog",
                )
            return self._pool

    def write(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run("BEGIN", lambda transaction: fn(transaction, *args, **kwargs))

    def write_merged(self, fn: Callable[[Transaction, Sequence[Item]], Sequence[T]], item: Item) -> T:
        # Each alone would wait for the one before it to let go of the row that counts them.
        job = MergeableJob(fn, item)
        if not self._merger.submit(job):
            raise StorageUnavailable()
        result: T = job.wait()
        return result

    def _run_merged(self, jobs: Sequence[Job]) -> None:
        for together in merged(jobs):
            if len(together) > 1 and not self._separate(together):
                continue
            for job in together:
                try:
                    self._run("BEGIN", job.run)
                except Exception as error:
                    job.error = error

    def _separate(self, together: Sequence[MergeableJob]) -> bool:
        """Run jobs in one transaction; True when it was undone because each must be tried alone."""
        try:
            self._run("BEGIN", partial(run_together, together))
        except StorageUnavailable:
            for job in together:
                job.error = StorageUnavailable()
        except Exception:
            return True
        return False

    def read(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        return self._run(begin, lambda transaction: fn(transaction, *args, **kwargs))

    def post(self, fn: Callable[Concatenate[Transaction, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
        job = PostedJob(fn, args, kwargs)
        try:
            self.write(fn, *args, **kwargs)
        except Exception as error:
            job.error = error
        job.finish()

    def _run(self, begin: str, fn: Callable[[Transaction], T]) -> T:
        errors = self._psycopg.errors
        for attempt in range(POSTGRES_ATTEMPTS):
            try:
                return self._attempt(begin, fn)
            except (errors.DeadlockDetected, errors.SerializationFailure) as error:
                if attempt + 1 == POSTGRES_ATTEMPTS:
                    raise StorageUnavailable() from error
            except (errors.OperationalError, errors.ReadOnlySqlTransaction) as error:
                log.warning("postgres refused: %s", type(error).__name__)
                raise StorageUnavailable() from error
        raise AssertionError("unreachable")

    def _attempt(self, begin: str, fn: Callable[[Transaction], T]) -> T:
        pool = self._opened()
        with pool.connection() as connection:
            try:
                connection.execute(begin)
                result = fn(PostgresTransaction(connection))
                connection.execute("COMMIT")
            except BaseException:
                if connection.closed:
                    self._forsake(pool)
                else:
                    with contextlib.suppress(self._psycopg.Error):
                        connection.execute("ROLLBACK")
                raise
            return result

    def _forsake(self, pool: psycopg_pool.ConnectionPool[psycopg.Connection[dict[str, Any]]]) -> None:
        """Where one connection has died the idle ones have too: the next caller begins with new ones."""
        with self._opening:
            if self._pool is pool:
                self._pool = None
        pool.close(timeout=0.1)

    def close(self) -> None:
        self._merger.close()
        with self._opening:
            self._closed = True
            if self._pool is not None:
                self._pool.close()
                self._pool = None


@cache
def _connection_class() -> type[psycopg.Connection[dict[str, Any]]]:
    """A connection that gives up on a server that has fallen silent: libpq would wait for ever."""
    import psycopg

    class ImpatientConnection(psycopg.Connection[dict[str, Any]]):
        def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
            return super().wait(self._bounded(gen), *args, **kwargs)

        def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
            give_up_at = time.monotonic() + (2 * BUSY_TIMEOUT_MS) / 1000 + 1  # the server's own limit first
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    if not ready and time.monotonic() > give_up_at:
                        self.pgconn.finish()
                        raise psycopg.OperationalError("the server has fallen silent")
                    wanted = gen.send(ready)
            except StopIteration as end:
                result: T = end.value
                return result

    return ImpatientConnection


def _connection_settings(url: str) -> Mapping[str, Any]:
    """The URL's own settings, with limits on how long anything may take."""
    import psycopg

    try:
        settings: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(url))
    except psycopg.ProgrammingError as error:
        raise ConfigurationError("The PostgreSQL URL cannot be read.") from error
    settings["options"] = (
        f"-c lock_timeout={BUSY_TIMEOUT_MS} -c statement_timeout={2 * BUSY_TIMEOUT_MS} "
        + str(settings.get("options") or "")
    ).strip()
    settings.setdefault("connect_timeout", BUSY_TIMEOUT_MS // 1000)
    settings.setdefault("application_name", "precog")
    return settings
