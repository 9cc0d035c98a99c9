"""What only PostgreSQL can do to us: go away, fall silent, deadlock, and ask for another attempt."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from precog.errors import StorageUnavailable
from precog.storage import engine as engine_module
from precog.storage import migrate
from precog.storage.engine import Transaction
from precog.storage.postgres import ATTEMPTS, PostgresDatabase
from tests.live import free_port
from tests.parallel import in_threads

psycopg = pytest.importorskip("psycopg")

TIMEOUT_MS = 1_000
ONE_WAIT_MS = 1.9 * TIMEOUT_MS  # two are too many; what is more than one is for a machine that is busy


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """These tests are PostgreSQL's alone."""
    from tests.conftest import POSTGRES

    if not POSTGRES:
        pytest.skip("PRECOG_TEST_POSTGRES names no server")
    return str(request.param)


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", TIMEOUT_MS)


@contextlib.contextmanager
def opened(url: str, **options: Any) -> Iterator[PostgresDatabase]:
    db = PostgresDatabase(url, **options)
    yield db
    db.close()


@contextlib.contextmanager
def refusing_within(ms: float) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        yield
    assert time.monotonic() - began < ms / 1000


def again_within(calls: int, fn: Callable[[], None]) -> None:
    """Call until it is not refused; each refused call waited for a while."""
    for _ in range(calls - 1):
        with contextlib.suppress(StorageUnavailable):
            return fn()
    fn()


NOTE = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)"
TOUCH = "UPDATE readiness_probes SET probed_at = probed_at + 1 WHERE name = :name"


def note(tx: Transaction, name: str) -> None:
    tx.run(NOTE, name=name)


def touches(tx: Transaction) -> dict[str, int]:
    return {row["name"]: row["probed_at"] for row in tx.all("SELECT * FROM readiness_probes")}


class Wire:
    """Stands between a database and its server, and can be cut or fall silent."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._silent = False
        self.port = free_port()
        self.mend()

    def mend(self) -> None:
        self._silent = False
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        for end in (self._door, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def fall_silent(self) -> None:
        self._silent = True

    def _accept(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours = door.accept()[0]
                theirs = socket.create_connection(self._target)
                self._open += [ours, theirs]
                threading.Thread(target=self._carry, args=(ours, theirs), daemon=True).start()

    def _carry(self, ours: socket.socket, theirs: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                for end in select.select([ours, theirs], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    if not self._silent:
                        (theirs if end is ours else ours).sendall(data)


@pytest.fixture
def wire(database_url: str) -> Iterator[Wire]:
    at = urlsplit(database_url)
    made = Wire(at.hostname or "127.0.0.1", at.port or 5432)
    yield made
    made.cut()


@pytest.fixture
def wired(wire: Wire, database_url: str) -> Iterator[PostgresDatabase]:
    """A database in use, over the wire."""
    at = urlsplit(database_url)
    netloc = f"{at.netloc.rpartition('@')[0]}@127.0.0.1:{wire.port}"
    with opened(at._replace(netloc=netloc).geturl()) as db:
        migrate.prepare(db, now=0)
        db.write(note, "first")
        yield db


def test_a_server_that_is_not_there_refuses() -> None:
    with opened(f"postgresql://somebody@127.0.0.1:{free_port()}/nothing") as db:
        with refusing_within(ONE_WAIT_MS):
            db.read(touches)


def test_a_server_that_goes_away_refuses_until_it_is_back(wire: Wire, wired: PostgresDatabase) -> None:
    wire.cut()
    with refusing_within(ONE_WAIT_MS):
        wired.write(note, "lost")
    for _ in range(4):  # however long it is away, nobody waits longer for it
        with refusing_within(ONE_WAIT_MS):
            wired.read(touches)
    wire.mend()
    again_within(2, lambda: wired.write(note, "behind"))
    assert wired.read(touches).keys() == {"first", "behind"}


def test_a_server_that_falls_silent_refuses(wire: Wire, wired: PostgresDatabase) -> None:
    wire.fall_silent()
    with refusing_within(2 * TIMEOUT_MS + 2_000):
        wired.write(note, "lost")
    wire.cut()
    wire.mend()
    again_within(3, lambda: wired.write(note, "behind"))
    assert wired.read(touches).keys() == {"first", "behind"}


END_THE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = :name AND pid <> pg_backend_pid()
"""


