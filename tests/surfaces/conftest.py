"""For what a surface decides before any storage: an application on one kind of database is enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.conftest import Sandbox
from tests.surfaces.guarding import client_of


@pytest.fixture
def sqlite_sandbox(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Sandbox:
    return make_sandbox(database=str(tmp_path / "alone.sqlite3"))


@pytest.fixture
def sqlite_client(sqlite_sandbox: Sandbox) -> FlaskClient:
    return sqlite_sandbox.client


@pytest.fixture
def guarded(sandbox: Sandbox) -> FlaskClient:
    """A client of the sandbox that sends its first system's key."""
    return client_of(sandbox)


@pytest.fixture
def alone(sqlite_sandbox: Sandbox) -> FlaskClient:
    """The same, on one kind of database."""
    return client_of(sqlite_sandbox)
