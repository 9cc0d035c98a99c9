"""The two probes: one for the process, one for whether it can do its work."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient

from precog.storage import engine as storage_engine
from precog.storage import readiness
from precog.storage.engine import Transaction

from .conftest import Sandbox

PROBED = "SELECT probed_at FROM readiness_probes WHERE name = 'readyz'"
NEWER = "INSERT INTO schema_version (version, applied_at) VALUES (9999, 0)"


def ready(client: FlaskClient) -> tuple[int, str]:
    answer = client.get("/readyz")
    return answer.status_code, answer.get_json()["status"]


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """The database while somebody else keeps all others from writing."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE readiness_probes IN ACCESS EXCLUSIVE MODE")
            yield
            other.rollback()
        return
    with contextlib.closing(sqlite3.connect(url, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_a_process_that_answers_is_alive(sandbox: Sandbox) -> None:
    answer = sandbox.app.test_client().get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "alive"})


def test_readiness_is_a_write_that_worked(sandbox: Sandbox) -> None:
    for _ in range(2):
        sandbox.clock.advance(1)
        assert ready(sandbox.app.test_client()) == (200, "ready")
        row = sandbox.services.db.read(lambda tx: tx.one(PROBED))
        assert row is not None
        assert row["probed_at"] == sandbox.clock.now


def test_a_locked_database_is_not_ready_until_it_is_let_go(
    make_sandbox: Callable[..., Sandbox], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_engine, "BUSY_TIMEOUT_MS", 50)
    client = make_sandbox(database=database_url).client
    with locked(database_url):
        assert ready(client) == (503, "storage unavailable")
        assert client.get("/healthz").status_code == 200
    assert ready(client) == (200, "ready")


def test_a_deleted_database_is_not_ready(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    client = make_sandbox(database=str(tmp_path / "precog.sqlite3")).client
    assert ready(client) == (200, "ready")
    for file in tmp_path.glob("precog.sqlite3*"):
        file.unlink()
    assert ready(client) == (503, "storage unavailable")
    assert client.get("/healthz").status_code == 200
    assert not (tmp_path / "precog.sqlite3").exists()


def test_an_empty_database_in_place_of_ours_is_not_ready(sandbox: Sandbox, database_url: str) -> None:
    client = sandbox.client
    assert ready(client) == (200, "ready")
    if database_url.startswith("postgresql:"):
        with psycopg.connect(database_url) as other:
            other.execute("DO $$ BEGIN EXECUTE 'DROP SCHEMA ' || current_schema() || ' CASCADE'; END $$")
            other.execute("DO $$ BEGIN EXECUTE 'CREATE SCHEMA ' || current_setting('search_path'); END $$")
    else:
        for file in Path(database_url).parent.glob("precog.sqlite3*"):
            file.unlink()
        Path(database_url).touch()
    assert ready(client) == (503, "storage unavailable")


@pytest.mark.parametrize("change", [NEWER, "DELETE FROM schema_version"])
def test_a_schema_of_another_version_is_not_ready(sandbox: Sandbox, change: str) -> None:
    sandbox.services.db.write(lambda tx: tx.run(change))
    assert ready(sandbox.client) == (503, "storage unavailable")


def test_a_server_that_is_going_down_is_not_ready_though_it_works(sandbox: Sandbox) -> None:
    sandbox.services.draining = True
    assert ready(sandbox.client) == (503, "draining")
    assert sandbox.client.get("/healthz").status_code == 200
    assert sandbox.client.get("/api/v1/usage").status_code == 200


def test_probes_need_no_key_and_take_nothing_from_the_quota(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")
    for path in ("/healthz", "/readyz"):
        answer = sandbox.app.test_client().get(path)
        assert answer.status_code == 200
        assert not [name for name, _ in answer.headers if name.startswith("RateLimit")]
    assert sandbox.client.get("/api/v1/usage").get_json()["requests"]["used"] == 1


def test_a_probe_that_fails_for_a_reason_nobody_foresaw_is_not_ready(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(tx: Transaction, *, now: int) -> None:
        tx.run("INSERT INTO readiness_probes (name) VALUES ('half')")

    monkeypatch.setattr(readiness, "probe", broken)
    assert ready(sandbox.client) == (503, "failed")
