"""What the official client raises: it can read every error of the server, and says what it was.

It tells apart that somebody may not (401, 403) from all else; its other classes it never raises itself.
"""

from __future__ import annotations

import uuid

import certusrodo
import pytest
from certusrodo import AuthenticationError, CertusOrdoClient, CertusOrdoError

from tests.live import free_port

from .calling import refused

STATE_BYTES = 256 * 1024
NOBODY = str(uuid.uuid4())


def test_the_clients_other_errors_are_errors_of_its_own() -> None:
    for name in ("ValidationError", "NotFoundError", "RateLimitError", "TransactionError", "SessionError"):
        assert issubclass(getattr(certusrodo, name), CertusOrdoError)


@pytest.mark.parametrize("key", ["", "px_live_other", "sk_live_other"])
def test_a_key_of_another_kind_is_not_even_sent(key):
    with pytest.raises(AuthenticationError):
        CertusOrdoClient(key)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.organizations.list(),
        lambda client: client.organizations.create("Mine"),
        lambda client: client.agents.create("mine"),
        lambda client: client.sessions.list(),
        lambda client: client.transactions.list(),
        lambda client: client.audit.verify(),
    ],
)
def test_a_key_that_nobody_has_is_refused(live, call):
    with live.client("aa_nobody") as client, pytest.raises(AuthenticationError, match="Invalid API key"):
        call(client)
    with live.client("aa_nobody") as client:
        assert client.health_check()["status"] == "healthy"


def test_another_organization_makes_none(client):
    with pytest.raises(AuthenticationError, match="Forbidden"):
        client.organizations.create("Mine")


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.organizations.get("org-0000000000000000"),
        lambda client: client.agents.get(NOBODY),
        lambda client: client.agents.get("nobody"),
        lambda client: client.agents.revoke(NOBODY),
        lambda client: client.sessions.get(NOBODY),
        lambda client: client.sessions.get("nothing"),
        lambda client: client.sessions.end(NOBODY),
        lambda client: client.sessions.create(NOBODY),
        lambda client: client.transactions.get(NOBODY),
        lambda client: client.transactions.get("nothing"),
        lambda client: client.transactions.begin({}, session_id=NOBODY),
        lambda client: client.transactions.commit(NOBODY, {}),
        lambda client: client.transactions.rollback(NOBODY),
        lambda client: client._request("GET", "/v1/no/such/route"),
        lambda client: client._request("GET", "/sessions/"),
    ],
)
def test_what_is_not_there_is_404(acting, call):
    with refused(404, "not_found"):
        call(acting)


def test_another_organizations_things_are_404(live, client, acting, agent):
    session = acting.sessions.create(agent.id)
    begun = acting.transactions.begin({})
    with live.client(live.operator_key) as other:
        for call, id in (
            (other.agents.get, agent.id),
            (other.sessions.get, session.id),
            (other.sessions.end, session.id),
            (other.transactions.get, begun.id),
            (other.organizations.get, agent.organization_id),
        ):
            with refused(404, "not_found"):
                call(id)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda client, agent: client.organizations.create(" "), "name"),
        (lambda client, agent: client.agents.create(""), "name"),
        (lambda client, agent: client.agents.create("a", scopes=["no colon"]), "scopes"),
        (lambda client, agent: client.agents.list(status="gone"), "status"),
        (lambda client, agent: client.sessions.create(agent.id, max_actions=-1), "max_actions"),
        (lambda client, agent: client.sessions.create(agent.id, max_value_usd=-0.5), "max_value_usd"),
        (lambda client, agent: client.sessions.create(agent.id, max_value_usd=0.1 + 0.2), "max_value_usd"),
        (lambda client, agent: client.sessions.create(agent.id, expires_in_seconds=-1), "expires_in_seconds"),
        (lambda client, agent: client.sessions.list(status="gone"), "status"),
        (lambda client, agent: client.transactions.list(status="gone"), "status"),
        (lambda client, agent: client.transactions.begin([]), "pre_state"),
        (
            lambda client, agent: client.transactions.begin({}, rollback_confidence="sure"),
            "rollback_confidence",
        ),
        (lambda client, agent: client.transactions.commit(NOBODY, None), "post_state"),
        (lambda client, agent: client.audit.list(page=0), "page"),
        (lambda client, agent: client.audit.list(page_size=0), "page_size"),
    ],
)
def test_a_field_that_is_wrong_is_422_and_named(live, client, agent, call, field):
    client.auth.get_token(agent.id, agent.secret)
    if field == "name":
        client = live.client(live.operator_key)
    with client, pytest.raises(CertusOrdoError, match=field) as refusal:
        call(client, agent)
    assert refusal.value.status_code == 422


def test_a_state_that_is_too_large_is_413(acting):
    with refused(413, "too_large"):
        acting.transactions.begin({"s": "x" * STATE_BYTES})
    begun = acting.transactions.begin({})
    with refused(413, "too_large"):
        acting.transactions.commit(begun.id, {"s": "x" * STATE_BYTES})


def test_a_step_that_there_is_not_is_409(acting):
    begun = acting.transactions.begin({})
    acting.transactions.commit(begun.id, {})
    with refused(409, "invalid_transition"):
        acting.transactions.commit(begun.id, {})
    acting.transactions.rollback(begun.id)
    for step in (
        lambda: acting.transactions.commit(begun.id, {}),
        lambda: acting.transactions.rollback(begun.id),
    ):
        with refused(409, "invalid_transition"):
            step()


def test_a_session_that_has_ended_is_409(acting, agent):
    session = acting.sessions.create(agent.id)
    acting.sessions.end(session.id)
    with refused(409, "session_ended"):
        acting.transactions.begin({}, session_id=session.id)


def test_only_the_agent_that_began_may_go_on(acting, agent):
    session = acting.sessions.create(agent.id)
    begun = acting.transactions.begin({})
    other = acting.agents.create("other")
    acting.auth.get_token(other.id, other.secret)
    for call in (
        lambda: acting.transactions.commit(begun.id, {}),
        lambda: acting.transactions.rollback(begun.id),
        lambda: acting.transactions.begin({}, session_id=session.id),
    ):
        with pytest.raises(AuthenticationError, match="Forbidden"):
            call()
    assert acting.transactions.get(begun.id).status == "pending"


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
def test_a_token_that_is_none_is_refused(client, token):
    with pytest.raises(AuthenticationError):
        client.transactions.begin({}, access_token=token)


def test_without_a_token_the_client_asks_for_one_itself(client):
    with pytest.raises(AuthenticationError, match="get_token"):
        client.transactions.begin({})


def test_too_many_wrong_secrets_are_429(client, agent):
    errors = []
    for _ in range(30):
        with pytest.raises(CertusOrdoError) as refusal:
            client.auth.get_token(agent.id, "sk_live_wrong")
        errors.append(refusal.value)
        if refusal.value.status_code == 429:
            break
    assert errors[-1].response["code"] == "rate_limited"
    assert {type(error) for error in errors[:-1]} == {AuthenticationError}


def test_a_server_that_is_away_is_the_clients_own_error():
    with CertusOrdoClient("aa_key", base_url=f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(CertusOrdoError, match="Request failed"):
            client.health_check()
