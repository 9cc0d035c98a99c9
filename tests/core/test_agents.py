"""Agents take the slots of their organization's plan: never more than there are, whoever asks at once."""

from __future__ import annotations

import random

import pytest

from precog.core import administration, agents, telemetry
from precog.core.keys import Caller
from precog.core.telemetry import Interaction
from precog.errors import AgentDeactivated, AgentLimitReached, NotFound, PrecogError
from tests.conftest import Sandbox
from tests.parallel import in_processes, in_threads


def caller_of(sandbox: Sandbox) -> Caller:
    return sandbox.services.authenticator.authenticate(sandbox.first.keys["precogx"].secret)


def post(sandbox: Sandbox, agent_id: str) -> str:
    receipt, _ = telemetry.record(sandbox.services, caller_of(sandbox), Interaction(agent_id, "p", "r"))
    return receipt.interaction_id


def set_active(sandbox: Sandbox, agent_id: str, active: bool) -> agents.Agent:
    return agents.set_active(sandbox.services, caller_of(sandbox), agent_id, active)


def names(sandbox: Sandbox, status: str | None = "active") -> list[str]:
    page = agents.page(sandbox.services, caller_of(sandbox), after="", status=status, limit=1_000)
    return [agent.agent_id for agent in page]


def slots_taken(sandbox: Sandbox) -> int:
    [organization] = administration.list_organizations(sandbox.services)
    return organization.active_agents


def test_the_first_interaction_makes_an_agent_and_later_ones_do_not(sandbox: Sandbox) -> None:
    post(sandbox, "a")
    sandbox.clock.advance(5)
    newest = post(sandbox, "a")
    made = agents.get(sandbox.services, caller_of(sandbox), "a")
    assert made.created_at == sandbox.clock() - 5
    assert made.last_interaction_id == newest
    assert slots_taken(sandbox) == 1


def test_an_agent_beyond_the_plan_is_refused_and_leaves_nothing(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")
    post(sandbox, "a")
    with pytest.raises(AgentLimitReached) as caught:
        post(sandbox, "b")
    assert caught.value.limit == 1
    assert names(sandbox, status=None) == ["a"]
    post(sandbox, "a")


def test_a_deactivated_agent_frees_its_slot_and_does_not_come_back_by_itself(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")
    post(sandbox, "a")
    assert set_active(sandbox, "a", False).deactivated_at == sandbox.clock()
    assert slots_taken(sandbox) == 0
    with pytest.raises(AgentDeactivated):
        post(sandbox, "a")
    post(sandbox, "b")
    assert (names(sandbox), names(sandbox, status="deactivated")) == (["b"], ["a"])


def test_an_agent_comes_back_only_into_a_free_slot(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")
    post(sandbox, "a")
    set_active(sandbox, "a", False)
    post(sandbox, "b")
    with pytest.raises(AgentLimitReached):
        set_active(sandbox, "a", True)
    assert names(sandbox) == ["b"]
    set_active(sandbox, "b", False)
    assert set_active(sandbox, "a", True).deactivated_at is None
    post(sandbox, "a")


@pytest.mark.parametrize("active", [False, True])
def test_doing_it_twice_changes_nothing(sandbox: Sandbox, active: bool) -> None:
    post(sandbox, "a")
    first = set_active(sandbox, "a", active)
    sandbox.clock.advance(5)
    assert set_active(sandbox, "a", active) == first
    assert slots_taken(sandbox) == int(active)


def test_agents_beyond_a_smaller_plan_stay(sandbox: Sandbox) -> None:
    for name in "abc":
        post(sandbox, name)
    sandbox.set_plan("FREE")
    post(sandbox, "c")
    with pytest.raises(AgentLimitReached):
        post(sandbox, "d")
    assert slots_taken(sandbox) == 3


def test_another_organizations_agent_is_not_found(sandbox: Sandbox) -> None:
    post(sandbox, "a")
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    stranger = sandbox.services.authenticator.authenticate(sandbox.key(organization_id=other.id))
    for attempt in (
        lambda: agents.get(sandbox.services, stranger, "a"),
        lambda: agents.set_active(sandbox.services, stranger, "a", False),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert agents.page(sandbox.services, stranger, after="", status=None, limit=10) == []
    assert names(sandbox) == ["a"]


# --- at once


def test_threads_make_exactly_as_many_agents_as_the_plan_has(sandbox: Sandbox) -> None:
    sandbox.set_plan("PROFESSIONAL")
    results = in_threads(32, lambda number: post(sandbox, f"agent {number}"))
    assert sum(isinstance(result, str) for result in results) == 10
    assert sum(isinstance(result, AgentLimitReached) for result in results) == 22
    assert len(names(sandbox, status=None)) == slots_taken(sandbox) == 10


def test_threads_that_name_the_same_agents_make_each_once(sandbox: Sandbox) -> None:
    sandbox.set_plan("PROFESSIONAL")
    results = in_threads(32, lambda number: post(sandbox, f"agent {number % 8}"))
    assert len(set(results)) == 32
    assert len(names(sandbox)) == slots_taken(sandbox) == 8


MANY_AGENTS = """
from concurrent.futures import ThreadPoolExecutor
from precog.core import telemetry
from precog.core.services import build
from precog.core.telemetry import Interaction
from precog.errors import AgentLimitReached

database, pepper, now, key = arguments
services = build(database=database, pepper=pepper, clock=lambda: int(now), unauthenticated_per_minute=9)
caller = services.authenticator.authenticate(key)

def post(number):
    name = f"agent {number}"
    try:
        return telemetry.record(services, caller, Interaction(name, "p", "r")) and name
    except AgentLimitReached:
        return None

go()
with ThreadPoolExecutor(16) as pool:
    print(*(name for name in pool.map(post, range(32)) if name), sep=",")
services.close()
"""


def test_processes_make_exactly_as_many_agents_as_the_plan_has(sandbox: Sandbox, database_url: str) -> None:
    sandbox.set_plan("PROFESSIONAL")
    key = sandbox.first.keys["precogx"].secret
    admitted = in_processes(2, MANY_AGENTS, database_url, sandbox.services.pepper, str(sandbox.clock()), key)
    assert admitted[0] == admitted[1]  # both may use the ten that there are
    assert sorted(admitted[0].strip().split(",")) == names(sandbox, status=None)
    assert len(names(sandbox)) == slots_taken(sandbox) == 10


@pytest.mark.parametrize("plan", ["FREE", "PROFESSIONAL"])
def test_slots_are_counted_right_however_agents_come_and_go(sandbox: Sandbox, plan: str) -> None:
    sandbox.set_plan(plan)

    def come_and_go(number: int) -> None:
        chance = random.Random(number)
        for _ in range(25):
            name = f"agent {chance.randrange(13)}"
            try:
                chance.choice(
                    [
                        lambda name=name: post(sandbox, name),
                        lambda name=name: set_active(sandbox, name, False),
                        lambda name=name: set_active(sandbox, name, True),
                    ]
                )()
            except PrecogError as refusal:
                assert isinstance(refusal, (AgentLimitReached, AgentDeactivated, NotFound))

    assert in_threads(8, come_and_go) == [None] * 8
    assert len(names(sandbox)) == slots_taken(sandbox)
    assert slots_taken(sandbox) <= {"FREE": 1, "PROFESSIONAL": 10}[plan]
