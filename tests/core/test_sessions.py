"""A session's limits hold exactly, whoever begins what at the same time."""

from __future__ import annotations

import pytest

from precog.core import administration, audit_chain, sessions, transactions
from precog.core.sessions import Wanted
from precog.errors import (
    AgentDeactivated,
    AgentRevoked,
    AgentSuspended,
    Forbidden,
    NotFound,
    SessionEnded,
    SessionExpired,
    SessionLimitReached,
)
from tests.conftest import NOW
from tests.identifying import acting, audited, entries, identity, operator
from tests.parallel import in_processes, in_threads


@pytest.fixture
def services(sandbox):
    return sandbox.services


@pytest.fixture
def caller(sandbox):
    return operator(sandbox)


@pytest.fixture
def agent_id(services, sandbox):
    return identity(services, sandbox.organization_id)


@pytest.fixture
def make(services, caller, agent_id):
    """Make a session of the agent; its id."""
    return lambda **limits: sessions.create(services, caller, Wanted(agent_id, **limits)).record.id


@pytest.fixture
def begin(services, caller, agent_id):
    """Begin a transaction of the agent in a session."""

    def run(session_id, *, value_e4=None):
        wanted = transactions.Wanted({}, session_id=session_id, value_e4=value_e4)
        return transactions.begin(services, acting(caller, agent_id), wanted)

    return run


def counted(services, caller, session_id):
    record = sessions.get(services, caller, session_id).record
    return record.action_count, record.value_used_e4


def test_a_session_is_stored_as_it_was_wanted(services, caller, agent_id):
    made = sessions.create(services, caller, Wanted(agent_id, 10, 1_000_000, 3_600))
    assert sessions.get(services, caller, made.record.id) == made
    record = made.record
    assert (record.agent_id, record.organization_id) == (agent_id, caller.organization_id)
    assert (record.max_actions, record.max_value_e4, record.expires_at) == (10, 1_000_000, NOW + 3_600_000)
    assert (made.status, record.action_count, record.value_used_e4) == ("active", 0, 0)


def test_there_are_no_more_actions_than_the_limit_among_32_at_once(services, caller, make, begin):
    session_id = make(max_actions=10)
    found = in_threads(32, lambda number: begin(session_id))
    begun = [one for one in found if not isinstance(one, Exception)]
    assert sorted(one.sequence_number for one in begun) == list(range(1, 11))
    assert {type(one) for one in found if isinstance(one, Exception)} == {SessionLimitReached}
    assert counted(services, caller, session_id) == (10, 0)
    assert (
        len(transactions.page(services, caller, session_id=session_id, status=None, limit=99, offset=0)) == 10
    )


def test_there_is_no_more_value_than_the_limit_among_32_at_once(services, caller, make, begin):
    session_id = make(max_value_e4=10_0005)
    found = in_threads(32, lambda number: begin(session_id, value_e4=1_0000))
    assert sum(not isinstance(one, Exception) for one in found) == 10
    assert counted(services, caller, session_id) == (10, 10_0000)
    begin(session_id, value_e4=5)
    with pytest.raises(SessionLimitReached, match="value"):
        begin(session_id, value_e4=1)


MANY_BEGINNINGS = """
from concurrent.futures import ThreadPoolExecutor
from precog.core import transactions
from precog.core.agent_tokens import AgentCaller
from precog.core.services import build
from precog.errors import SessionLimitReached

database, pepper, now, key, agent_id, session_id = arguments
services = build(database=database, pepper=pepper, clock=lambda: int(now), unauthenticated_per_minute=9)
caller = services.authenticator.authenticate(key)
agent = AgentCaller(caller.organization_id, agent_id, frozenset(), "a-token", int(now) + 60_000, caller)
wanted = transactions.Wanted({}, session_id=session_id, value_e4=1_0000)

def begin(number):
    try:
        return str(transactions.begin(services, agent, wanted).sequence_number)
    except SessionLimitReached:
        return None

go()
with ThreadPoolExecutor(16) as pool:
    print(*filter(None, pool.map(begin, range(32))), sep=",")
services.close()
"""


@pytest.mark.parametrize("limits", [{"max_actions": 10}, {"max_value_e4": 10_5000}])
def test_the_limits_hold_among_two_processes(sandbox, services, caller, agent_id, make, database_url, limits):
    session_id = make(**limits)
    printed = in_processes(
        2,
        MANY_BEGINNINGS,
        database_url,
        services.pepper,
        str(sandbox.clock()),
        sandbox.key("agents"),
        agent_id,
        session_id,
    )
    begun = [int(number) for one in printed for number in one.strip().split(",") if number]
    assert sorted(begun) == list(range(1, 11))
    assert counted(services, caller, session_id) == (10, 10_0000)
    assert audit_chain.verify(services, caller.organization_id).is_valid


def test_what_is_refused_takes_nothing(services, caller, make, begin):
    session_id = make(max_actions=3, max_value_e4=1_0000)
    begin(session_id, value_e4=6000)
    with pytest.raises(SessionLimitReached, match="value"):
        begin(session_id, value_e4=4001)
    assert counted(services, caller, session_id) == (1, 6000)
    begin(session_id, value_e4=4000)
    begin(session_id)
    with pytest.raises(SessionLimitReached, match="actions"):
        begin(session_id)
    assert counted(services, caller, session_id) == (3, 1_0000)


def test_a_session_without_a_limit_counts_what_fits(services, caller, make, begin):
    session_id = make()
    services.db.write(lambda tx: tx.run("UPDATE sessions SET value_used_e4 = 8999999999999999999"))
    begin(session_id, value_e4=1)
    with pytest.raises(SessionLimitReached):
        begin(session_id, value_e4=1)
    assert counted(services, caller, session_id) == (1, 9 * 10**18)


