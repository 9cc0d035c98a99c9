"""SQLite: one file, one connection that writes for many callers at a time, and others that read."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Concatenate

from ..errors import DatabaseRefused, StorageUnavailable
from . import engine
from .engine import PARAMETER, Forkable, Item, P, Row, T, Transaction, Undecodable, watch_forks
from .jobs import Job, MergeableJob, PatientJob, PostedJob, merged, run_together
from .writer import Writer

log = logging.getLogger(__name__)

APPLICATION_ID = 0x50524347  # "PRCG", in the header of every file of ours


def is_whole(statement: str) -> bool:
    """Whether the text ends with the semicolon that ends a statement, and not one in a string or comment."""
    return sqlite3.complete_statement(statement)


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


def _readable(error: sqlite3.OperationalError) -> Exception:
    """The error; of what cannot be decoded, one that does not repeat it."""
    if hasattr(error, "sqlite_errorcode") or "decode to UTF-8" not in str(error):
        return error
    return Undecodable()


def _kept(connection: sqlite3.Connection, run: Callable[..., None], *arguments: Any) -> Exception | None:
    """Run a part of a transaction; what it raised, and then nothing of it is kept."""
    connection.execute("SAVEPOINT job")
    failed = _failure(connection, "ROLLBACK TO job", run, *arguments)
    connection.execute("RELEASE job")
    return failed


def _failure(
    connection: sqlite3.Connection, undo: str, run: Callable[..., None], *arguments: Any
) -> Exception | None:
    """What running it raised, once that is undone."""
    try:
        run(*arguments)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite gave up the whole transaction (disk full, I/O): nobody's work is kept
        connection.execute(undo)
        curable = isinstance(error, sqlite3.Error) and _curable(error)
        return StorageUnavailable() if curable else error
    return None


@cache
def to_numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Rewrite ``:name`` as ``?1``; and the names in the order of their numbers.

    For each parameter that it binds by name the driver lets go of Python's lock: with other threads
    waiting for it, a statement of a hundred parameters would take its turn a hundred times.
    """
    numbers: dict[str, int] = {}

    def swap(match: re.Match[str]) -> str:
        name: str | None = match["name"]
        return f"?{numbers.setdefault(name, len(numbers) + 1)}" if name else match[0]

    return PARAMETER.sub(swap, sql), tuple(numbers)


