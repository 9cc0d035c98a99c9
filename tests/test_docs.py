"""README.md says what the code does: nothing is missing, nothing is made up, and its examples run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from precog.config import Config
from precog.surfaces.callers.forms import ErrorSchema as CallerErrorSchema
from precog.surfaces.coded import ErrorBodySchema

from .conftest import Sandbox
from .live import Server, clean_environment, precog_json, serving

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

CURLS = [
    block for block in re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "curl" in block
]

SETTINGS = {f"PRECOG_{field.name.upper()}" for field in fields(Config)}
OF_THE_TESTS = {"PRECOG_TEST_POSTGRES", "PRECOG_POSTGRES_DIR", "PRECOG_CLIENTS"}
CODES = set(ErrorBodySchema().fields["code"].metadata["enum"])
# Nothing is forbidden to outside callers, nor in conflict; that API has a word for it all the same.
CALLER_CODES = set(CallerErrorSchema().fields["error"].metadata["enum"]) - {"FORBIDDEN", "CONFLICT"}
API = ("/api/v1/", "/api/public/", "/.well-known/")


def is_named(word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", README) is not None


def test_every_setting_is_named() -> None:
    assert [name for name in sorted(SETTINGS) if not is_named(name)] == []


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\bPRECOG_[A-Z_]*[A-Z]\b", README))
    assert named <= SETTINGS | OF_THE_TESTS


def test_every_error_code_is_named() -> None:
    assert [code for code in sorted(CODES | CALLER_CODES) if not is_named(code)] == []


def routes(sandbox: Sandbox) -> dict[str, re.Pattern[str]]:
    """Each rule of the API, and what it may be called: a part that varies may have any name."""
    found = {}
    for rule in sandbox.app.url_map.iter_rules():
        if rule.rule.startswith(API):
            parts = (re.escape(part) for part in re.split(r"<[^>]*>", rule.rule))
            found[rule.rule] = re.compile(r"[^/\s]+".join(parts) + r"(?![\w/{<.])")
    return found


def test_every_route_is_named(make_sandbox: Callable[..., Sandbox]) -> None:
    missing = [rule for rule, called in routes(make_sandbox()).items() if not called.search(README)]
    assert missing == []


def test_every_route_that_is_named_exists(make_sandbox: Callable[..., Sandbox]) -> None:
    known = routes(make_sandbox()).values()
    named = re.findall(r"(?:/api/v1|/api/public|/\.well-known)/[^\s`'\"?)|\\]+", README)
    made_up = [path for path in named if not any(one.match(path.rstrip(".,;:")) for one in known)]
    assert made_up == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    instance = tmp_path_factory.mktemp("readme") / "instance"
    keys = precog_json("init", instance=instance)["keys"]
    with serving(instance) as running:
        yield running, keys


def test_there_are_examples() -> None:
    assert EXAMPLES
    assert CURLS


def as_run(text: str, server: tuple[Server, dict[str, str]]) -> str:
    """The text with the test's server and keys in place of the printed ones."""
    running, keys = server
    text = text.replace("http://127.0.0.1:8700", running.url)
    for prefix, key in (("px_live_", keys["precogx"]), ("sk_live_", keys["agentid"])):
        text = re.sub(prefix + r"[\w.…]+", key, text)
    return text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("number", range(len(CURLS)))
def test_a_curl_line_works(number: int, server: tuple[Server, dict[str, str]]) -> None:
    lines = as_run(CURLS[number], server).replace("curl -s", "curl -s --fail-with-body -o /dev/stderr")
    lines = re.sub(r"^precog ", f"{sys.executable} -m precog ", lines, flags=re.MULTILINE)
    environment = {**clean_environment(), "PRECOG_INSTANCE": str(server[0].log.parent)}
    done = subprocess.run(
        ["sh", "-e", "-c", lines], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number: int, server: tuple[Server, dict[str, str]], tmp_path: Path) -> None:
    """As it is printed, but that the server and the key are those of the test, and that nothing serves."""
    (tmp_path / "sitecustomize.py").write_text(
        "import werkzeug.serving\nwerkzeug.serving.run_simple = lambda *args, **kwargs: None\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", as_run(EXAMPLES[number], server)],
        cwd=tmp_path,
        env={**clean_environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
