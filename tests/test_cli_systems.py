"""`precog systems`: systems and their policies at the command line."""

from __future__ import annotations

import pytest

from .test_cli import ask, refusal, run
from .test_cli import elsewhere as elsewhere  # each test in a folder of its own


@pytest.fixture(autouse=True)
def instance(elsewhere: None) -> None:
    run("init")


def test_a_system_is_made_and_listed() -> None:
    made = ask("systems", "create", "desk")
    assert made.keys() == {"id", "organization", "name", "created_at"}
    assert [one["name"] for one in ask("systems", "list")["systems"]] == ["default", "desk"]
    assert f"{made['id']}  desk" in run("systems", "list").stdout
    assert run("systems", "create", "shop").stdout.endswith("  shop\n")


def test_a_policy_is_shown_by_name_and_by_id() -> None:
    by_name = ask("systems", "policy", "default")
    assert (by_name["version"], by_name["block_toxicity"]) == (1, False)
    assert ask("systems", "policy", by_name["system_id"]) == by_name
    shown = run("systems", "policy", "default").stdout
    assert shown.startswith(f"{by_name['system_id']}  default\n")
    assert ["block_toxicity", "false"] in [line.split() for line in shown.splitlines()]


def test_several_settings_become_one_version() -> None:
    changes = [
        "block_toxicity=true",
        "failure_mode=fail_close",
        "expected_languages=en, pt-BR",
        "thresholds.jailbreak.block=0.9",
        'thresholds.toxicity={"review":0.1,"block":0.2}',
        "rate_limits.per_second=5",
    ]
    settings = [word for change in changes for word in ("--set", change)]
    changed = ask("systems", "policy", "default", *settings)
    assert (changed["version"], changed["updated_by"]) == (2, None)
    assert (changed["block_toxicity"], changed["failure_mode"]) == (True, "fail_close")
    assert changed["expected_languages"] == ["en", "pt-BR"]
    assert changed["thresholds"] == {
        "jailbreak": {"review": 0.4, "block": 0.9},
        "toxicity": {"review": 0.1, "block": 0.2},
    }
    assert changed["rate_limits"] == {"per_second": 5, "per_minute": None}
    again = ask("systems", "policy", "default", "--set", "thresholds.jailbreak.review=0.3")
    assert again["thresholds"]["jailbreak"] == {"review": 0.3, "block": 0.9}


def test_the_history_shows_every_version() -> None:
    run("systems", "policy", "default", "--set", "masking=true")
    found = ask("systems", "policy", "default", "--history")["versions"]
    assert [(one["version"], one["masking"]) for one in found] == [(2, True), (1, False)]
    shown = run("systems", "policy", "default", "--history").stdout
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("  version")] == ["2", "1"]


def test_of_several_organizations_one_is_named() -> None:
    other = ask("org", "create", "Other")["id"]
    for command in (("list",), ("create", "desk"), ("policy", "default")):
        refused = run("systems", *command)
        assert (refused.exit_code, "name one with --org" in refused.stderr) == (2, True)
    made = ask("systems", "create", "desk", "--org", other)
    assert made["organization"] == other
    assert ask("systems", "policy", "desk", "--org", other)["system_id"] == made["id"]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("list --org nobody", "There is no such organization."),
        ("create default", "The system exists already."),
        ("policy nothing", "There is no such system."),
        ("policy default --set blok=true", "blok: expected a field that exists."),
        ("policy default --set masking=yes", "masking: expected boolean."),
        ("policy default --set thresholds.jailbreak.block=2", None),
        ("policy default --set thresholds.jailbreak.review=0.9", None),
        ("policy default --set thresholds.rudeness.block=1", None),
        ("policy default --set thresholds=1", "thresholds: expected object."),
        ("policy default --set version=9 --set masking=true", "The current version is 1."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(command: str, sentence: str | None) -> None:
    said = refusal("systems", *command.split())
    assert said == sentence if sentence else "expected" in said
    assert ask("systems", "policy", "default")["version"] == 1


@pytest.mark.parametrize(
    "settings", ["masking", "=", "thresholds=1 thresholds.jailbreak.block=1", "masking=true masking.x=1"]
)
def test_a_setting_in_another_form_is_refused(settings: str) -> None:
    words = [word for setting in settings.split() for word in ("--set", setting)]
    assert run("systems", "policy", "default", *words).exit_code in (1, 2)
    assert ask("systems", "policy", "default")["version"] == 1
