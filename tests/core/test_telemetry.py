"""Interactions are stored once each, whole, within the plan, for whoever asks at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from precog.core import administration, telemetry
from precog.core.keys import Caller
from precog.core.telemetry import REMEMBER_KEYS_MS, Interaction, Receipt
from precog.core.times import HOUR_MS, MINUTE_MS
from precog.errors import AgentLimitReached, IdempotencyKeyReused, MissingField, NotFound, RateLimited
from precog.storage.interactions import Filter
from tests.conftest import Sandbox
from tests.parallel import in_processes, in_threads


def said(agent_id: str = "a", prompt: str = "p", **fields: Any) -> Interaction:
    return Interaction(agent_id=agent_id, prompt=prompt, response="r", **fields)


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return caller_of(sandbox)


def caller_of(sandbox: Sandbox) -> Caller:
    return sandbox.services.authenticator.authenticate(sandbox.first.keys["precogx"].secret)


def record(sandbox: Sandbox, interaction: Interaction) -> Receipt:
    return telemetry.record(sandbox.services, caller_of(sandbox), interaction)[0]


def record_batch(sandbox: Sandbox, *batch: Any) -> list[Any]:
    return telemetry.record_batch(sandbox.services, caller_of(sandbox), batch)[0]


def count(sandbox: Sandbox, table: str = "interactions") -> int:
    return sandbox.services.db.read(lambda tx: tx.one(f"SELECT count(*) AS n FROM {table}")["n"])


def kept(sandbox: Sandbox) -> list[str]:
    """The prompts, oldest first."""
    page = telemetry.page(sandbox.services, caller_of(sandbox), Filter(), limit=1_000)
    return [interaction.prompt for interaction in reversed(page)]


# --- one interaction


def test_an_interaction_is_kept_whole(sandbox: Sandbox, caller: Caller) -> None:
    sent = said(
        "bot",
        "Grüße \U0001f600",
        metadata={"custom": [1, 2.5, None]},
        tool_calls=[{"name": "search"}],
        extra={"unknown": True},
        platform="n8n",
        session_id="s",
        user_id="u",
        conversation_id="c",
        occurred_at=-1,
        native={"their": "own"},
    )
    receipt = record(sandbox, sent)
    found = telemetry.get(sandbox.services, caller, receipt.interaction_id)
    assert receipt == Receipt(found.id, "bot")
    assert (found.agent_id, found.prompt, found.response) == ("bot", sent.prompt, "r")
    assert (found.platform, found.session_id, found.user_id, found.conversation_id) == ("n8n", "s", "u", "c")
    assert (found.occurred_at, found.received_at) == (-1, sandbox.clock())
    as_json = [found.metadata, found.tool_calls, found.extra, found.native]
    assert [orjson.loads(text or "") for text in as_json] == [
        sent.metadata,
        sent.tool_calls,
        sent.extra,
        sent.native,
    ]


def test_what_was_not_sent_is_not_kept(sandbox: Sandbox, caller: Caller) -> None:
    found = telemetry.get(sandbox.services, caller, record(sandbox, said()).interaction_id)
    assert [found.metadata, found.tool_calls, found.extra, found.native, found.occurred_at] == [None] * 5


def test_another_organizations_interactions_are_not_seen(sandbox: Sandbox) -> None:
    receipt = record(sandbox, said())
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    stranger = sandbox.services.authenticator.authenticate(sandbox.key(organization_id=other.id))
    with pytest.raises(NotFound):
        telemetry.get(sandbox.services, stranger, receipt.interaction_id)
    assert telemetry.page(sandbox.services, stranger, Filter(agent_id="a"), limit=10) == []


# --- idempotency


def test_the_same_key_again_is_answered_with_the_first_interaction(sandbox: Sandbox) -> None:
    first = record(sandbox, said(idempotency_key="k"))
    sandbox.clock.advance(24 * HOUR_MS)
    record(sandbox, said(idempotency_key="another"))  # who comes with a new key forgets old ones
    second = record(sandbox, said(idempotency_key="k"))
    assert second == Receipt(first.interaction_id, "a", replayed=True)
    assert not first.replayed
    assert count(sandbox) == 2


def test_the_same_key_twice_in_one_transaction_is_stored_once(sandbox: Sandbox) -> None:
    record(sandbox, said())
    first, second = record_batch(sandbox, said(idempotency_key="k"), said(idempotency_key="k"))
    assert second == Receipt(first.interaction_id, "a", replayed=True)
    assert count(sandbox) == 2


@pytest.mark.parametrize(
    "other", [said(prompt="q"), said("b"), said(metadata={"a": 1}), said(session_id="s"), said(native=[1])]
)
def test_the_same_key_with_another_body_is_refused(sandbox: Sandbox, other: Interaction) -> None:
    record(sandbox, said(idempotency_key="k"))
    with pytest.raises(IdempotencyKeyReused):
        record(sandbox, replace(other, idempotency_key="k"))
    assert count(sandbox) == count(sandbox, "agents") == 1


def test_a_body_is_the_same_however_it_is_ordered(sandbox: Sandbox) -> None:
    record(sandbox, said(metadata={"a": 1, "b": {"c": 2, "d": 3}}, idempotency_key="k"))
    assert record(sandbox, said(metadata={"b": {"d": 3, "c": 2}, "a": 1}, idempotency_key="k")).replayed


def test_a_key_is_its_organizations_own(sandbox: Sandbox) -> None:
    record(sandbox, said(idempotency_key="k"))
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    stranger = sandbox.services.authenticator.authenticate(sandbox.key(organization_id=other.id))
    receipt, _ = telemetry.record(sandbox.services, stranger, said(prompt="q", idempotency_key="k"))
    assert not receipt.replayed


def test_a_refused_interaction_does_not_use_its_key_up(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")
    record(sandbox, said("first"))
    for refuse in (lambda one: record(sandbox, one), lambda one: record_batch(sandbox, one)):
        try:
            results = refuse(said("second", idempotency_key="k"))
        except AgentLimitReached as error:
            results = [error]
        assert isinstance(results[0], AgentLimitReached)
    sandbox.set_plan("PROFESSIONAL")
    assert not record(sandbox, said("second", idempotency_key="k")).replayed


def test_keys_are_forgotten_by_themselves_when_they_are_old(sandbox: Sandbox) -> None:
    for number in range(6):
        record(sandbox, said(idempotency_key=f"old {number}"))
    sandbox.clock.advance(REMEMBER_KEYS_MS + 1)
    for number in range(2):
        record(sandbox, said(idempotency_key=f"new {number}"))
    assert count(sandbox, "idempotency_keys") == 2
    assert REMEMBER_KEYS_MS >= 24 * HOUR_MS


def test_one_key_from_many_threads_is_stored_once(sandbox: Sandbox) -> None:
    receipts = in_threads(32, lambda number: record(sandbox, said(idempotency_key="k")))
    assert len({receipt.interaction_id for receipt in receipts}) == 1
    assert sorted(receipt.replayed for receipt in receipts) == [False] + [True] * 31
    assert count(sandbox) == 1


SAME_KEY = """
from concurrent.futures import ThreadPoolExecutor
from precog.core import telemetry
from precog.core.services import build
from precog.core.telemetry import Interaction

