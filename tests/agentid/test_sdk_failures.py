"""The official client while the server is away, or cannot store: what each failure mode does."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from agentid import DependencyError, SecurityBlockError
from agentid.guard import CapabilityFlags, get_or_fetch_capability_flags
from openai import OpenAI

from .guarded import ATTACK, HARMLESS, Guarded, guarded
from .model import Model, answer_to


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    """A server that has been stopped."""
    with guarded(tmp_path_factory.mktemp("gone") / "instance") as found:
        assert found.server.stop() == 0
    return found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Guarded]:
    """A server that may be stopped."""
    with guarded(tmp_path / "instance") as found:
        yield found


def flags(guarded: Guarded) -> CapabilityFlags:
    """What the client knows of the policy, from now on."""
    return get_or_fetch_capability_flags(api_key=guarded.key, base_url=guarded.base_url, timeout_seconds=30)


def ask(wrapped: OpenAI, prompt: str) -> str | None:
    said = wrapped.chat.completions.create(model="echo-1", messages=[{"role": "user", "content": prompt}])
    return said.choices[0].message.content


# --- the server is stopped


@pytest.mark.parametrize(
    ("settings", "allowed", "reason"),
    [
        ({}, True, "guard_unreachable"),
        ({"failure_mode": "fail_open"}, True, "guard_unreachable"),
        ({"strict_mode": True}, False, "network_error_strict_mode"),
        ({"failure_mode": "fail_close"}, False, "network_error_strict_mode"),
    ],
)
def test_the_clients_own_mode_decides_when_the_server_is_gone(
    gone: Guarded, settings: dict[str, object], allowed: bool, reason: str
) -> None:
    with gone.client(**settings) as client:
        said = client.guard(ATTACK, **gone.about())
    assert (said["allowed"], said["reason"]) == (allowed, reason)


def test_the_systems_failure_mode_holds_when_the_server_is_gone(own: Guarded) -> None:
    own.set_policy(failure_mode="fail_close")
    with own.client() as client:
        assert client.guard(HARMLESS, **own.about())["allowed"] is True
        own.server.stop()
        said = client.guard(HARMLESS, **own.about())
    assert (said["allowed"], said["reason"]) == (False, "network_error_strict_mode")


def test_the_systems_policy_is_enforced_by_the_client_when_the_server_is_gone(
    own: Guarded, model: Model
) -> None:
    own.set_policy(failure_mode="fail_close")
    assert flags(own).block_on_heuristic is True
    own.server.stop()
    with own.client() as client, OpenAI(api_key="any", base_url=model.url, max_retries=0) as plain:
        wrapped = client.wrap_openai(plain, **own.about())
        with pytest.raises(SecurityBlockError, match="Prompt injection blocked"):
            ask(wrapped, ATTACK)
    assert model.prompts == []


def test_a_client_that_fails_open_goes_on_without_the_server(gone: Guarded, model: Model) -> None:
    with gone.client() as client, OpenAI(api_key="any", base_url=model.url, max_retries=0) as plain:
        assert ask(client.wrap_openai(plain, **gone.about()), HARMLESS) == answer_to(HARMLESS)
    assert model.prompts == [HARMLESS]


@pytest.mark.parametrize("strict", [False, True])
def test_an_event_that_cannot_be_told_raises_only_when_asked_to(gone: Guarded, strict: bool) -> None:
    with gone.client(strict_mode=strict) as client:
        client.log(input=HARMLESS, output="Paris.", **gone.about())
        with pytest.raises(httpx.ConnectError):
            client.log(input=HARMLESS, output="Paris.", raise_on_failure=True, **gone.about())


# --- the server cannot store


@contextlib.contextmanager
def locked(guarded: Guarded) -> Iterator[None]:
    """Nothing can be written while this lasts."""
    file = guarded.server.log.parent / "precog.sqlite3"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def test_a_policy_is_told_while_nothing_can_be_stored(own: Guarded) -> None:
    own.set_policy(failure_mode="fail_close")
    with locked(own):
        assert flags(own).failure_mode == "fail_close"


def test_a_system_that_fails_closed_blocks_while_nothing_can_be_stored(own: Guarded) -> None:
    own.set_policy(failure_mode="fail_close")
    assert flags(own).failure_mode == "fail_close"
    with own.client() as client:
        with locked(own):
            said = client.guard(HARMLESS, **own.about())
            with pytest.raises(DependencyError) as raised:
                client.log(input=HARMLESS, output="Paris.", raise_on_failure=True, **own.about())
        assert (said["allowed"], said["reason"]) == (False, "system_failure_db_unavailable")
        assert raised.value.status_code == 503
        assert raised.value.reason == "system_failure_db_unavailable"
        assert client.guard(HARMLESS, **own.about())["allowed"] is True


def test_a_system_that_fails_open_answers_in_time_and_stores_later(own: Guarded) -> None:
    assert flags(own).failure_mode == "fail_open"
    with own.client() as client:
        with locked(own):
            allowed = client.guard(HARMLESS, **own.about())
            blocked = client.guard(ATTACK, **own.about())
        assert allowed["allowed"] is True
        assert (blocked["allowed"], blocked["reason"]) == (False, "prompt_injection")
        assert allowed["degraded"] == blocked["degraded"] == ["storage"]
        rows = own.wait_for(lambda rows: len(rows) == 2)
    assert [row["prompt"] for row in rows] == [HARMLESS, ATTACK]
