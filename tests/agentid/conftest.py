"""A live server for the whole folder; each test has a user of its own, and leaves no policy behind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import agentid.guard
import pytest

from tests.served import ENGINES, database_of

from .guarded import Guarded, guarded
from .model import Model, serving_model


@pytest.fixture(scope="package", params=ENGINES)
def _server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("agentid") / "instance", database_of(request)) as found:
        yield found


@pytest.fixture
def live(_server: Guarded) -> Iterator[Guarded]:
    """The server, with its system's default policy."""
    mine = replace(_server, user_id=f"user-{uuid.uuid4()}")
    yield mine
    mine.set_policy(**DEFAULTS)


@pytest.fixture
def model() -> Iterator[Model]:
    with serving_model() as found:
        yield found


@pytest.fixture(autouse=True)
def _no_remembered_policy() -> None:
    """The client remembers a system's flags for five minutes, in the whole process."""
    agentid.guard._CONFIG_CACHE.clear()


DEFAULTS = {
    "block_pii_leakage": False,
    "masking": False,
    "shadow_mode": False,
    "failure_mode": "fail_open",
    "inject_transparency_metadata": False,
    "enable_sdk_pii_masking": False,
    "rate_limits": None,
}