def test_a_restarted_server_is_used_again_after_one_refusal(db: PostgresDatabase, database_url: str) -> None:
    name = uuid.uuid4().hex
    gate = threading.Barrier(8)
    with opened(f"{database_url}&application_name={name}") as used:
        in_threads(8, lambda number: used.read(lambda tx: gate.wait(20)))  # eight connections
        assert len(db.write(lambda tx: tx.all(END_THE_OTHERS, name=name))) == 8
        with contextlib.suppress(StorageUnavailable):
            used.write(note, "first")
        used.write(note, "second")
        assert in_threads(8, lambda number: "second" in used.read(touches)) == [True] * 8


def test_a_lock_that_is_held_too_long_refuses_until_it_is_let_go(
    db: PostgresDatabase, database_url: str
) -> None:
    db.write(note, "a")
    with opened(database_url) as waiting:
        with psycopg.connect(database_url) as holder:
            holder.execute("SELECT * FROM readiness_probes FOR UPDATE")
            with refusing_within(ONE_WAIT_MS):
                waiting.write(lambda tx: tx.run(TOUCH, name="a"))
        waiting.write(lambda tx: tx.run(TOUCH, name="a"))
        assert waiting.read(touches) == {"a": 1}


def test_more_callers_than_connections_wait_and_are_refused(database_url: str) -> None:
    with opened(database_url, connections=1) as db:

        def busy(tx: Transaction) -> None:
            with refusing_within(ONE_WAIT_MS):
                db.read(lambda tx: None)

        db.read(busy)
        db.read(lambda tx: None)


def test_a_server_that_may_only_be_read_refuses_writes(database_url: str) -> None:
    with opened(f"{database_url}%20-cdefault_transaction_read_only%3Don") as db:
        with pytest.raises(StorageUnavailable):
            db.write(lambda tx: tx.run("CREATE TABLE a (b BIGINT)"))
        assert db.read(lambda tx: tx.one("SELECT 1 AS one")) == {"one": 1}


def test_who_lost_in_a_deadlock_is_tried_again(
    db: PostgresDatabase, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 10_000)  # the server finds a deadlock within 1 s
    for name in "ab":
        db.write(note, name)
    both = threading.Barrier(2)
    attempts: list[int] = []

    def touch_both(tx: Transaction, number: int) -> None:
        attempts.append(number)
        names = "ab" if number else "ba"
        tx.run(TOUCH, name=names[0])
        if attempts.count(number) == 1:
            both.wait(20)
        tx.run(TOUCH, name=names[1])

    with opened(database_url) as patient:
        assert in_threads(2, lambda number: patient.write(touch_both, number)) == [None, None]
    assert len(attempts) >= 3  # the second attempt may meet the other again
    assert db.read(touches) == {"a": 2, "b": 2}


def test_who_could_not_be_serialized_is_tried_again(db: PostgresDatabase) -> None:
    db.write(note, "a")
    attempts = []

    def touch_what_was_seen(tx: Transaction) -> None:
        tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        attempts.append(touches(tx)["a"])
        if len(attempts) == 1:
            db.write(lambda other: other.run(TOUCH, name="a"))
        tx.run(TOUCH, name="a")

    db.write(touch_what_was_seen)
    assert attempts == [0, 1]
    assert db.read(touches) == {"a": 2}


def test_there_is_an_end_to_attempts(db: PostgresDatabase) -> None:
    attempts = []

    def never(tx: Transaction) -> None:
        attempts.append(tx)
        raise psycopg.errors.SerializationFailure

    with pytest.raises(StorageUnavailable):
        db.write(never)
    assert len(attempts) == ATTEMPTS
