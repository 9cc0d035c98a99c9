"""The parts of Precog know only what they may know, and nothing happens when they are imported."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import precog
from tests.live import clean_environment

ROOT = Path(precog.__file__).parent

# Imports point one way: app -> precog -> surfaces, dashboard, cli -> core -> storage, detection -> errors.
MAY_IMPORT = {
    "errors": set(),
    "config": {"errors"},
    "logs": set(),
    "memory": set(),
    "storage": {"errors"},
    "detection": {"errors"},
    "core": {"storage", "detection", "errors"},
    "surfaces": {"core", "config", "errors"},
    "dashboard": {"core", "config", "errors"},
    "application": {"surfaces", "dashboard", "core", "config", "errors"},
    "serving": {"core", "errors"},
    "cli": {"application", "serving", "logs", "memory", "surfaces", "core", "detection", "config", "errors"},
    "__init__": {"application", "core"},
    "__main__": {"cli"},
}
# What each part has from others; the rest may have whatever the package depends on.
THIRD_PARTY = {
    "errors": set(),
    "config": set(),
    "logs": {"orjson"},
    "memory": set(),
    "storage": {"psycopg", "psycopg_pool"},
    "core": {"cryptography", "iso4217", "itsdangerous", "jwt", "orjson", "rfc8785", "snowballstemmer"},
}
DRIVERS = {"sqlite3", "psycopg", "psycopg_pool"}
WEB = {"http", "urllib", "wsgiref", "socket"}
VENDOR = re.compile(r"(?i:precogx|agilityos|certusordo|certusrodo)|AgentID|agentid|AGENTID")
PLATFORM = re.compile(r"(?i)flowise|dify|n8n")

MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def part(module: str) -> str:
    """The top-level module or folder that a file belongs to."""
    return module.split("/")[0].removesuffix(".py")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text("utf-8"))


def imported(module: str) -> Iterator[str]:
    """The absolute names of what a file imports, wherever in it that stands."""
    package = ["precog", *module.split("/")[:-1]]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def of_ours(module: str) -> Iterator[list[str]]:
    """The parts of the names of what a file imports of this package."""
    for name in imported(module):
        names = name.split(".")
        if names[0] == "precog":
            yield names[1:]


def of_others(module: str) -> set[str]:
    """The packages that a file imports, but for the standard library and ours."""
    return {name.split(".")[0] for name in imported(module)} - {"precog"} - sys.stdlib_module_names


def test_the_search_for_imports_finds_them() -> None:
    assert ["errors", "StorageUnavailable"] in list(of_ours("storage/sqlite.py"))
    assert ["core", "telemetry"] in list(of_ours("surfaces/management/routes.py"))
    assert ["application", "build"] in list(of_ours("__init__.py"))
    assert "psycopg" in of_others("storage/postgres.py")
    assert {part(module) for module in MODULES} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    here = part(module)
    reached = {names[0] for names in of_ours(module)} - {here}
    assert reached <= MAY_IMPORT[here]


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("surfaces/")])
def test_surfaces_do_not_know_each_other(module: str) -> None:
    surfaces = {path.name for path in (ROOT / "surfaces").iterdir() if (path / "__init__.py").exists()}
    own = module.split("/")[1]
    reached = {names[1] for names in of_ours(module) if names[0] == "surfaces" and len(names) > 1}
    assert reached & surfaces <= {own}


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) in THIRD_PARTY])
def test_what_is_inside_leans_on_little(module: str) -> None:
    assert of_others(module) <= THIRD_PARTY[part(module)]


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) in ("storage", "core")])
def test_what_is_inside_knows_no_web(module: str) -> None:
    assert not {name.split(".")[0] for name in imported(module)} & WEB


def test_only_a_databases_own_file_names_its_driver() -> None:
    naming = {module for module in MODULES if {name.split(".")[0] for name in imported(module)} & DRIVERS}
    assert naming == {"storage/postgres.py", "storage/sqlite.py"}


def test_only_config_reads_the_environment() -> None:
    assert {module for module in MODULES if "environ" in attributes_of("os", module)} == {"config.py"}


def attributes_of(name: str, module: str) -> set[str]:
    """What a file uses of a module that it imports."""
    return {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (
            VENDOR,
            r"surfaces/(telemetry|guard|callers|identities)/.+|surfaces/key_kinds\.py|cli/.+|application\.py",
        ),
        (PLATFORM, r"surfaces/telemetry/.+"),
    ],
)
def test_a_vendors_word_stands_in_its_surface_alone(words: re.Pattern[str], where: str) -> None:
    spoken = {module for module in MODULES if words.search((ROOT / module).read_text("utf-8"))}
    assert spoken
    assert [module for module in sorted(spoken) if not re.fullmatch(where, module)] == []


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_says_what_it_is(module: str) -> None:
    top = tree(module)
    public = [
        node
        for node in top.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    ]
    assert [getattr(node, "name", module) for node in (top, *public) if not ast.get_docstring(node)] == []


IMPORT_ALL = """
import importlib, logging, os, pkgutil, sys, threading

opened = []
sys.addaudithook(lambda event, arguments: event == "open" and opened.append(arguments))
import precog
names = [found.name for found in pkgutil.walk_packages(precog.__path__, "precog.")]
for name in names:
    if name != "precog.__main__":
        importlib.import_module(name)

here = os.getcwd()
mine = [path for path, *_ in opened if isinstance(path, str) and os.path.abspath(path).startswith(here)]
to_write = os.O_WRONLY | os.O_RDWR
written = [path for path, mode, flags in opened if flags & to_write and ".pyc" not in str(path)]
assert len(names) > 30, names
assert not mine, mine
assert not written, written
assert threading.active_count() == 1, threading.enumerate()
assert not logging.getLogger().handlers
assert os.listdir(here) == ["instance"]
"""


def test_what_few_need_is_not_imported_before() -> None:
    seldom = "{'cryptography', 'jwt', 'numpy', 'snowballstemmer'}"
    code = f"import sys, precog.application, precog.cli; print({seldom} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "config.py").write_text("raise SystemExit('was read')")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(IMPORT_ALL)],
        cwd=tmp_path,
        env={**clean_environment(), "PRECOG_SECRET_KEY": "short", "PRECOG_DATABASE": "nonsense://"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