def test_a_session_expires_by_the_clock(services, caller, make, begin, clock):
    session_id = make(expires_in_s=60)
    clock.advance(59_999)
    begin(session_id)
    assert sessions.get(services, caller, session_id).status == "active"
    clock.advance(1)
    with pytest.raises(SessionExpired):
        begin(session_id)
    assert sessions.get(services, caller, session_id).status == "expired"
    assert counted(services, caller, session_id) == (1, 0)


def test_nothing_begins_in_a_session_that_has_ended(services, caller, make, begin, clock):
    session_id = make(max_actions=1, expires_in_s=60)
    begin(session_id)
    clock.advance(1_000)
    ended = sessions.end(services, caller, session_id)
    assert (ended.status, ended.record.ended_at) == ("ended", NOW + 1_000)
    clock.advance(60_000)
    with pytest.raises(SessionEnded):  # which tells more than that it is full and expired as well
        begin(session_id)
    assert sessions.get(services, caller, session_id).status == "ended"


def test_ending_again_changes_nothing(services, caller, make, clock):
    session_id = make()
    first = sessions.end(services, caller, session_id)
    clock.advance(1_000)
    assert sessions.end(services, caller, session_id) == first
    assert [event for event, _ in audited(services, caller.organization_id)].count("session.ended") == 1


def test_an_expired_session_stays_expired_when_it_is_ended(services, caller, make, clock):
    session_id = make(expires_in_s=1)
    clock.advance(1_000)
    assert sessions.end(services, caller, session_id).status == "expired"
    assert sessions.get(services, caller, session_id).record.ended_at is None


def test_another_agents_session_is_its_own(services, caller, make, sandbox):
    session_id = make()
    other = acting(caller, identity(services, sandbox.organization_id))
    with pytest.raises(Forbidden):
        transactions.begin(services, other, transactions.Wanted({}, session_id=session_id))
    assert counted(services, caller, session_id) == (0, 0)


def test_another_organizations_session_is_not_there(services, caller, make, sandbox):
    session_id = make()
    other_id = sandbox_of_another(sandbox)
    stranger = operator(sandbox, organization_id=other_id)
    agent = acting(stranger, identity(services, other_id))
    with pytest.raises(NotFound):
        transactions.begin(services, agent, transactions.Wanted({}, session_id=session_id))
    with pytest.raises(NotFound):
        sessions.get(services, stranger, session_id)
    with pytest.raises(NotFound):
        sessions.end(services, stranger, session_id)
    assert listed(services, stranger) == []
    assert sessions.get(services, caller, session_id).status == "active"


def sandbox_of_another(sandbox):
    return administration.create_organization(sandbox.services, "Another", "ENTERPRISE").id


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("suspended_at = 1", AgentSuspended),
        ("revoked_at = 1, deactivated_at = 1", AgentRevoked),
        ("deactivated_at = 1", AgentDeactivated),
    ],
)
def test_an_agent_that_may_not_act_gets_no_session(services, make, agent_id, change, refusal):
    services.db.write(lambda tx: tx.run(f"UPDATE agents SET {change} WHERE id = :id", id=agent_id))
    with pytest.raises(refusal):
        make()


def test_an_agent_without_an_identity_gets_no_session(services, caller):
    with pytest.raises(NotFound):
        sessions.create(services, caller, Wanted("nobody"))


def listed(services, caller, *, agent_id=None, status=None, limit=100, offset=0):
    found = sessions.page(services, caller, agent_id=agent_id, status=status, limit=limit, offset=offset)
    return [session.record.id for session in found]


def test_sessions_are_listed_newest_first_and_by_status(services, caller, make, clock):
    made = {}
    for name, limits in (("ended", {}), ("expired", {"expires_in_s": 1}), ("active", {"expires_in_s": 9})):
        made[name] = make(**limits)
        clock.advance(500)
    sessions.end(services, caller, made["ended"])
    clock.advance(500)
    assert listed(services, caller) == [made["active"], made["expired"], made["ended"]]
    for status, id in made.items():
        assert listed(services, caller, status=status) == [id]
    assert listed(services, caller, limit=1, offset=1) == [made["expired"]]


def test_sessions_are_listed_by_agent(services, caller, make, agent_id, sandbox):
    mine = make()
    other = identity(services, sandbox.organization_id)
    theirs = sessions.create(services, caller, Wanted(other)).record.id
    assert listed(services, caller, agent_id=agent_id) == [mine]
    assert listed(services, caller, agent_id=other, status="active") == [theirs]


def test_each_change_is_an_audit_entry(services, caller, make, begin, agent_id):
    session_id = make(max_actions=2, max_value_e4=19_9900)
    begin(session_id, value_e4=5000)
    sessions.end(services, caller, session_id)
    created, _, ended = audited(services, caller.organization_id)
    assert created == (
        "session.created",
        {"key_id": caller.key_id, "max_actions": 2, "max_value_usd": "19.99", "expires_at": None},
    )
    assert ended == (
        "session.ended",
        {"key_id": caller.key_id, "action_count": 1, "value_used_usd": "0.5"},
    )
    told = {(entry.agent_id, entry.session_id) for entry in entries(services, caller.organization_id)}
    assert told == {(agent_id, session_id)}


def test_what_is_refused_is_no_audit_entry(services, caller, make, begin):
    session_id = make(max_actions=1)
    begin(session_id)
    before = len(entries(services, caller.organization_id))
    with pytest.raises(SessionLimitReached):
        begin(session_id)
    assert len(entries(services, caller.organization_id)) == before
