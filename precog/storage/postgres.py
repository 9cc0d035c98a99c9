"""PostgreSQL: pooled connections to a server that many processes share."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Concatenate

from ..errors import ConfigurationError, StorageUnavailable
from . import engine
from .engine import PARAMETER, Forkable, Item, P, Row, T, Transaction, watch_forks
from .jobs import Job, MergeableJob, PatientJob, PostedJob, merged, run_together
from .writer import Writer

if TYPE_CHECKING:
    import psycopg
    import psycopg_pool

log = logging.getLogger(__name__)

ATTEMPTS = 4
ADVISORY_LOCK = 0x50524347


@cache
def to_pyformat(sql: str) -> str:
    """Rewrite ``:name`` as ``%(name)s`` and double ``%``, for psycopg."""

    def swap(match: re.Match[str]) -> str:
        return f"%({match['name']})s" if match["name"] else match[0].replace("%", "%%")

    return PARAMETER.sub(swap, sql)


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


class PostgresDatabase(Forkable):
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
        self._inherited: list[Any] = []
        self._start()
        watch_forks(self)

    def _start(self) -> None:
        self._opening = threading.Lock()
        self._pool: psycopg_pool.ConnectionPool[psycopg.Connection[dict[str, Any]]] | None = None
        self._merger = Writer(self._run_merged, engine.GROUP_LIMIT, name="precog-merger")

    def after_fork_in_child(self) -> None:
        """Begin again."""
        self._inherited.append((self._pool, self._merger))  # kept: closing would end the parent's sessions
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
                    timeout=engine.BUSY_TIMEOUT_MS / 1000,
                    # It waits longer between tries with every try.
                    reconnect_timeout=engine.BUSY_TIMEOUT_MS / 1000,
                    max_waiting=2_000,
                    open=True,
                    name="precog",
                )
            return self._pool

    def write(self, fn: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run("BEGIN", lambda transaction: fn(transaction, *args, **kwargs))

    def write_merged(
        self, fn: Callable[[Transaction, Sequence[Item]], Sequence[T]], item: Item, *, whose: str
    ) -> T:
        # Each alone would wait for the one before it to let go of the row that counts them.
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

    def _submit(self, job: Job) -> None:
        if not self._merger.submit(job):
            raise StorageUnavailable()

    def _run_merged(self, jobs: Sequence[Job]) -> None:
        for together in merged(jobs):
            if len(together) == 1 or not self._run_at_once(together):
                self._run_each(together)

    def _run_at_once(self, together: Sequence[Any]) -> bool:
        """Run jobs in one transaction; False when it was undone and each must be tried alone."""
        try:
            self._run("BEGIN", partial(run_together, together))
        except StorageUnavailable:
            _refuse(together)
        except Exception:
            return False
        return True

    def _run_each(self, jobs: Sequence[Job]) -> None:
        for at, job in enumerate(jobs):
            try:
                self._run("BEGIN", job.run)
            except StorageUnavailable:
                return _refuse(jobs[at:])  # they have waited; each alone would wait as long again
            except Exception as error:
                job.error = error
        return None

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
        give_up_at = time.monotonic() + engine.BUSY_TIMEOUT_MS / 1000
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt(begin, fn)
            except (errors.DeadlockDetected, errors.SerializationFailure) as error:
                if attempt + 1 == ATTEMPTS or time.monotonic() > give_up_at:
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


def _refuse(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.error = StorageUnavailable()


@cache
def _connection_class() -> type[psycopg.Connection[dict[str, Any]]]:
    """A connection that gives up on a server that has fallen silent: libpq would wait for ever."""
    import psycopg

    class ImpatientConnection(psycopg.Connection[dict[str, Any]]):
        def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
            return super().wait(self._bounded(gen), *args, **kwargs)

        def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
            give_up_at = time.monotonic() + 2 * engine.BUSY_TIMEOUT_MS / 1000 + 1  # the server's limit first
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
        f"-c lock_timeout={engine.BUSY_TIMEOUT_MS} -c statement_timeout={2 * engine.BUSY_TIMEOUT_MS} "
        + str(settings.get("options") or "")
    ).strip()
    settings.setdefault("connect_timeout", engine.BUSY_TIMEOUT_MS // 1000)
    settings.setdefault("application_name", "precog")
    return settings
