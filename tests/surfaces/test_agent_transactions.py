"""What agents do, over HTTP: states as they were sent, steps that are refused, and who may take them."""

from __future__ import annotations

import pytest

from tests.surfaces.agents_with_keys import agent, as_agent, bearer, refused, tokens

TRANSACTIONS, BEGIN = "/transactions", "/transactions/begin"
STATE_BYTES = 256 * 1024
NOBODYS = "65542fec-e4e8-45e2-b4df-381038e21143"


@pytest.fixture
def token(client):
    return tokens(client, agent(client))["access_token"]


@pytest.fixture
def acting(sandbox, token):
    """A client that has an agent's access token and no key."""
    return as_agent(sandbox, token)


def begin(acting, **fields):
    answer = acting.post(BEGIN, json={"pre_state": {}, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_a_state_is_answered_as_it_was_sent(client, acting):
    state = '{"z":0.10,"a":12345678901234567.890123,"m":[1E+2,-0.0,null,true],"ü":"\\u0001"}'
    sent = f'{{"pre_state": {state}, "rollback_procedure": {state}}}'
    begun = acting.post(BEGIN, data=sent, content_type="application/json")
    assert begun.status_code == 201, begun.text
    id = begun.json["id"]
    body = f'{{"post_state": {state}}}'
    done = acting.post(f"{TRANSACTIONS}/{id}/commit", data=body, content_type="application/json")
    read = client.get(f"{TRANSACTIONS}/{id}")
    for answer, count in (
        (begun, 2),
        (done, 3),
        (read, 3),
        (acting.post(f"{TRANSACTIONS}/{id}/rollback"), 2),
    ):
        assert answer.text.count(state) == count, answer.text


def test_an_action_needs_an_agents_token(client, acting):
    id = begin(acting)
    for path, body in (
        (BEGIN, {"pre_state": {}}),
        (f"{TRANSACTIONS}/{id}/commit", {"post_state": {}}),
        (f"{TRANSACTIONS}/{id}/rollback", {}),
    ):
        assert refused(client.post(path, json=body)) == (403, "forbidden")
        assert refused(acting.application.test_client().post(path, json=body)) == (401, "unauthenticated")
    assert client.get(f"{TRANSACTIONS}/{id}").json["status"] == "pending"


def test_only_the_agent_that_began_goes_on(sandbox, client, acting):
    id = begin(acting)
    other = as_agent(sandbox, tokens(client, agent(client))["access_token"])
    assert refused(other.post(f"{TRANSACTIONS}/{id}/commit", json={"post_state": {}})) == (403, "forbidden")
    assert refused(other.post(f"{TRANSACTIONS}/{id}/rollback")) == (403, "forbidden")
    assert client.get(f"{TRANSACTIONS}/{id}").json["status"] == "pending"


def test_a_key_beside_the_token_is_what_clients_send(client, token):
    answer = client.post(BEGIN, json={"pre_state": {}}, headers=bearer(token))
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pre_state", None),
        ("pre_state", []),
        ("pre_state", "text"),
        ("rollback_procedure", 7),
        ("rollback_confidence", "sure"),
        ("rollback_confidence", None),
        ("value_usd", -1),
        ("value_usd", 0.00001),
        ("action_type", ""),
        ("action_type", "x" * 201),
        ("session_id", 7),
    ],
)
def test_a_field_that_cannot_be_is_422(acting, client, field, value):
    answer = acting.post(BEGIN, json={"pre_state": {}, field: value})
    assert refused(answer)[0] == 422
    assert field in answer.json["detail"]
    assert client.get(TRANSACTIONS).json == []


@pytest.mark.parametrize("field", ["pre_state", "rollback_procedure"])
def test_a_state_is_bounded(acting, field):
    fits = {"s": "x" * (STATE_BYTES - len('{"s":""}'))}
    assert acting.post(BEGIN, json={"pre_state": {}, field: fits}).status_code == 201
    answer = acting.post(BEGIN, json={"pre_state": {}, field: {**fits, "t": 1}})
    assert refused(answer) == (413, "too_large")
    assert field in answer.json["detail"]


def test_a_rollback_takes_a_reason_or_no_body_at_all(client, acting):
    told, untold, empty = begin(acting), begin(acting), begin(acting)
    acting.post(f"{TRANSACTIONS}/{told}/rollback", json={"reason": "wrong account"})
    acting.post(f"{TRANSACTIONS}/{untold}/rollback")
    acting.post(f"{TRANSACTIONS}/{empty}/rollback", headers={"Content-Type": "application/json"})
    reasons = [client.get(f"{TRANSACTIONS}/{id}").json["reason"] for id in (told, untold, empty)]
    assert reasons == ["wrong account", None, None]


@pytest.mark.parametrize(
    ("body", "status"),
    [("[]", 400), ("{", 400), ('{"reason": 7}', 422), (f'{{"reason": "{"x" * 2001}"}}', 422)],
)
def test_a_rollback_whose_body_is_wrong_changes_nothing(client, acting, body, status):
    id = begin(acting)
    answer = acting.post(f"{TRANSACTIONS}/{id}/rollback", data=body, content_type="application/json")
    assert refused(answer)[0] == status
    assert client.get(f"{TRANSACTIONS}/{id}").json["status"] == "pending"


def test_a_step_that_there_is_not_is_409_and_changes_nothing(client, acting):
    id = begin(acting)
    acting.post(f"{TRANSACTIONS}/{id}/rollback", json={"reason": "first"})
    before = client.get(f"{TRANSACTIONS}/{id}").json
    steps = [
        acting.post(f"{TRANSACTIONS}/{id}/commit", json={"post_state": {"n": 1}}),
        acting.post(f"{TRANSACTIONS}/{id}/rollback", json={"reason": "second"}),
    ]
    assert [refused(answer) for answer in steps] == [(409, "invalid_transition")] * 2
    assert client.get(f"{TRANSACTIONS}/{id}").json == before


def test_what_was_begun_in_a_session_ends_after_it(client, acting):
    agent_id = client.get("/v1/agents").json[0]["id"]
    session = client.post("/sessions", json={"agent_id": agent_id}).json["id"]
    one, two = begin(acting, session_id=session), begin(acting, session_id=session)
    assert client.post(f"/sessions/{session}/end").status_code == 200
    assert acting.post(f"{TRANSACTIONS}/{one}/commit", json={"post_state": {}}).status_code == 200
    assert acting.post(f"{TRANSACTIONS}/{two}/rollback").status_code == 200


def test_a_list_leaves_the_states_out(client, acting):
    begin(acting)
    (listed,) = client.get(TRANSACTIONS).json
    whole = client.get(f"{TRANSACTIONS}/{listed['id']}").json
    states = {"pre_state_snapshot", "post_state_snapshot", "rollback_procedure"}
    assert whole.keys() - listed.keys() == states
    assert listed == {name: value for name, value in whole.items() if name not in states}


@pytest.mark.parametrize("id", [NOBODYS, "x", "a%00b", "begin"])
def test_a_transaction_that_is_not_there_is_404(client, acting, id):
    assert refused(acting.post(f"{TRANSACTIONS}/{id}/rollback")) == (404, "not_found")
    if id != "begin":
        assert refused(client.get(f"{TRANSACTIONS}/{id}")) == (404, "not_found")


def test_reading_needs_the_scope(sandbox, acting):
    id = begin(acting)
    changer = {"X-API-Key": sandbox.key("agents")}
    for path in (TRANSACTIONS, f"{TRANSACTIONS}/{id}"):
        answer = sandbox.app.test_client().get(path, headers=changer)
        assert refused(answer) == (403, "insufficient_scope")
