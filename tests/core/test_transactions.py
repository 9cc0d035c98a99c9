"""A transaction takes the steps that there are, each once, and only for the agent that began it."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from precog.core import administration, transactions
from precog.core.transactions import STATE_BYTES, Wanted
from precog.errors import Forbidden, InvalidTransition, NotFound, TooLarge
from tests.conftest import NOW
from tests.identifying import acting, audited, entries, identity, operator
from tests.parallel import in_threads


@pytest.fixture
def services(sandbox):
    return sandbox.services


@pytest.fixture
def caller(sandbox):
    return operator(sandbox)


@pytest.fixture
def agent(services, sandbox, caller):
    return acting(caller, identity(services, sandbox.organization_id))


@pytest.fixture
def begun(services, agent):
    return transactions.begin(services, agent, Wanted({"balance": 1000}, action_type="transfer"))


def kept(services, caller, transaction):
    return transactions.get(services, caller, transaction.id)


def test_a_transaction_is_stored_as_it_was_begun(services, agent, caller):
    wanted = Wanted({"balance": 1000}, "transfer", None, 19_9900, {"do": "pay back"}, "low")
    begun = transactions.begin(services, agent, wanted)
    assert kept(services, caller, begun) == begun
    assert (begun.agent_id, begun.organization_id) == (agent.agent_id, agent.organization_id)
    assert (begun.pre_state, begun.rollback_procedure) == ('{"balance":1000}', '{"do":"pay back"}')
    assert (begun.action_type, begun.value_e4, begun.rollback_confidence) == ("transfer", 19_9900, "low")
    assert (begun.status, begun.created_at) == ("pending", NOW)
    assert (begun.session_id, begun.sequence_number) == (None, None)


def test_it_is_committed_with_what_it_led_to(services, agent, caller, begun, clock):
    clock.advance(1_000)
    done = transactions.commit(services, agent, begun.id, {"balance": 500})
    assert kept(services, caller, begun) == done
    assert (done.status, done.committed_at, done.post_state) == ("committed", NOW + 1_000, '{"balance":500}')
    assert done.pre_state == begun.pre_state


@pytest.mark.parametrize("committed", [False, True])
def test_it_is_rolled_back_from_pending_and_from_committed(services, agent, caller, begun, clock, committed):
    if committed:
        transactions.commit(services, agent, begun.id, {"balance": 500})
    clock.advance(1_000)
    undone = transactions.roll_back(services, agent, begun.id, "wrong account")
    assert kept(services, caller, begun) == undone
    assert (undone.status, undone.rolled_back_at, undone.reason) == (
        "rolled_back",
        NOW + 1_000,
        "wrong account",
    )
    assert undone.pre_state == begun.pre_state
    assert (undone.committed_at is not None) is committed


def commit(services, agent, id):
    return transactions.commit(services, agent, id, {"other": True})


def roll_back(services, agent, id):
    return transactions.roll_back(services, agent, id, "other")


@pytest.mark.parametrize(
    ("steps", "illegal"),
    [([commit], commit), ([roll_back], commit), ([roll_back], roll_back), ([commit, roll_back], roll_back)],
)
def test_any_other_step_changes_nothing(services, agent, caller, begun, clock, steps, illegal):
    for step in steps:
        step(services, agent, begun.id)
    before, told = kept(services, caller, begun), entries(services, caller.organization_id)
    clock.advance(1_000)
    with pytest.raises(InvalidTransition) as refusal:
        illegal(services, agent, begun.id)
    assert refusal.value.status == before.status
    assert kept(services, caller, begun) == before
    assert entries(services, caller.organization_id) == told


def test_of_32_commits_at_once_one_is_taken(services, agent, caller, begun):
    found = in_threads(32, lambda number: transactions.commit(services, agent, begun.id, {"n": number}))
    (done,) = [one for one in found if not isinstance(one, Exception)]
    assert {type(one) for one in found if isinstance(one, Exception)} == {InvalidTransition}
    assert kept(services, caller, begun) == done


def test_of_32_rollbacks_at_once_one_is_taken(services, agent, caller, begun):
    found = in_threads(32, lambda number: transactions.roll_back(services, agent, begun.id, str(number)))
    (undone,) = [one for one in found if not isinstance(one, Exception)]
    assert kept(services, caller, begun) == undone
    events = [event for event, _ in audited(services, caller.organization_id)]
    assert events == ["transaction.begun", "transaction.rolled_back"]


@pytest.mark.parametrize("step", [commit, roll_back])
def test_only_the_agent_that_began_it_takes_a_step(services, caller, begun, step, sandbox):
    other = acting(caller, identity(services, sandbox.organization_id))
    with pytest.raises(Forbidden):
        step(services, other, begun.id)
    assert kept(services, caller, begun) == begun


@pytest.mark.parametrize("step", [commit, roll_back])
def test_another_organizations_transaction_is_not_there(services, caller, begun, step, sandbox):
    other_id = administration.create_organization(services, "Another", "ENTERPRISE").id
    stranger = operator(sandbox, organization_id=other_id)
    with pytest.raises(NotFound):
        step(services, acting(stranger, identity(services, other_id)), begun.id)
    with pytest.raises(NotFound):
        transactions.get(services, stranger, begun.id)
    assert listed(services, stranger) == []
    assert kept(services, caller, begun) == begun


@pytest.mark.parametrize("step", [commit, roll_back])
def test_a_transaction_that_is_not_there_is_not_found(services, agent, step):
    with pytest.raises(NotFound):
        step(services, agent, "nothing")


def state_of(size):
    return {"s": "x" * (size - len('{"s":""}'))}


def test_a_state_may_have_256_kib(services, agent, caller):
    wanted = Wanted(state_of(STATE_BYTES), rollback_procedure=state_of(STATE_BYTES))
    begun = transactions.begin(services, agent, wanted)
    transactions.commit(services, agent, begun.id, state_of(STATE_BYTES))
    assert len(kept(services, caller, begun).post_state) == STATE_BYTES == 262_144


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(state_of(STATE_BYTES + 1)),
        Wanted({}, rollback_procedure=state_of(STATE_BYTES + 1)),
        Wanted({"s": "é" * (STATE_BYTES // 2)}),
    ],
)
def test_a_larger_state_is_refused(services, agent, caller, wanted):
    with pytest.raises(TooLarge):
        transactions.begin(services, agent, wanted)
    assert listed(services, caller) == []


def test_a_larger_state_afterwards_is_refused(services, agent, caller, begun):
    with pytest.raises(TooLarge):
        transactions.commit(services, agent, begun.id, state_of(STATE_BYTES + 1))
    assert kept(services, caller, begun) == begun


def test_numbers_keep_their_digits(services, agent, caller):
    numbers = {"a": Decimal("0.10"), "b": Decimal("12345678901234567.890123456789"), "c": Decimal("1E-400")}
    begun = transactions.begin(services, agent, Wanted(numbers))
    assert begun.pre_state == '{"a":0.10,"b":12345678901234567.890123456789,"c":1E-400}'
    assert orjson.loads(begun.pre_state)["a"] == 0.1


def listed(services, caller, *, session_id=None, status=None, limit=100, offset=0):
    found = transactions.page(
        services, caller, session_id=session_id, status=status, limit=limit, offset=offset
    )
    return [transaction.id for transaction in found]


def test_transactions_are_listed_newest_first_and_by_status(services, agent, caller, clock):
    ids = []
    for _ in range(3):
        ids.append(transactions.begin(services, agent, Wanted({})).id)
        clock.advance(1)
    pending, committed, rolled_back = ids
    commit(services, agent, committed)
    roll_back(services, agent, rolled_back)
    assert listed(services, caller) == [rolled_back, committed, pending]
    assert listed(services, caller, limit=1, offset=1) == [committed]
    found = {status: listed(services, caller, status=status) for status in transactions.STATUSES}
    assert found == {"pending": [pending], "committed": [committed], "rolled_back": [rolled_back]}


def test_each_step_is_an_audit_entry_without_the_states(services, agent, caller):
    secret = "only in the state"
    begun = transactions.begin(services, agent, Wanted({"s": secret}, action_type="transfer", value_e4=5))
    transactions.commit(services, agent, begun.id, {"t": secret})
    transactions.roll_back(services, agent, begun.id, "why not")
    first, second, third = audited(services, caller.organization_id)
    assert first[0] == "transaction.begun"
    assert (first[1]["action_type"], first[1]["value_usd"]) == ("transfer", "0.0005")
    assert len(first[1]["pre_state_sha256"]) == 64
    assert second[0] == "transaction.committed"
    assert third == ("transaction.rolled_back", {"from": "committed", "reason": "why not"})
    told = entries(services, caller.organization_id)
    assert {(entry.agent_id, entry.transaction_id) for entry in told} == {(agent.agent_id, begun.id)}
    assert not any(secret in entry.metadata for entry in told)
