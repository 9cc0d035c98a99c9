"""What an agent may do in one go, over HTTP: exact money, the clock, and who may ask."""

from __future__ import annotations

import pytest

from tests.surfaces.agents_with_keys import agent, bearer, refused, tokens

SESSIONS, BEGIN = "/sessions", "/transactions/begin"
NOBODYS = "65542fec-e4e8-45e2-b4df-381038e21143"


@pytest.fixture
def agent_id(client):
    return agent(client)["id"]


@pytest.fixture
def acting(client):
    """An agent's id and the headers of its calls."""
    made = agent(client)
    return made["id"], bearer(tokens(client, made)["access_token"])


def create(client, agent_id, **limits):
    answer = client.post(SESSIONS, json={"agent_id": agent_id, **limits})
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("100.5", "100.5"),
        ('"0.1000"', "0.1"),
        ("0.0001", "0.0001"),
        ("100", "100"),
        ("1E2", "100"),
        ("123456789012.3456", "123456789012.3456"),  # more digits than binary floating point has here
        ('"999999999999.9999"', "999999999999.9999"),
        ("0", "0"),
        ("null", "null"),
    ],
)
def test_money_is_kept_digit_for_digit(client, agent_id, sent, answered):
    body = f'{{"agent_id": "{agent_id}", "max_value_usd": {sent}}}'
    answer = client.post(SESSIONS, data=body, content_type="application/json")
    assert answer.status_code == 201, answer.text
    assert f'"max_value_usd":{answered},' in answer.text
    assert f'"max_value_usd":{answered},' in client.get(f"{SESSIONS}/{answer.json['id']}").text


def test_tenths_add_up_to_their_limit(client, acting):
    agent_id, headers = acting
    session = create(client, agent_id, max_value_usd=0.3)
    for _ in range(3):
        body = {"pre_state": {}, "session_id": session["id"], "value_usd": 0.1}
        assert client.post(BEGIN, json=body, headers=headers).status_code == 201
    body["value_usd"] = 0.0001
    assert refused(client.post(BEGIN, json=body, headers=headers)) == (409, "session_limit_reached")
    assert '"value_used_usd":0.3,' in client.get(f"{SESSIONS}/{session['id']}").text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_value_usd", 0.00001),
        ("max_value_usd", -1),
        ("max_value_usd", True),
        ("max_value_usd", "1e5"),
        ("max_value_usd", 10**12),
        ("max_actions", 0),
        ("max_actions", -1),
        ("max_actions", 1.5),
        ("max_actions", True),
        ("max_actions", 10**10),
        ("expires_in_seconds", 0),
        ("expires_in_seconds", 367 * 86_400),
        ("agent_id", ""),
        ("agent_id", None),
        ("agent_id", 7),
    ],
)
def test_a_limit_that_cannot_be_is_422(client, agent_id, field, value):
    answer = client.post(SESSIONS, json={"agent_id": agent_id, field: value})
    assert refused(answer)[0] == 422
    assert field in answer.json["detail"]
    assert client.get(SESSIONS).json == []


@pytest.mark.parametrize(
    "query", ["status=gone", "limit=0", "limit=1001", "limit=x", "offset=-1", "agent_id=%00"]
)
def test_a_query_that_cannot_be_is_422(client, query):
    assert refused(client.get(f"{SESSIONS}?{query}"))[0] == 422


def test_a_session_expires_by_the_clock(client, acting, clock):
    agent_id, headers = acting
    session = create(client, agent_id, expires_in_seconds=60)
    clock.advance(60_000)
    assert client.get(f"{SESSIONS}/{session['id']}").json["status"] == "expired"
    body = {"pre_state": {}, "session_id": session["id"]}
    assert refused(client.post(BEGIN, json=body, headers=headers)) == (409, "session_expired")
    assert client.get(f"{SESSIONS}?status=expired").json[0]["id"] == session["id"]
    assert client.get(f"{SESSIONS}?status=active").json == []


def test_pages_follow_each_other(client, agent_id, clock):
    made = []
    for _ in range(3):
        made.insert(0, create(client, agent_id))
        clock.advance(1)
    assert client.get(SESSIONS).json == made
    assert client.get(f"{SESSIONS}?limit=2").json == made[:2]
    assert client.get(f"{SESSIONS}?limit=2&offset=2").json == made[2:]


def test_it_is_ended_without_a_body(client, agent_id):
    session = create(client, agent_id)
    answer = client.post(f"{SESSIONS}/{session['id']}/end", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json["status"]) == (200, "ended")


@pytest.mark.parametrize("id", [NOBODYS, "x", "a%00b", "%ED%A0%80", "..", "0" * 4_000])
def test_a_session_that_is_not_there_is_404(client, id):
    assert refused(client.get(f"{SESSIONS}/{id}")) == (404, "not_found")
    assert refused(client.post(f"{SESSIONS}/{id}/end")) == (404, "not_found")


def test_a_suspended_agent_gets_no_session(client, agent_id):
    assert client.patch(f"/v1/agents/{agent_id}", json={"status": "suspended"}).status_code == 200
    answer = client.post(SESSIONS, json={"agent_id": agent_id})
    assert refused(answer) == (403, "agent_suspended")


def test_a_revoked_agent_gets_no_session(client, agent_id):
    assert client.delete(f"/v1/agents/{agent_id}").status_code == 200
    assert refused(client.post(SESSIONS, json={"agent_id": agent_id})) == (403, "agent_revoked")


def test_a_key_needs_the_scope(sandbox, client, agent_id):
    session = create(client, agent_id)
    reader, changer = sandbox.key("read"), sandbox.key("agents")
    stranger = sandbox.app.test_client()
    calls = [
        ("POST", SESSIONS, reader),
        ("POST", f"{SESSIONS}/{session['id']}/end", reader),
        ("GET", SESSIONS, changer),
        ("GET", f"{SESSIONS}/{session['id']}", changer),
    ]
    for method, path, key in calls:
        body = {"agent_id": agent_id} if method == "POST" else None
        answer = stranger.open(path, method=method, json=body, headers={"X-API-Key": key})
        assert refused(answer) == (403, "insufficient_scope")
        assert refused(stranger.open(path, method=method, json=body)) == (401, "unauthenticated")