class SqliteTransaction:
    """A transaction on one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def one(self, sql: str, /, **params: Any) -> Row | None:
        try:
            row: Row | None = self._run(sql, params).fetchone()
        except sqlite3.OperationalError as error:
            raise _readable(error) from None
        return row

    def all(self, sql: str, /, **params: Any) -> Sequence[Row]:
        try:
            return self._run(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            raise _readable(error) from None

    def run(self, sql: str, /, **params: Any) -> int:
        return self._run(sql, params).rowcount

    def _run(self, sql: str, params: Mapping[str, Any]) -> sqlite3.Cursor:
        numbered, names = to_numbered(sql)
        return self._execute(numbered, [params[name] for name in names])

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        self._execute("SAVEPOINT inner_part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # else SQLite has undone it all by itself
                self._execute("ROLLBACK TO inner_part")
                self._execute("RELEASE inner_part")
            raise
        self._execute("RELEASE inner_part")

    def tables(self) -> set[str]:
        return {row["name"] for row in self.all("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def lock_schema(self) -> None:
        """BEGIN IMMEDIATE has done so already."""


class _Gate:
    """Counts who uses a connection, and keeps newcomers out while the process forks."""

    PATIENCE_S = 5.0  # with one who never leaves; then it forks all the same

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._is_shut = False

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def shut(self) -> None:
        with self._changed:
            self._is_shut = True
            self._changed.wait_for(lambda: self._inside == 0, self.PATIENCE_S)

    def open(self) -> None:
        with self._changed:
            self._is_shut = False
            self._changed.notify_all()


class SqliteDatabase(Forkable):
    """A SQLite file: one connection that writes in groups, and others that read."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._closed = False
        self._start()
        watch_forks(self)

    def _start(self) -> None:
        self._idle: deque[tuple[sqlite3.Connection, tuple[int, int]]] = deque()
        self._writing: tuple[sqlite3.Connection, tuple[int, int]] | None = None
        self._writer = Writer(self._run_group, engine.GROUP_LIMIT, name="precog-writer")
        self._gate = _Gate()
        self._timed_out_at = 0.0
        self._patience_ms = engine.BUSY_TIMEOUT_MS  # of the connection that writes

    def before_fork(self) -> None:
        """Close every connection: SQLite keeps in memory which locks a process has, so that a child
        that inherits an open one believes that it has them, too, and takes none."""
        self._gate.shut()
        self._drop_writing()
        self._drop_idle()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._gate.open()

    def after_fork_in_child(self) -> None:
        """Begin again."""
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
            timeout=engine.BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.row_factory = sqlite3.Row
        try:
            # 6 MB of pages each, since there may be as many connections as threads.
            for setting in ("foreign_keys = ON", "synchronous = FULL", "cache_size = -6144"):
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

    def write_merged(
        self, fn: Callable[[Transaction, Sequence[Item]], Sequence[T]], item: Item, *, whose: str
    ) -> T:
        job = MergeableJob(fn, item, whose=whose)
        self._submit(job)
        result: T = job.wait()
        return result

    def write_patiently(
        self,
        fn: Callable[[Transaction, Sequence[Item]], Sequence[T]],
        item: Item,
        *,
        whose: str,
        patience_s: float,
        late: Callable[[Exception | None], None],
    ) -> T:
        job = PatientJob(fn, item, whose=whose)
        self._submit(job)
        result: T = job.wait_for(patience_s, late)
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
        with self._gate.inside():
            self._run_all(jobs)

    def _run_all(self, jobs: Sequence[Job]) -> None:
        try:
            connection = self._begin_group()
            try:
                if self._run_jobs(connection, jobs):
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
            self._patience_ms = engine.BUSY_TIMEOUT_MS
            # What undoes a part of a transaction would go through a file.
            self._writing[0].execute("PRAGMA temp_store = MEMORY")
        connection = self._writing[0]
        # Who comes right behind those that waited in vain waits a moment only, or a queue of callers
        # would wait one time-out after another.
        patience_ms = 100 if time.monotonic() < self._timed_out_at + 1 else engine.BUSY_TIMEOUT_MS
        if patience_ms != self._patience_ms:
            connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
            self._patience_ms = patience_ms
        self._begin(connection)
        return connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self._timed_out_at = time.monotonic()
            raise

    def _check_writing(self) -> None:
        if self._writing is not None and self._identity() != self._writing[1]:
            raise StorageUnavailable()

    def _drop_writing(self) -> None:
        if self._writing is not None:
            with contextlib.suppress(sqlite3.Error):
                self._writing[0].close()
            self._writing = None

    def _run_jobs(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> bool:
        """Run the jobs; False when that was undone already and there is nothing to commit."""
        transaction = SqliteTransaction(connection)
        parts = merged(jobs)
        if len(parts) == 1:  # there is nobody else's work to keep, and a savepoint is two statements more
            failed = _failure(connection, "ROLLBACK", run_together, jobs, transaction)
            if failed is None or len(jobs) == 1:
                jobs[0].error = failed
                return failed is None
            self._begin(connection)
            parts = [[job] for job in jobs]
        for part in parts:
            failed = _kept(connection, run_together, part, transaction)
            if failed is None or len(part) == 1:
                part[0].error = failed
                continue
            for job in part:
                job.error = _kept(connection, run_together, [job], transaction)
        return True

    # --- reading

    def read(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise StorageUnavailable()
        try:
            with self._gate.inside(), self._reader() as connection:
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
