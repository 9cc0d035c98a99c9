"""`precog callers`: who registered, their tiers, and their end, at the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from precog import create_app
from precog.core import callers
from precog.core.callers import Registration

from .test_cli import ask, refusal, run
from .test_cli import elsewhere as elsewhere  # each test in a folder of its own


@pytest.fixture(autouse=True)
def instance(elsewhere: None) -> None:
    run("init")


@pytest.fixture
def register() -> Callable[..., str]:
    """Registers a caller as a server would; its id."""

    def made(name: str = "Shop Bot", **fields: str) -> str:
        services = create_app({"background_analysis": False}).extensions["precog"]
        try:
            return callers.register(services, Registration(name, **fields), address="").caller.id
        finally:
            services.close()

    return made


def test_who_registered_is_listed(register):
    assert run("callers", "list").stdout == "There is none.\n"
    first, second = sorted([register(), register("Other")])
    assert [one["id"] for one in ask("callers", "list")["callers"]] == [first, second]
    lines = run("callers", "list").stdout.splitlines()
    assert lines[0].split() == ["id", "tier", "registered", "name"]
    assert [line.split()[:2] for line in lines[1:]] == [[first, "standard"], [second, "standard"]]


def test_a_tier_is_given_and_the_history_is_shown(register):
    caller = register(contact_email="bot@example.com")
    assert ask("callers", "tier", caller, "elevated")["requests_per_minute"] == 240
    given = ask("callers", "tier", caller, "partner", "--revenue-share", "12.5")
    assert (given["tier"], given["revenue_share"]) == ("partner", "12.50")
    assert (given["contact_email"], given["revoked_at"]) == ("bot@example.com", None)
    found = ask("callers", "show", caller)
    assert [(one["tier"], one["revenue_share"], one["granted_by"]) for one in found["grants"]] == [
        ("partner", "12.50", None),
        ("elevated", None, None),
    ]
    shown = run("callers", "show", caller).stdout
    assert shown.startswith(f"{caller}\n")
    assert "partner (12.50 %)" in shown
    assert shown.count("by the operator") == 2
    assert "partner (12.50 %)" in run("callers", "list").stdout


def test_a_caller_is_revoked_for_good(register):
    caller = register()
    first = ask("callers", "revoke", caller)["revoked_at"]
    assert first
    assert ask("callers", "revoke", caller)["revoked_at"] == first
    assert "revoked" in run("callers", "list").stdout
    assert refusal("callers", "tier", caller, "elevated") == "There is no such live caller."


def test_what_a_caller_says_of_itself_does_not_talk_to_the_terminal(register):
    caller = register(description="a\x1b[31mred\nline")
    shown = run("callers", "show", caller).stdout
    assert "\x1b" not in shown
    assert r"a\x1b[31mred line" in shown


def test_of_several_organizations_one_is_named(register):
    register()
    other = ask("org", "create", "Other")["id"]
    assert run("callers", "list").exit_code == 2
    assert ask("callers", "list", "--org", other)["callers"] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("show nobody", "There is no such caller."),
        ("revoke nobody", "There is no such caller."),
        ("tier nobody elevated", "There is no such caller."),
        ("tier {} partner", "revenueShare: expected a percentage, for a partner."),
        ("tier {} elevated --revenue-share 5", "revenueShare: expected none, for the tier elevated."),
        (
            "tier {} partner --revenue-share 100.01",
            "revenueShare: expected 0 to 100 percent, with two decimals at most.",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(register, words, sentence):
    caller = register()
    assert refusal("callers", *words.format(caller).split()) == sentence
    assert ask("callers", "show", caller)["tier"] == "standard"
