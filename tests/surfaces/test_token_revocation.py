"""Tokens are ended by their agent, and by whoever has one (RFC 7009)."""

from __future__ import annotations

import pytest

from precog.core import administration
from precog.core.times import HOUR_MS
from tests.auditing import told
from tests.surfaces.agents_with_keys import (
    AGENTS,
    REFRESH,
    REVOKE,
    agent,
    bearer,
    refused,
    tokens,
)
from tests.surfaces.test_agent_tokens import make_server as make_server
from tests.surfaces.test_agent_tokens import telemetry
from tests.surfaces.test_agent_tokens import two as two


@pytest.fixture
def stranger(sandbox):
    """A client without a key."""
    return sandbox.app.test_client()


# --- by the agent ---------------------------------------------------------------------------


def test_both_tokens_end_together(client, sandbox):
    made = agent(client)
    held, other = tokens(client, made), tokens(client, made)
    body = {"refresh_token": held["refresh_token"]}
    stranger = sandbox.app.test_client()
    assert telemetry(stranger, held["access_token"]).status_code == 200
    answer = client.post(REVOKE, json=body, headers=bearer(held["access_token"]))
    assert (answer.status_code, answer.json) == (200, {"status": "revoked"})
    assert telemetry(stranger, held["access_token"]).json["error"]["code"] == "INVALID_TOKEN"
    assert refused(client.post(REFRESH, json=body)) == (401, "invalid_credentials")
    assert telemetry(stranger, other["access_token"]).status_code == 200
    assert client.post(REFRESH, json={"refresh_token": other["refresh_token"]}).status_code == 200


def test_with_a_refresh_token_all_access_tokens_end_that_came_of_it(two, clock):
    sandbox, elsewhere = two
    client, made = sandbox.client, agent(sandbox.client)
    held, other = tokens(client, made), tokens(client, made)
    renewal = {"refresh_token": held["refresh_token"]}
    siblings = [client.post(REFRESH, json=renewal).json["access_token"] for _ in range(2)]
    for token in (*siblings, held["access_token"]):
        assert telemetry(sandbox.app.test_client(), token).status_code == 200
        assert telemetry(elsewhere, token).status_code == 200
    client.post(REVOKE, json=renewal, headers=bearer(siblings[0]))
    for token in (*siblings, held["access_token"]):
        assert telemetry(sandbox.app.test_client(), token).json["error"]["code"] == "INVALID_TOKEN"
    clock.advance(5_000)
    assert telemetry(elsewhere, siblings[1]).json["error"]["code"] == "INVALID_TOKEN"
    assert telemetry(elsewhere, other["access_token"]).status_code == 200


def test_an_access_token_that_was_ended_without_its_refresh_token_takes_no_sibling_along(client, sandbox):
    held = tokens(client, agent(client))
    sibling = client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).json["access_token"]
    client.post(REVOKE, json={}, headers=bearer(held["access_token"]))
    assert telemetry(sandbox.app.test_client(), sibling).status_code == 200


def test_an_agent_ends_no_other_agents_refresh_token(client):
    held, other = tokens(client, agent(client)), tokens(client, agent(client))
    body = {"refresh_token": other["refresh_token"]}
    assert client.post(REVOKE, json=body, headers=bearer(held["access_token"])).status_code == 200
    assert client.post(REFRESH, json=body).status_code == 200


def test_without_an_access_token_nothing_is_ended(client):
    held = tokens(client, agent(client))
    body = {"refresh_token": held["refresh_token"]}
    assert refused(client.post(REVOKE, json=body)) == (403, "forbidden")
    assert client.post(REFRESH, json=body).status_code == 200


# --- by itself ------------------------------------------------------------------------------


def revoke(client, token, *, form=True, **headers):
    body = {"token": token, "token_type_hint": "refresh_token"}
    return client.post(REVOKE, **({"data": body} if form else {"json": body}), headers=headers)


