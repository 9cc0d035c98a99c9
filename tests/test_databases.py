"""What one test leaves in its database, the next one does not find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from precog.storage import organizations
from precog.storage.engine import Transaction, open_database
from tests.conftest import NOW, POSTGRES
from tests.databases import REST, USES, Schema, Schemas, copied

CHANGES = [
    "DROP TABLE readiness_probes",
    "ALTER TABLE readiness_probes ADD COLUMN more BIGINT",
    "CREATE TABLE more (a BIGINT)",
    "UPDATE schema_version SET version = version + 1",
]


@pytest.fixture
def lending() -> Iterator[Schemas]:
    if not POSTGRES:
        pytest.skip("PRECOG_TEST_POSTGRES names no server")
    made = Schemas(POSTGRES, now=NOW)
    yield made
    made.close()


def run(lending: Schemas, schema: Schema, sql: str) -> list[Any]:
    import psycopg

    with psycopg.connect(lending.url(schema.name)) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def lent_again(lending: Schemas, schema: Schema) -> bool:
    """Give a schema back, and look whether it is lent once others have had their turn."""
    lending.take_back(schema)
    found = [lending.lend() for _ in range(REST)]
    for other in found:
        lending.take_back(other)
    return lending.lend().name == schema.name


def add_organization(tx: Transaction) -> None:
    organizations.add(
        tx,
        id="org-1",
        name="Acme",
        plan="FREE",
        agent_limit=1,
        impact_events_per_month=None,
        requests_per_minute=None,
        burst=None,
        created_at=NOW,
    )


def test_a_schema_is_lent_again_without_a_row(lending: Schemas) -> None:
    schema = lending.lend()
    database = open_database(lending.url(schema.name))
    database.write(add_organization)
    database.close()
    run(
        lending,
        schema,
        "INSERT INTO systems (id, organization_id, name, created_at) VALUES ('s', 'org-1', 's', 0)",
    )
    assert lent_again(lending, schema)
    for table in ("organizations", "systems"):
        assert run(lending, schema, f"SELECT * FROM {table}") == []
    assert len(run(lending, schema, "SELECT * FROM schema_version")) == 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_schema_that_was_changed_is_not_lent_again(lending: Schemas, change: str) -> None:
    schema = lending.lend()
    run(lending, schema, change)
    assert not lent_again(lending, schema)


def test_a_schema_that_somebody_still_holds_is_not_lent_again(lending: Schemas) -> None:
    import psycopg

    schema = lending.lend()
    with psycopg.connect(lending.url(schema.name)) as holder:
        holder.execute("LOCK TABLE organizations")
        assert not lent_again(lending, schema)


def test_a_schema_is_not_lent_for_ever(lending: Schemas) -> None:
    schema = lending.lend()
    schema.uses = USES - 1
    assert not lent_again(lending, schema)


def test_a_copy_is_its_own_file(sqlite_template: Path, tmp_path: Path) -> None:
    before = sqlite_template.read_bytes()
    database = open_database(copied(sqlite_template, tmp_path / "copy.sqlite3"))
    database.write(add_organization)
    database.close()
    assert sqlite_template.read_bytes() == before
