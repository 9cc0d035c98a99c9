"""Where the live server of a whole folder of tests keeps its data: on each kind of database in turn."""

from __future__ import annotations

import pytest

from tests.conftest import POSTGRES
from tests.databases import Schemas

ENGINES = (
    "sqlite",
    pytest.param(
        "postgres", marks=pytest.mark.skipif(not POSTGRES, reason="PRECOG_TEST_POSTGRES names no server")
    ),
)


def database_of(request: pytest.FixtureRequest) -> str | None:
    """The database of a fixture with the parameters ENGINES; None is the instance's own file."""
    if request.param == "sqlite":
        return None
    schemas: Schemas = request.getfixturevalue("schemas")
    return schemas.url(schemas.empty())