@pytest.mark.parametrize("form", [True, False])
def test_a_refresh_token_is_revoked_by_itself_with_what_came_of_it(client, stranger, sandbox, form):
    made = agent(client)
    held, other = tokens(client, made), tokens(client, made)
    assert telemetry(stranger, held["access_token"]).status_code == 200
    for _ in range(2):  # the second time there is nothing to do
        answer = revoke(stranger, held["refresh_token"], form=form)
        assert (answer.status_code, answer.json) == (200, {"status": "revoked"})
    assert client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).status_code == 401
    assert telemetry(stranger, held["access_token"]).status_code == 401
    assert telemetry(stranger, other["access_token"]).status_code == 200
    ends = [
        facts for event, facts in told(sandbox.services.db, made["organization_id"]) if "revoked" in event
    ]
    assert [facts["jti"] for facts in ends] == [None]
    assert ends[0]["refresh_token"].startswith("rt-")


def test_an_access_token_that_has_expired_does_not_keep_a_refresh_token_from_being_revoked(
    client, stranger, clock
):
    held = tokens(client, agent(client))
    clock.advance(2 * HOUR_MS)
    assert revoke(stranger, held["refresh_token"], **bearer(held["access_token"])).status_code == 200
    assert client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).status_code == 401


def test_an_access_token_is_revoked_by_itself_alone(client, stranger):
    held = tokens(client, agent(client))
    assert telemetry(stranger, held["access_token"]).status_code == 200
    assert revoke(stranger, held["access_token"]).status_code == 200
    assert telemetry(stranger, held["access_token"]).status_code == 401
    assert client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).status_code == 200


def test_an_access_token_that_is_revoked_while_its_agent_is_suspended_stays_so(client, stranger):
    made = agent(client)
    held, other = tokens(client, made), tokens(client, made)
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
    assert revoke(stranger, held["access_token"]).json == {"status": "revoked"}
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "active"})
    assert telemetry(stranger, held["access_token"]).json["error"]["code"] == "INVALID_TOKEN"
    assert telemetry(stranger, other["access_token"]).status_code == 200


def test_a_refresh_token_beside_the_token_is_revoked_too(client, stranger):
    made = agent(client)
    held, other = tokens(client, made), tokens(client, made)
    body = {"token": held["access_token"], "refresh_token": other["refresh_token"]}
    assert stranger.post(REVOKE, json=body).json == {"status": "revoked"}
    for one in (held, other):
        assert telemetry(stranger, one["access_token"]).status_code == 401
    assert client.post(REFRESH, json={"refresh_token": other["refresh_token"]}).status_code == 401
    assert client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "rt_live_x", "an api key", "a secret"])
def test_of_what_is_no_token_nothing_is_told_and_nothing_ended(client, stranger, sandbox, token):
    made = agent(client)
    token = {"an api key": sandbox.key(), "a secret": made["secret"]}.get(token, token)
    before = told(sandbox.services.db, sandbox.organization_id)
    assert revoke(stranger, token).json == {"status": "revoked"}
    assert told(sandbox.services.db, sandbox.organization_id) == before
    assert client.get(f"{AGENTS}/{made['id']}").json["status"] == "active"


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_a_key_that_comes_along_must_be_the_same_organizations(client, stranger, sandbox, kind):
    held = tokens(client, agent(client))
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    theirs = {"X-API-Key": sandbox.key("agents", organization_id=other.id)}
    assert refused(revoke(stranger, held[kind], **theirs)) == (403, "wrong_organization")
    assert refused(revoke(stranger, held[kind], **{"X-API-Key": "aa_wrong"})) == (401, "unauthenticated")
    assert client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).status_code == 200
    assert telemetry(stranger, held["access_token"]).status_code == 200
    assert revoke(client, held[kind]).status_code == 200
    assert telemetry(stranger, held["access_token"]).status_code == 401


def test_what_is_asked_without_a_key_counts_for_the_address(make_sandbox, database_url):
    sandbox = make_sandbox(database=database_url, unauthenticated_per_minute=5)
    held = tokens(sandbox.client, agent(sandbox.client))
    stranger = sandbox.app.test_client()
    assert [revoke(stranger, "x").status_code for _ in range(5)] == [200] * 5
    assert refused(revoke(stranger, "x")) == (429, "rate_limited")
    assert telemetry(sandbox.client, held["access_token"]).status_code == 429
