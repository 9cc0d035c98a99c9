"""Finding schema.sql and the steps, and taking a script apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from precog.errors import DatabaseRefused
from precog.storage import migrate
from precog.storage.migrate import migrations, split

CHECKOUT = Path(__file__).parent.parent.parent


def test_each_engine_has_its_own_steps_in_order(tmp_path: Path) -> None:
    names = ("0010_c.sql", "0003_b.sqlite.sql", "0003_b.postgres.sql", "0002_a.sql")
    for name in names:
        (tmp_path / name).write_text(name)
    found = {name: [step.sql for step in migrations(name, tmp_path)] for name in ("sqlite", "postgres")}
    assert found == {
        "sqlite": ["0002_a.sql", "0003_b.sqlite.sql", "0010_c.sql"],
        "postgres": ["0002_a.sql", "0003_b.postgres.sql", "0010_c.sql"],
    }
    assert [step.version for step in migrations("sqlite", tmp_path)] == [2, 3, 10]


@pytest.mark.parametrize("name", ["2_a.sql", "0002.sql", "0002_a.mysql.sql", "words.sql"])
def test_a_step_of_another_name_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DatabaseRefused, match=f"{name} is not named like a migration"):
        migrations("sqlite", tmp_path)


def test_there_need_be_no_steps(tmp_path: Path) -> None:
    assert migrations("sqlite", tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        ("\n-- a comment; no more\n\n", []),
        ("SELECT 1;\n\n-- between\nSELECT 2;\n", ["SELECT 1;", "SELECT 2;"]),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT ';\n;' AS a;\nSELECT 2;", ["SELECT ';\n;' AS a;", "SELECT 2;"]),
        ("SELECT 1 -- one;\n  + 1;", ["SELECT 1 -- one;\n  + 1;"]),
        ('SELECT 1 AS ";";', ['SELECT 1 AS ";";']),
        ("SELECT 1; -- behind\nSELECT 2;", ["SELECT 1; -- behind", "SELECT 2;"]),
    ],
)
def test_a_script_is_taken_apart_where_its_statements_end(script: str, statements: list[str]) -> None:
    assert list(split(script)) == statements


def test_the_schema_of_the_checkout_is_found() -> None:
    assert migrate.schema_text() == (CHECKOUT / "schema.sql").read_text("utf-8")


def test_the_packaged_schema_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "precog" / "storage"
    here.mkdir(parents=True)
    monkeypatch.setattr(migrate, "_HERE", here)
    with pytest.raises(DatabaseRefused, match=r"schema\.sql is missing"):
        migrate.schema_text()
    (tmp_path / "schema.sql").write_text("the checkout's")
    assert migrate.schema_text() == "the checkout's"
    (tmp_path / "precog" / "schema.sql").write_text("the package's")
    assert migrate.schema_text() == "the package's"
