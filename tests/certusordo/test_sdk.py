"""The official client, unchanged but for its base URL, through every method that it has."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta

import pytest
from certusrodo import AuthenticationError, CertusOrdoClient

from .calling import refused, until

METHODS = {
    "organizations": {"create", "list", "get"},
    "agents": {"create", "list", "get", "revoke"},
    "auth": {"get_token", "refresh_token", "revoke_token", "set_token"},
    "sessions": {"create", "list", "get", "end"},
    "transactions": {"begin", "commit", "rollback", "list", "get"},
    "audit": {"list", "verify"},
}


def test_no_method_of_the_client_is_left_out() -> None:
    client = CertusOrdoClient("aa_key")
    found = {
        name: {method for method, _ in inspect.getmembers(resource, inspect.ismethod) if method[0] != "_"}
        for name, resource in vars(client).items()
        if type(resource).__name__.endswith("Resource")
    }
    client.close()
    assert found == METHODS


def test_it_works(client):
    assert client.health_check()["status"] == "healthy"


# --- organizations


def test_an_organization_is_made_and_its_key_works(live):
    with live.client(live.operator_key) as operator:
        made = operator.organizations.create("Umbrella")
    assert made.api_key.startswith("aa_")
    assert made.api_key.startswith(made.api_key_prefix)
    with live.client(made.api_key) as client:
        (seen,) = client.organizations.list()
        assert client.organizations.get(made.id) == seen
    assert (seen.id, seen.name, seen.is_active) == (made.id, "Umbrella", True)
    assert (seen.api_key_prefix, seen.created_at) == (made.api_key_prefix, made.created_at)


# --- agents


def test_an_agent_is_made_found_and_listed(client, agent):
    assert agent.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    assert agent.secret.startswith("sk_live_")
    assert (agent.scopes, agent.status) == (["payments:write"], "active")
    found = client.agents.get(agent.id)
    assert (found.id, found.name, found.organization_id) == (agent.id, "payer", agent.organization_id)
    assert found.key_fingerprint.startswith("sha256:")
    assert found.public_key == agent.public_key
    (listed,) = client.agents.list()
    assert (listed.id, listed.scopes, listed.last_auth_at) == (agent.id, ["payments:write"], None)


def test_an_agent_is_revoked_for_good(client, agent):
    revoked = client.agents.revoke(agent.id)
    assert (revoked.id, revoked.name, revoked.status) == (agent.id, "payer", "revoked")
    assert client.agents.revoke(agent.id).status == "revoked"
    assert client.agents.list(status="active") == []
    assert [one.id for one in client.agents.list(status="revoked")] == [agent.id]


# --- auth


def test_an_agent_gets_a_token_and_renews_it(client, agent):
    pair = client.auth.get_token(agent.id, agent.secret)
    assert (pair.token_type, pair.expires_in) == ("bearer", 3600)
    assert client.auth.current_token == pair.access_token
    renewed = client.auth.refresh_token(pair.refresh_token)
    assert client.auth.current_token == renewed.access_token != pair.access_token
    assert (renewed.token_type, renewed.expires_in) == ("bearer", 3600)
    assert client.transactions.begin({}).agent_id == agent.id
    assert client.transactions.begin({}, access_token=pair.access_token).agent_id == agent.id
    assert client.auth.refresh_token(pair.refresh_token).access_token
    assert client.agents.get(agent.id).last_auth_at is not None


def test_a_revoked_token_works_no_more(client, agent):
    pair = client.auth.get_token(agent.id, agent.secret)
    assert client.auth.revoke_token(pair.refresh_token) is True
    with pytest.raises(AuthenticationError):
        client.transactions.begin({})
    with pytest.raises(AuthenticationError):
        client.auth.refresh_token(pair.refresh_token)


def test_the_tokens_of_a_revoked_agent_work_no_more(acting, agent):
    acting.agents.revoke(agent.id)
    with pytest.raises(AuthenticationError):
        acting.transactions.begin({})
    with pytest.raises(AuthenticationError):
        acting.auth.get_token(agent.id, agent.secret)


def test_a_token_that_was_kept_is_set_again(live, client, agent):
    token = client.auth.get_token(agent.id, agent.secret).access_token
    with live.client() as later:
        later.auth.set_token(token)
        assert later.transactions.begin({"n": 1}).agent_id == agent.id


# --- sessions


def test_a_session_is_made_found_listed_and_ended(client, agent):
    before = datetime.now(UTC)
    made = client.sessions.create(agent.id, max_actions=3, max_value_usd=100.5, expires_in_seconds=600)
    assert (made.agent_id, made.status, made.max_actions, made.action_count) == (agent.id, "active", 3, 0)
    assert (made.max_value_usd, made.value_used_usd, made.ended_at) == (100.5, 0.0, None)
    assert timedelta(seconds=595) < made.expires_at - before < timedelta(seconds=660)
    assert client.sessions.get(made.id) == made
    assert client.sessions.list(agent_id=agent.id, status="active") == [made]
    ended = client.sessions.end(made.id)
    assert ended.status == "ended"
    assert ended.ended_at >= made.created_at
    assert client.sessions.list(status="active") == []
    assert client.sessions.list() == client.sessions.list(status="ended") == [ended]


def test_a_session_expires(acting, agent):
    made = acting.sessions.create(agent.id, expires_in_seconds=1)
    until(lambda: acting.sessions.get(made.id).status == "expired")
    assert [one.id for one in acting.sessions.list(status="expired")] == [made.id]
    with refused(409, "session_expired"):
        acting.transactions.begin({}, session_id=made.id)


# --- transactions


def test_a_transaction_is_begun_and_committed(acting, agent):
    session = acting.sessions.create(agent.id)
    before = {"balance": 1000, "rate": 0.1, "nested": {"deep": [1, None, "ü"]}}
    begun = acting.transactions.begin(
        before, action_type="transfer", session_id=session.id, rollback_confidence="medium"
    )
    assert (begun.status, begun.action_type, begun.rollback_confidence) == ("pending", "transfer", "medium")
    assert (begun.agent_id, begun.session_id, begun.sequence_number) == (agent.id, session.id, 1)
    assert (begun.pre_state_snapshot, begun.post_state_snapshot) == (before, None)
    done = acting.transactions.commit(begun.id, {"balance": 500})
    assert (done.status, done.post_state_snapshot) == ("committed", {"balance": 500})
    assert done.committed_at >= begun.created_at
    assert acting.transactions.get(begun.id) == done
    assert acting.sessions.get(session.id).action_count == 1


@pytest.mark.parametrize("reason", [None, "wrong account"])
@pytest.mark.parametrize("committed", [False, True])
def test_a_transaction_is_rolled_back(acting, committed, reason):
    begun = acting.transactions.begin({"balance": 1000})
    if committed:
        acting.transactions.commit(begun.id, {"balance": 500})
    undone = acting.transactions.rollback(begun.id, reason=reason)
    assert (undone.id, undone.status, undone.pre_state_snapshot) == (
        begun.id,
        "rolled_back",
        {"balance": 1000},
    )
    assert undone.message
    seen = acting.transactions.get(begun.id)
    assert (seen.status, seen.rolled_back_at) == ("rolled_back", undone.rolled_back_at)


def test_transactions_are_listed(acting, agent):
    session = acting.sessions.create(agent.id)
    one = acting.transactions.begin({}, session_id=session.id)
    two = acting.transactions.begin({})
    acting.transactions.commit(two.id, {})
    assert {found.id for found in acting.transactions.list()} == {one.id, two.id}
    assert [found.id for found in acting.transactions.list(session_id=session.id)] == [one.id]
    assert [found.id for found in acting.transactions.list(status="committed")] == [two.id]


def test_a_session_admits_as_many_actions_as_it_says(acting, agent):
    session = acting.sessions.create(agent.id, max_actions=2)
    for number in (1, 2):
        assert acting.transactions.begin({}, session_id=session.id).sequence_number == number
    with refused(409, "session_limit_reached"):
        acting.transactions.begin({}, session_id=session.id)


# --- audit


def test_what_happened_is_in_the_log_and_the_log_is_whole(acting, agent):
    session = acting.sessions.create(agent.id)
    begun = acting.transactions.begin({}, session_id=session.id)
    acting.transactions.commit(begun.id, {})
    acting.transactions.rollback(begun.id)
    acting.sessions.end(session.id)
    acting.agents.revoke(agent.id)
    page = acting.audit.list()
    assert (page.page, page.page_size, page.has_more) == (1, 50, False)
    assert page.total == len(page.entries)
    events = [entry.event_type for entry in reversed(page.entries)]
    assert events[0] == "organization.created"
    assert [event for event in events if event.startswith(("session", "transaction"))] == [
        "session.created",
        "transaction.begun",
        "transaction.committed",
        "transaction.rolled_back",
        "session.ended",
    ]
    numbers = [entry.sequence_number for entry in page.entries]
    assert sorted(numbers) == list(range(1, page.total + 1))
    (committed,) = acting.audit.list(event_type="transaction.committed", agent_id=agent.id).entries
    assert (committed.transaction_id, committed.session_id) == (begun.id, session.id)
    verified = acting.audit.verify()
    assert (verified.is_valid, verified.errors) == (True, [])
    assert (verified.first_entry_sequence, verified.last_entry_sequence) == (1, page.total)
    assert verified.entries_verified == page.total


def test_the_log_has_pages(acting, agent):
    for _ in range(3):
        acting.transactions.begin({})
    whole = acting.audit.list().entries
    first = acting.audit.list(page=1, page_size=2)
    second = acting.audit.list(page=2, page_size=2)
    assert first.has_more
    assert first.entries + second.entries == whole[:4]
