"""What every test may ask for: a database of each kind, a clock that it sets, an application on both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from precog import create_app
from precog.core import administration
from precog.core.administration import FirstStart, KeyRequest
from precog.core.services import Services
from precog.storage.engine import Database, open_database
from precog.surfaces.key_kinds import first_keys
from tests.databases import Schemas, copied, prepared

POSTGRES = os.environ.get("PRECOG_TEST_POSTGRES")
NOW = 1_768_473_000_000  # 2026-01-15T10:30:00Z, the beginning of a minute
PEPPER = "a pepper for tests"

# How long an example takes says how busy the machine is; what hangs runs into the test's own timeout.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


class SetClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, ms: int) -> None:
        self.now += ms


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgres",
            marks=pytest.mark.skipif(not POSTGRES, reason="PRECOG_TEST_POSTGRES names no server"),
        ),
    ]
)
def engine(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on each kind of database."""
    return str(request.param)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "precog.sqlite3"
    prepared(str(path), now=NOW)
    return path


@pytest.fixture(scope="session")
def schemas() -> Iterator[Schemas]:
    """PostgreSQL schemas to be lent, in a database that is this process's alone."""
    assert POSTGRES is not None
    made = Schemas(POSTGRES, now=NOW)
    yield made
    made.close()


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a database is that has the schema and nothing else: a file, or a PostgreSQL schema."""
    if engine == "sqlite":
        yield copied(request.getfixturevalue("sqlite_template"), tmp_path / "precog.sqlite3")
        return
    schemas: Schemas = request.getfixturevalue("schemas")
    lent = schemas.lend()
    yield schemas.url(lent.name)
    schemas.take_back(lent)


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a database may be made: no file yet, or a PostgreSQL schema with nothing in it."""
    if engine == "sqlite":
        yield str(tmp_path / "empty.sqlite3")
        return
    schemas: Schemas = request.getfixturevalue("schemas")
    name = schemas.empty()
    yield schemas.url(name)
    schemas.drop(name)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty database with the schema, of each kind that the service runs on."""
    database = open_database(database_url)
    yield database
    database.close()


@dataclass
class Sandbox:
    """An application on an instance of its own, with its first keys."""

    app: Flask
    first: FirstStart
    clock: SetClock

    @property
    def services(self) -> Services:
        found: Services = self.app.extensions["precog"]
        return found

    @property
    def client(self) -> FlaskClient:
        """A client that sends the first key."""
        client = self.app.test_client()
        client.environ_base["HTTP_X_API_KEY"] = self.first.keys["precogx"].secret
        return client

    @property
    def organization_id(self) -> str:
        return self.first.organization.id

    def set_plan(self, plan: str) -> None:
        administration.set_plan(self.services, self.organization_id, plan)

    def key(self, *scopes: str, organization_id: str | None = None, **fields: Any) -> str:
        """A further key, with all scopes but admin when none is named."""
        request = KeyRequest(kind="precogx", prefix="px_live_", name="test", **fields)
        if scopes:
            request = KeyRequest(
                kind="precogx", prefix="px_live_", name="test", scopes=frozenset(scopes), **fields
            )
        made = administration.create_key(self.services, organization_id or self.organization_id, request)
        return made.secret


@pytest.fixture
def make_sandbox(clock: SetClock, tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Builds sandboxes: `make_sandbox(database=url, **settings)`."""
    made: list[Sandbox] = []

    def make(**settings: Any) -> Sandbox:
        instance = tmp_path / f"instance-{len(made)}"
        # A thread in the background would make the suite slow, and its rows change by themselves.
        settings = {"key_pepper": PEPPER, "background_analysis": False, **settings}
        app = create_app({"instance": instance, **settings}, clock=clock)
        services = app.extensions["precog"]
        made.append(Sandbox(app, administration.first_start(services, first_keys()), clock))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.services.close()


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox], database_url: str) -> Sandbox:
    """One application, on each kind of database."""
    return make_sandbox(database=database_url)


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    """A client of the sandbox that sends its first key."""
    return sandbox.client
