"""The `precog` command: every command in both of its voices, and refusals that are sentences."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from precog import create_app
from precog.cli import main
from precog.core.times import DAY_MS, from_rfc3339
from precog.errors import Unauthenticated

from .live import clean_environment


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in a folder of its own, with no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("PRECOG_"):
            monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ask(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refusal(*arguments: str) -> str:
    """The sentence with which a command is refused."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    return result.stderr.removeprefix("Error: ").strip()


def is_accepted(key: str, **settings: Any) -> bool:
    services = create_app(settings).extensions["precog"]
    try:
        services.authenticator.authenticate(key)
    except Unauthenticated:
        return False
    finally:
        services.close()
    return True


# --- init


def test_init_shows_one_organization_one_system_and_a_key_of_each_kind() -> None:
    made = ask("init")

    assert made.keys() == {"organization", "system", "keys"}
    assert made["organization"] == {
        "id": made["organization"]["id"],
        "name": "Default",
        "plan": "ENTERPRISE",
    }
    assert made["system"] == {"id": made["system"]["id"], "name": "default"}
    prefixes = {"precogx": "px_live_", "agentid": "sk_live_", "certusordo": "aa_"}
    assert made["keys"].keys() == prefixes.keys()
    for kind, key in made["keys"].items():
        assert key.startswith(prefixes[kind])
        assert is_accepted(key)


def test_init_shows_the_keys_as_text_too() -> None:
    shown = run("init").stdout
    keys = [word for word in shown.split() if word.startswith(("px_live_", "sk_live_", "aa_"))]
    assert len(keys) == 3
    assert all(is_accepted(key) for key in keys)


@pytest.mark.parametrize("as_json", [True, False])
def test_init_of_an_instance_that_exists_says_so_and_shows_no_key(as_json: bool) -> None:
    keys = ask("init")["keys"].values()
    again = run("init", *(["--json"] if as_json else []))
    assert again.exit_code == 1
    said = json.loads(again.stdout)["error"] if as_json else again.stdout
    assert said.startswith("The instance exists already")
    assert not any(key in again.output for key in keys)
    assert len(ask("org", "list")["organizations"]) == 1


def test_secrets_are_files_that_only_their_owner_reads() -> None:
    before = os.umask(0)
    try:
        run("init")
    finally:
        os.umask(before)
    for name in ("secret_key", "key_pepper"):
        assert stat.S_IMODE(Path("instance", name).stat().st_mode) == 0o600


# --- where the data is


