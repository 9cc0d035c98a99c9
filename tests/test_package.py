"""The wheel: all that the service needs at run time, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from .live import clean_environment

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "precog" / "detection" / "corpus"  # to make the classifier from, not to run it


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (built,) = folder.glob("*.whl")
    return built


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def dist_info(wheel: Path) -> str:
    return "-".join(wheel.name.split("-")[:2]) + ".dist-info"


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    package = ROOT / "precog"
    files = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and CORPUS not in path.parents
    }
    assert {"precog/py.typed", "precog/surfaces/templates/docs.html"} <= files
    assert files <= names(wheel)


def test_nothing_but_the_package_is_in_the_wheel(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert tops == {"precog", dist_info(wheel)}
    assert not [name for name in names(wheel) if name.startswith("precog/detection/corpus/")]
    assert not [name for name in names(wheel) if "test" in name or name.endswith((".pyc", ".sqlite3"))]


def test_the_schema_in_the_wheel_is_the_one_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("precog/schema.sql") == (ROOT / "schema.sql").read_bytes()


def test_the_licence_and_its_notice_come_along(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in ("LICENSE", "NOTICE"):
            packed = archive.read(f"{dist_info(wheel)}/licenses/{name}")
            assert packed == (ROOT / name).read_bytes()
        about = message_from_string(archive.read(f"{dist_info(wheel)}/METADATA").decode())
    assert about["License-Expression"] == "Apache-2.0"
    assert about.get_all("Provides-Extra") == ["postgres"]


SERVE_ONCE = """
import json, precog, pathlib
from precog.storage import migrate
app = precog.create_app({"instance": "instance"})
client = app.test_client()
print(json.dumps({
    "package": str(pathlib.Path(precog.__file__).parent),
    "pages": {path: client.get(path).status_code for path in
        ("/readyz", "/api/v1/openapi.json", "/docs", "/docs/settings.js", "/docs/swagger-ui.css")},
}))
app.extensions["precog"].close()
"""


def test_the_wheel_serves_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", SERVE_ONCE],
        cwd=tmp_path,
        env={**clean_environment(), "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["package"] == str(tmp_path / "site" / "precog")
    assert set(told["pages"].values()) == {200}
