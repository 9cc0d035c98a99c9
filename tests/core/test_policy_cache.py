"""Policies in memory: never older than 2 s while the database answers, and still known when it does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from precog.core import agents, policies, policy_cache, telemetry
from precog.core.policies import DEFAULT_POLICY, Effective, Patch
from precog.core.telemetry import Interaction
from precog.detection.policy import Thresholds
from precog.errors import NotFound, StorageUnavailable
from tests.conftest import Sandbox

PAIR = Thresholds(0.2, 0.3)
OWN = Thresholds(0.5, 0.6)


def look(sandbox: Sandbox, agent_id: str | None = None) -> Effective:
    return sandbox.services.policies.get(sandbox.organization_id, sandbox.first.system.id, agent_id)


def change(sandbox: Sandbox, **patch: Any) -> None:
    policies.change(sandbox.services, None, sandbox.first.system.id, Patch(**patch))


def change_elsewhere(sandbox: Sandbox, **patch: Any) -> None:
    """As another process does it, of which this one hears nothing."""
    now = sandbox.clock()
    sandbox.services.db.write(policies._change, None, sandbox.first.system.id, Patch(**patch), None, now=now)


def give_thresholds(sandbox: Sandbox, agent_id: str, **thresholds: Thresholds) -> None:
    caller = sandbox.services.authenticator.authenticate(sandbox.first.keys["precogx"].secret)
    telemetry.record(sandbox.services, caller, Interaction(agent_id, "p", "r"))
    wanted = agents.Change(set_thresholds=True, thresholds=thresholds)
    agents.change(sandbox.services, caller, agent_id, wanted)


@pytest.fixture
def away(sandbox: Sandbox) -> Callable[[], None]:
    """Call it, and the database answers no more."""
    return sandbox.services.db.close


@pytest.fixture
def reads(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has an entry for every time the database was asked."""
    asked: list[int] = []
    read = sandbox.services.db.read

    def counting(*args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        return read(*args, **kwargs)

    monkeypatch.setattr(sandbox.services.db, "read", counting)
    return asked


def test_the_database_is_asked_once_in_two_seconds(sandbox: Sandbox, reads: list[int]) -> None:
    assert look(sandbox, "bot") == Effective(DEFAULT_POLICY, 1)
    for _ in range(10):
        look(sandbox, "bot")
    assert len(reads) == 2  # of the system, and of the agent
    sandbox.clock.advance(2_000)
    look(sandbox)
    assert len(reads) == 3


def test_a_change_here_holds_at_once(sandbox: Sandbox) -> None:
    look(sandbox)
    change(sandbox, mask=True)
    found = look(sandbox)
    assert (found.version, found.policy.detection.mask) == (2, True)


def test_a_change_elsewhere_holds_within_two_seconds(sandbox: Sandbox) -> None:
    look(sandbox)
    change_elsewhere(sandbox, mask=True)
    assert look(sandbox).version == 1
    sandbox.clock.advance(2_000)
    assert look(sandbox).version == 2


def test_an_answer_read_before_a_change_is_not_remembered_after_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = sandbox.services.db.read

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        answer = read(*args, **kwargs)
        monkeypatch.setattr(sandbox.services.db, "read", read)
        change(sandbox, mask=True)
        return answer

    monkeypatch.setattr(sandbox.services.db, "read", overtaken)
    assert look(sandbox).version == 1
    assert look(sandbox).version == 2


def test_a_clock_that_was_set_back_keeps_no_answer_for_longer(sandbox: Sandbox) -> None:
    look(sandbox)
    change_elsewhere(sandbox, mask=True)
    sandbox.clock.advance(-3_600_000)
    assert look(sandbox).version == 2


def test_an_agents_thresholds_come_before_its_systems(sandbox: Sandbox) -> None:
    change(sandbox, thresholds={"jailbreak": PAIR, "toxicity": PAIR})
    look(sandbox, "bot")
    give_thresholds(sandbox, "bot", jailbreak=OWN)
    found = look(sandbox, "bot")
    assert found.policy.detection.thresholds == {"jailbreak": OWN, "toxicity": PAIR}
    assert found.version == 2
    for other in (None, "nobody"):
        thresholds = look(sandbox, other).policy.detection.thresholds
        assert thresholds == {"jailbreak": PAIR, "toxicity": PAIR}
    give_thresholds(sandbox, "bot")
    assert look(sandbox, "bot") == look(sandbox)


def test_while_the_database_is_away_the_last_known_policy_holds(
    sandbox: Sandbox, away: Callable[[], None]
) -> None:
    change(sandbox, mask=True)
    give_thresholds(sandbox, "bot", jailbreak=OWN)
    known, of_bot = look(sandbox), look(sandbox, "bot")
    away()
    sandbox.clock.advance(3_600_000)
    assert look(sandbox) == known
    assert look(sandbox, "bot") == of_bot
    assert look(sandbox, "another") == known


def test_a_database_that_is_away_is_not_asked_for_every_request(
    sandbox: Sandbox, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(sandbox)
    away()
    sandbox.clock.advance(2_000)
    look(sandbox)
    monkeypatch.setattr(sandbox.services.db, "read", None)
    look(sandbox)


def test_what_was_forgotten_is_still_the_last_known(sandbox: Sandbox, away: Callable[[], None]) -> None:
    look(sandbox)
    sandbox.services.policies.forget()
    away()
    assert look(sandbox).version == 1


def test_of_a_system_that_was_never_asked_for_nothing_is_known(
    sandbox: Sandbox, away: Callable[[], None]
) -> None:
    away()
    with pytest.raises(StorageUnavailable):
        look(sandbox)


def test_a_system_that_does_not_exist_is_not_remembered(sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            sandbox.services.policies.get(sandbox.organization_id, "sys-0")
    assert sandbox.services.policies._systems._known == {}


def test_what_is_remembered_is_bounded_and_many_agents_push_out_no_system(
    sandbox: Sandbox, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_cache, "CACHED", 10)
    for number in range(30):
        look(sandbox, f"bot-{number}")
    kept = sandbox.services.policies._agents._known
    assert [name for _, name in kept] == [f"bot-{number}" for number in range(20, 30)]
    away()
    assert look(sandbox).version == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_needs_no_lock_of_its_parents(sandbox: Sandbox) -> None:
    look(sandbox)
    known = sandbox.services.policies
    known._systems._lock.acquire()
    child = os.fork()
    if child == 0:
        known.forget()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    known._systems._lock.release()