database, pepper, now, key = arguments
services = build(database=database, pepper=pepper, clock=lambda: int(now), unauthenticated_per_minute=9)
caller = services.authenticator.authenticate(key)

def record(number):
    interaction = Interaction("a", "p", "r", idempotency_key=f"k{number % 5}")
    return telemetry.record(services, caller, interaction)[0].interaction_id

go()
with ThreadPoolExecutor(16) as pool:
    print(*sorted(set(pool.map(record, range(50)))))
services.close()
"""


def test_one_key_from_many_processes_is_stored_once(sandbox: Sandbox, database_url: str) -> None:
    key = sandbox.first.keys["precogx"].secret
    first, second = in_processes(
        2, SAME_KEY, database_url, sandbox.services.pepper, str(sandbox.clock()), key
    )
    assert first == second
    assert len(first.split()) == count(sandbox) == 5


# --- batches


def test_each_entry_of_a_batch_stands_in_its_place(sandbox: Sandbox) -> None:
    sandbox.set_plan("PROFESSIONAL")
    agents = [f"agent {number}" for number in range(12)]
    wrong = MissingField("prompt", expected="string", received="nothing")
    results = record_batch(sandbox, wrong, *(said(agent, agent) for agent in agents), wrong, said("agent 0"))
    assert results[0] is results[13] is wrong
    assert [result.agent_id for result in results[1:11]] == agents[:10]
    assert [type(result) for result in results[11:13]] == [AgentLimitReached] * 2
    assert results[14].agent_id == "agent 0"
    assert kept(sandbox) == [*agents[:10], "p"]


def test_a_batch_keeps_its_order(sandbox: Sandbox) -> None:
    prompts = [str(number) for number in range(300)]
    record_batch(sandbox, *(said(prompt=prompt) for prompt in prompts))
    assert kept(sandbox) == prompts


def test_a_batch_costs_one_request_and_is_refused_whole(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")
    caller = caller_of(sandbox)
    for _ in range(200):
        _, quota = telemetry.record_batch(sandbox.services, caller, [said()] * 2)
    assert (quota.limit, quota.remaining) == (200, 0)
    with pytest.raises(RateLimited):
        record_batch(sandbox, said(idempotency_key="k"), said())
    assert count(sandbox) == 400
    sandbox.clock.advance(MINUTE_MS)
    assert not record(sandbox, said(idempotency_key="k")).replayed


# --- limits


def test_threads_are_admitted_exactly_as_often_as_the_plan_allows(sandbox: Sandbox) -> None:
    sandbox.set_plan("FREE")

    def one(number: int) -> int:
        admitted = 0
        for _ in range(20):
            try:
                record(sandbox, said())
                admitted += 1
            except RateLimited as error:
                assert error.quota == 200
        return admitted

    assert sum(in_threads(16, one)) == 200  # type: ignore[arg-type]
    assert count(sandbox) == 200


def test_callers_that_are_served_together_are_each_told_their_own(sandbox: Sandbox) -> None:
    sandbox.set_plan("PROFESSIONAL")
    record(sandbox, said(prompt="first", idempotency_key="k"))
    kinds = [
        said(prompt="known"),
        said(prompt="other body", idempotency_key="k"),
        said(prompt="first", idempotency_key="k"),
        said("new agent"),
    ]
    results = in_threads(32, lambda number: record(sandbox, kinds[number % 4]))
    assert all(isinstance(result, IdempotencyKeyReused) for result in results[1::4])
    assert all(result.replayed for result in results[2::4])
    stored = [*results[0::4], *results[3::4]]
    assert len({receipt.interaction_id for receipt in stored}) == 16
    assert sorted(kept(sandbox)) == sorted(["first"] + ["known"] * 8 + ["p"] * 8)