def test_the_instance_is_an_option_else_the_environment_else_a_folder_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("init")
    assert Path("instance/precog.sqlite3").exists()
    monkeypatch.setenv("PRECOG_INSTANCE", "named")
    run("init")
    assert Path("named/precog.sqlite3").exists()
    run("init", "--instance", "chosen")
    assert Path("chosen/precog.sqlite3").exists()


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
@pytest.mark.parametrize("by_option", [True, False])
def test_the_database_is_a_file_by_option_or_environment(
    prefix: str, by_option: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{prefix}{tmp_path}/else/where.db"
    options = ["--database", url] if by_option else []
    if not by_option:
        monkeypatch.setenv("PRECOG_DATABASE", url)
    made = ask("init", *options)
    assert (tmp_path / "else/where.db").exists()
    assert not Path("instance/precog.sqlite3").exists()
    assert ask("org", "list", *options)["organizations"][0]["id"] == made["organization"]["id"]


@pytest.mark.parametrize("by_option", [True, False])
def test_every_kind_of_database_is_administered_alike(
    database_url: str, by_option: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--database", database_url] if by_option else []
    if not by_option:
        monkeypatch.setenv("PRECOG_DATABASE", database_url)
    organization = ask("init", *options)["organization"]["id"]
    made = ask("keys", "create", "--org", organization, "--kind", "precogx", *options)
    listed = ask("keys", "list", "--org", organization, *options)["keys"]
    assert made["id"] in {key["id"] for key in listed}
    assert is_accepted(made["key"], database=database_url)
    assert run("init", *options).exit_code == 1


# --- organizations


def test_an_organization_is_made_listed_and_put_on_another_plan() -> None:
    made = ask("org", "create", "Acme", "--plan", "professional")
    assert (made["name"], made["plan"]) == ("Acme", "PROFESSIONAL")
    assert made["agents"] == {"used": 0, "limit": 10}

    changed = ask("org", "set-plan", made["id"], "FREE")
    assert (changed["id"], changed["plan"], changed["agents"]["limit"]) == (made["id"], "FREE", 1)
    assert ask("org", "list")["organizations"] == [changed]

    (line,) = run("org", "list").stdout.splitlines()
    assert line.split() == [made["id"], "FREE", "0/1", "agents", "Acme"]
    assert made["id"] in run("org", "set-plan", made["id"], "BUSINESS").stdout
    assert "Beta" in run("org", "create", "Beta").stdout


# --- keys


@pytest.fixture
def organization() -> str:
    return str(ask("init")["organization"]["id"])


def test_a_key_has_what_was_asked_for(organization: str) -> None:
    options = "--name edge --scopes read,telemetry --environment staging --system default --expires-in 2d"
    made = ask("keys", "create", "--org", organization, "--kind", "agentid", *options.split())
    assert made["key"].startswith("sk_live_")
    assert made["display"] == made["key"][:12]
    assert (made["name"], made["environment"]) == ("edge", "staging")
    assert made["scopes"] == ["read", "telemetry"]
    assert made["system"].startswith("sys-")
    assert from_rfc3339(made["expires_at"]) - from_rfc3339(made["created_at"]) == 2 * DAY_MS
    (listed,) = (key for key in ask("keys", "list", "--org", organization)["keys"] if key["name"] == "edge")
    assert listed == {name: value for name, value in made.items() if name != "key"}


def test_a_key_of_a_kind_that_is_bound_to_a_system_gets_the_default_one(organization: str) -> None:
    create = ("keys", "create", "--org", organization, "--kind")
    assert ask(*create, "agentid")["system"] is not None
    assert ask(*create, "precogx")["system"] is None


def test_a_key_can_do_everything_but_administer_unless_told(organization: str) -> None:
    made = ask("keys", "create", "--org", organization, "--kind", "certusordo")
    assert made["scopes"] == ["agents", "guard", "read", "telemetry"]


def test_a_revoked_key_is_refused(organization: str) -> None:
    made = ask("keys", "create", "--org", organization, "--kind", "precogx")
    assert ask("keys", "revoke", made["id"])["revoked_at"] is not None
    assert not is_accepted(made["key"])
    assert "revoked" in run("keys", "list", "--org", organization).stdout


def test_a_rotated_key_works_until_the_overlap_ends(organization: str) -> None:
    old = ask("keys", "create", "--org", organization, "--kind", "precogx", "--name", "edge")
    new = ask("keys", "rotate", old["id"], "--overlap", "1h")
    assert (new["name"], new["scopes"]) == (old["name"], old["scopes"])
    assert is_accepted(old["key"])
    newest = ask("keys", "rotate", new["id"], "--overlap", "0s")
    assert not is_accepted(new["key"])
    assert is_accepted(newest["key"])


def test_keys_are_shown_once_as_text_too(organization: str) -> None:
    shown = run("keys", "create", "--org", organization, "--kind", "precogx").stdout
    key, key_id = shown.split()[-1], shown.split()[0]
    assert is_accepted(key)
    assert key not in run("keys", "list", "--org", organization).output
    successor = run("keys", "rotate", key_id).stdout.split()
    assert is_accepted(successor[-1])
    assert run("keys", "revoke", successor[0]).stdout == "Revoked.\n"
    states = [line.split()[2] for line in run("keys", "list", "--org", organization).stdout.splitlines()]
    assert sorted(states) == ["live", "live", "live", "revoked", "rotated"]


# --- refusals


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("org set-plan nobody FREE", "There is no such organization."),
        ("keys list --org nobody", "There is no such organization."),
        ("keys create --org nobody --kind precogx", "There is no such organization."),
        ("keys create --org {} --kind agentid --system none", "There is no such system."),
        (
            "keys create --org {} --kind precogx --scopes all",
            "scopes: expected some of telemetry, guard, agents, read, admin.",
        ),
        ("keys revoke key-0", "There is no such live key."),
        ("keys rotate key-0", "There is no such key."),
        ("org create \udcff", "An argument is not UTF-8."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(organization: str, command: str, sentence: str) -> None:
    assert refusal(*command.format(organization).split()) == sentence


def test_a_key_that_ended_can_be_neither_revoked_nor_rotated(organization: str) -> None:
    made = ask("keys", "create", "--org", organization, "--kind", "precogx")
    run("keys", "revoke", made["id"])
    for change in ("revoke", "rotate"):
        assert refusal("keys", change, made["id"]) == "There is no such live key."


def test_an_organization_has_a_name() -> None:
    assert refusal("org", "create", " ") == "name: expected at least one visible character."


@pytest.mark.parametrize(
    "command",
    [
        "org create Acme --plan GOLD",
        "keys create --org {} --kind other",
        "keys create --kind precogx",
        "keys create --org {} --kind precogx --expires-in soon",
        "keys create --org {} --kind precogx --expires-in 999999999d",
        "serve --port 70000",
        "nonsense",
    ],
)
def test_a_wrong_option_is_a_usage_error(organization: str, command: str) -> None:
    result = run(*command.format(organization).split())
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def _text(path: Path) -> None:
    path.write_text("not a database, and longer than a header of one hundred bytes" * 3)


@pytest.mark.parametrize(
    ("database", "prepare", "sentence"),
    [
        ("mysql://host/name", None, "The database is a file's path, sqlite:///PATH or postgresql://…"),
        ("text", _text, "{here}/text is not a SQLite database."),
        ("folder", Path.mkdir, "The database cannot be used: it is locked, full, read-only or gone."),
    ],
)
def test_a_database_that_cannot_be_used_is_a_sentence(
    database: str, prepare: Callable[[Path], None] | None, sentence: str, tmp_path: Path
) -> None:
    if prepare is not None:
        prepare(tmp_path / database)
    assert refusal("org", "list", "--database", database) == sentence.format(here=tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("TRUSTED_PROXIES = 'two'", "trusted_proxies is a whole number, 0 or more."),
        ("COLOUR = 'red'", "There is no setting named colour."),
        ("KEY_PEPPER = 'short'", "A secret key or pepper has at least 16 characters."),
        ("this is no Python", "{here}/instance/config.py cannot be read: SyntaxError: "),
    ],
)
def test_a_wrong_setting_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    Path("instance").mkdir()
    Path("instance/config.py").write_text(text)
    assert refusal("org", "list").startswith(sentence.format(here=tmp_path))


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "precog", "keys", "revoke", "key-0", "--instance", str(tmp_path)],
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "Error: There is no such live key.\n")


def test_signing_keys_are_rotated(organization: str) -> None:
    first, second = (ask("keys", "rotate-signing")["kid"] for _ in range(2))
    assert first != second
    shown = run("keys", "rotate-signing").stdout
    assert shown.startswith("Tokens are signed by ")


def test_a_signing_key_that_another_may_know_is_taken_away_at_once(organization: str) -> None:
    kept = ask("keys", "rotate-signing")
    made = ask("keys", "rotate-signing", "--now")
    assert made["kid"] != kept["kid"]
    assert made["signs_from"] < kept["signs_from"]
