"""`precog agents`: agents with keys, listed, stopped and ended at the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from precog import create_app
from precog.core import agents, identities
from precog.core.identities import Wanted
from precog.core.keys import Caller
from precog.core.services import Services

from .identifying import entries
from .test_cli import ask, refusal, run
from .test_cli import elsewhere as elsewhere  # each test in a folder of its own


@pytest.fixture
def key(elsewhere: None) -> str:
    found: str = ask("init")["keys"]["certusordo"]
    return found


@pytest.fixture
def on_server(key: str) -> Callable[[Callable[[Services, Caller], Any]], Any]:
    """Does something as a server on the instance would, by the organization's key."""

    def done(what: Callable[[Services, Caller], Any]) -> Any:
        services = create_app({"background_analysis": False}).extensions["precog"]
        try:
            return what(services, services.authenticator.authenticate(key))
        finally:
            services.close()

    return done


@pytest.fixture
def make(on_server) -> Callable[..., str]:
    """Makes an agent; its id."""

    def made(name: str = "payer", *scopes: str) -> str:
        return on_server(
            lambda here, caller: identities.create(here, caller, Wanted(name, scopes))
        ).identity.id

    return made


@pytest.fixture
def audited(on_server) -> Callable[[], list[tuple[str, Any, Any]]]:
    """The audit entries: event, agent, key."""

    def found(services: Services, caller: Caller) -> list[tuple[str, Any, Any]]:
        return [
            (one.event_type, one.agent_id, orjson.loads(one.metadata)["key_id"])
            for one in entries(services, caller.organization_id)
            if one.event_type.startswith("agent.")
        ]

    return lambda: on_server(found)


def test_agents_are_listed_newest_first_and_by_status(make):
    assert run("agents", "list").stdout == "There is none.\n"
    first, second = make(), make("other")
    ask("agents", "suspend", first)
    assert {one["id"]: one["status"] for one in ask("agents", "list")["agents"]} == {
        second: "active",
        first: "suspended",
    }
    assert [one["id"] for one in ask("agents", "list", "--status", "suspended")["agents"]] == [first]
    head, *lines = run("agents", "list").stdout.splitlines()
    assert head.split() == ["id", "status", "last", "seen", "name"]
    assert sorted(line.split() for line in lines) == sorted(
        [[second, "active", "never", "other"], [first, "suspended", "never", "payer"]]
    )


def test_an_agent_is_shown_without_a_secret(make):
    agent = make("payer", "payments:read", "payments:write")
    found = ask("agents", "show", agent)
    assert found.keys() == {
        "id",
        "organization",
        "name",
        "status",
        "scopes",
        "key_fingerprint",
        "public_key",
        "created_at",
        "updated_at",
        "last_auth_at",
        "revoked_at",
    }
    assert found["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    shown = run("agents", "show", agent).stdout
    assert shown.startswith(f"{agent}\n")
    assert "payments:read payments:write" in shown


def test_suspending_and_resuming_are_audited_once_each_and_without_a_key(make, audited):
    agent = make()
    made = audited()
    for _ in range(2):
        assert ask("agents", "suspend", agent)["status"] == "suspended"
    for _ in range(2):
        assert ask("agents", "resume", agent)["status"] == "active"
    assert audited() == [*made, ("agent.suspended", agent, None), ("agent.resumed", agent, None)]


def test_revoking_must_be_meant_and_is_final(make, audited):
    agent = make()
    unsure = run("agents", "revoke", agent)
    assert (unsure.exit_code, "--yes" in unsure.stderr) == (2, True)
    assert ask("agents", "show", agent)["status"] == "active"
    first = ask("agents", "revoke", agent, "--yes")
    assert (first["status"], ask("agents", "revoke", agent, "--yes")) == ("revoked", first)
    assert audited()[1:] == [("agent.revoked", agent, None)]
    for command in ("suspend", "resume"):
        assert refusal("agents", command, agent) == "The agent was revoked, which is final."
    assert "revoked" in run("agents", "list").stdout


def test_an_agent_that_was_deactivated_is_resumed_where_there_is_a_slot(make, on_server):
    agent = make()
    on_server(lambda here, caller: agents.set_active(here, caller, agent, False))
    run("org", "set-plan", ask("agents", "show", agent)["organization"], "FREE")
    other = make("other")
    assert refusal("agents", "resume", agent) == "Every agent slot of the plan is taken."
    ask("agents", "revoke", other, "--yes")
    assert ask("agents", "resume", agent)["status"] == "active"


def test_who_is_named_wrongly_is_said_in_a_sentence(make):
    for command in (["show"], ["suspend"], ["resume"], ["revoke", "--yes"]):
        assert refusal("agents", *command, "nobody") == "There is no such agent with a key."


def test_what_an_agent_is_called_does_not_talk_to_the_terminal(make):
    agent = make("a\x1b[31mred\nline")
    for shown in (run("agents", "show", agent).stdout, run("agents", "list").stdout):
        assert "\x1b" not in shown
        assert r"a\x1b[31mred line" in shown


def test_of_several_organizations_one_is_named_for_the_list_and_an_agent_is_found_anyhow(make):
    agent = make()
    other = ask("org", "create", "Other")["id"]
    assert run("agents", "list").exit_code == 2
    assert ask("agents", "list", "--org", other)["agents"] == []
    assert ask("agents", "show", agent)["id"] == agent
