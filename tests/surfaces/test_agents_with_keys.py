"""Agents with keys: made, listed, changed, and ended for good."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess

import pytest

from tests.parallel import in_threads
from tests.surfaces.agents_with_keys import AGENTS, TOKEN, agent, as_agent, bearer, refused, tokens
from tests.surfaces.calls import INGEST, ingest

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def openssl(*arguments: str, given: str) -> bytes:
    done = subprocess.run(
        ["openssl", *arguments], input=given.encode(), capture_output=True, timeout=30, check=True
    )
    return done.stdout


def own_key() -> tuple[str, dict[str, str]]:
    """A public key made elsewhere, as PEM and as JWK."""
    private = openssl("genpkey", "-algorithm", "ed25519", given="").decode()
    der = openssl("pkey", "-pubout", "-outform", "DER", given=private)
    pem = openssl("pkey", "-pubout", given=private).decode()
    x = base64.urlsafe_b64encode(der[-32:]).rstrip(b"=").decode()
    return pem, {"kty": "OKP", "crv": "Ed25519", "x": x}


def test_a_new_agent_is_told_with_its_secret(client, sandbox):
    made = agent(client, name="  payment-processor ", scopes=["b:x", "a:y", "b:x"])
    assert re.fullmatch(UUID, made.pop("id"))
    assert made.pop("public_key").startswith("-----BEGIN PUBLIC KEY-----\n")
    assert made.pop("private_key").startswith("-----BEGIN PRIVATE KEY-----\n")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", made.pop("key_fingerprint"))
    assert re.fullmatch(r"sk_live_\w{36}", made.pop("secret"))
    assert made == {
        "organization_id": sandbox.organization_id,
        "name": "payment-processor",
        "scopes": ["b:x", "a:y"],
        "status": "active",
        "created_at": "2026-01-15T10:30:00.000Z",
        "updated_at": "2026-01-15T10:30:00.000Z",
        "last_auth_at": None,
        "revoked_at": None,
    }


@needs_openssl
def test_keys_and_fingerprint_are_what_openssl_makes_of_them(sqlite_client):
    made = agent(sqlite_client)
    told = openssl("pkey", "-pubin", "-noout", "-text", given=made["public_key"])
    der = openssl("pkey", "-pubin", "-outform", "DER", given=made["public_key"])
    assert told.startswith(b"ED25519 Public-Key")
    assert made["key_fingerprint"] == f"sha256:{hashlib.sha256(der).hexdigest()}"
    assert openssl("pkey", "-pubout", given=made["private_key"]).decode() == made["public_key"]


@needs_openssl
@pytest.mark.parametrize("form", [0, 1], ids=["PEM", "JWK"])
def test_of_an_agent_with_a_key_of_its_own_nothing_private_is_made(client, form):
    key = own_key()
    made = agent(client, public_key=key[form])
    assert made["public_key"] == key[0]
    assert "private_key" not in made
    assert made["secret"]


@pytest.mark.parametrize(
    "public_key",
    [
        "no key",
        "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n",
        {},
        {"kty": "OKP", "crv": "Ed25519", "x": "c2hvcnQ"},
        {"kty": "OKP", "crv": "Ed25519", "x": "é" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "d": "A" * 43},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ],
)
def test_what_is_no_ed25519_public_key_is_refused(sqlite_client, public_key):
    answer = sqlite_client.post(AGENTS, json={"name": "x", "public_key": public_key})
    assert refused(answer) == (422, "wrong_value")
    assert sqlite_client.get(AGENTS).json == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"name": " "}, "wrong_value"),
        ({"name": "x" * 201}, "wrong_value"),
        ({"name": 7}, "wrong_type"),
        ({"name": "x", "scopes": "a:b"}, "wrong_type"),
        ({"name": "x", "scopes": [1]}, "wrong_type"),
        ({"name": "x", "scopes": ["a"]}, "wrong_value"),
        ({"name": "x", "scopes": ["a:b c"]}, "wrong_value"),
        ({"name": "x", "scopes": [f"a:{number}" for number in range(65)]}, "wrong_value"),
        ({"name": "x", "public_key": 7}, "wrong_type"),
    ],
)
def test_a_wrong_field_is_told(sqlite_client, body, code):
    assert refused(sqlite_client.post(AGENTS, json=body)) == (422, code)


def test_a_body_that_is_no_object_is_malformed(sqlite_client):
    assert refused(sqlite_client.post(AGENTS, json=[])) == (400, "malformed_body")


def test_agents_are_listed_newest_first_with_their_number(client, clock):
    ingest(client, agentId="of telemetry")  # which has no key
    ids = []
    for number in range(3):
        clock.advance(1_000)
        ids.insert(0, agent(client, name=f"agent {number}")["id"])
    answer = client.get(f"{AGENTS}?limit=2&offset=1")
    assert [one["id"] for one in answer.json] == ids[1:]
    assert answer.headers["X-Total-Count"] == "3"
    assert not {"secret", "private_key"} & answer.json[0].keys()
    assert client.get(f"{AGENTS}/{ids[0]}").json == client.get(AGENTS).json[0]


def test_agents_are_listed_by_status(client):
    active, suspended, revoked = (agent(client)["id"] for _ in range(3))
    client.patch(f"{AGENTS}/{suspended}", json={"status": "suspended"})
    client.delete(f"{AGENTS}/{revoked}")
    for status, id in (("active", active), ("suspended", suspended), ("revoked", revoked)):
        answer = client.get(f"{AGENTS}?status={status}")
        assert [(one["id"], one["status"]) for one in answer.json] == [(id, status)]
        assert answer.headers["X-Total-Count"] == "1"


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=101", "offset=-1", "status=dead"])
def test_an_impossible_page_is_refused(sqlite_client, query):
    status, code = refused(sqlite_client.get(f"{AGENTS}?{query}"))
    assert (status, code) in {(422, "wrong_value"), (422, "wrong_type")}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("id", ["x", "%00", "2ffacd56-86ff-483c-8c59-5686df52aff8", "customer-bot"])
def test_an_unknown_agent_is_not_found(client, method, id):
    ingest(client, agentId="customer-bot")
    answer = client.open(f"{AGENTS}/{id}", method=method, json={"status": "active"})
    assert refused(answer) == (404, "not_found")


def test_another_organizations_agent_is_not_found(client, sandbox):
    from precog.core import administration

    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    made = agent(client)
    headers = {"X-API-Key": sandbox.key("agents", organization_id=other.id)}
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.open(f"{AGENTS}/{made['id']}", method=method, json={"name": "mine"}, headers=headers)
        assert refused(answer) == (404, "not_found")
    assert client.get(AGENTS, headers=headers).json == []
    assert client.get(f"{AGENTS}/{made['id']}").json["name"] == "payment-processor"


def test_an_agent_gets_another_name_and_other_scopes(client, clock):
    made = agent(client)
    clock.advance(5_000)
    changed = client.patch(f"{AGENTS}/{made['id']}", json={"name": "x", "scopes": ["c:d", "c:d"]}).json
    assert (changed["name"], changed["scopes"]) == ("x", ["c:d"])
    assert changed["updated_at"] == "2026-01-15T10:30:05.000Z"
    assert client.get(f"{AGENTS}/{made['id']}").json == changed


def test_a_key_needs_its_scope(sqlite_client, sqlite_sandbox):
    headers = {"X-API-Key": sqlite_sandbox.key("telemetry")}
    answer = sqlite_client.post(AGENTS, json={"name": "x"}, headers=headers)
    assert refused(answer) == (403, "insufficient_scope")
    assert refused(sqlite_sandbox.app.test_client().get(AGENTS)) == (401, "unauthenticated")


# --- slots and telemetry --------------------------------------------------------------------


def test_agents_with_keys_take_the_plans_slots_and_give_them_back(client, sandbox):
    sandbox.set_plan("FREE")
    made = agent(client)
    assert refused(client.post(AGENTS, json={"name": "x"})) == (403, "agent_limit_reached")
    assert client.post(INGEST, json={"agentId": "x", "prompt": "", "response": ""}).status_code == 403
    client.delete(f"{AGENTS}/{made['id']}")
    client.delete(f"{AGENTS}/{made['id']}")  # which gives nothing more back
    agent(client)
    assert refused(client.post(AGENTS, json={"name": "x"})) == (403, "agent_limit_reached")


def test_many_in_threads_make_no_more_agents_than_there_are_slots(client, sandbox):
    sandbox.set_plan("PROFESSIONAL")
    answers = in_threads(
        16, lambda number: sandbox.client.post(AGENTS, json={"name": f"agent {number}"}).status_code
    )
    assert sorted(answers) == [201] * 10 + [403] * 6
    assert client.get(AGENTS).headers["X-Total-Count"] == "10"


def test_telemetry_under_its_id_is_an_agents_own(client, sandbox):
    sandbox.set_plan("FREE")
    made = agent(client)
    ingest(client, agentId=made["id"])
    (seen,) = client.get("/api/v1/agents").json["agents"]
    assert (seen["agentId"], seen["name"]) == (made["id"], "payment-processor")
    assert seen["lastSeenAt"] == "2026-01-15T10:30:00.000Z"


@pytest.mark.parametrize("end", ["suspend", "revoke"])
def test_telemetry_of_a_stopped_agent_is_refused(client, end):
    made = agent(client)
    if end == "suspend":
        client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
    else:
        client.delete(f"{AGENTS}/{made['id']}")
    answer = client.post(INGEST, json={"agentId": made["id"], "prompt": "", "response": ""})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "AGENT_DEACTIVATED")


def test_a_suspended_agent_goes_on_when_it_may(client):
    made = agent(client)
    for _ in range(2):
        assert (
            client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"}).json["status"] == "suspended"
        )
    assert refused(client.post(TOKEN, json={"agent_id": made["id"], "secret": made["secret"]})) == (
        403,
        "agent_suspended",
    )
    for _ in range(2):
        assert client.patch(f"{AGENTS}/{made['id']}", json={"status": "active"}).json["status"] == "active"
    assert tokens(client, made)
    ingest(client, agentId=made["id"])


# --- for good -------------------------------------------------------------------------------


def test_a_revoked_agent_is_told_whole(client, sandbox):
    made = agent(client)
    first = client.delete(f"{AGENTS}/{made['id']}")
    assert first.status_code == 200
    assert first.json["status"] == "revoked"
    assert first.json["revoked_at"] == "2026-01-15T10:30:00.000Z"
    assert (first.json["organization_id"], first.json["name"]) == (sandbox.organization_id, made["name"])
    assert client.delete(f"{AGENTS}/{made['id']}").json == first.json


def test_revoked_is_final_under_every_route(client, sandbox, clock):
    made = agent(client)
    held = tokens(client, made)
    client.delete(f"{AGENTS}/{made['id']}")
    clock.advance(10_000)
    path = f"{AGENTS}/{made['id']}"
    for body in ({"status": "active"}, {"status": "suspended"}, {"name": "x"}, {"scopes": ["a:b"]}):
        assert refused(client.patch(path, json=body)) == (409, "invalid_transition")
    answer = client.patch(f"/api/v1/agents/{made['id']}", json={"status": "active"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "AGENT_REVOKED")
    by_secret = {"agent_id": made["id"], "secret": made["secret"]}
    assert refused(client.post(TOKEN, json=by_secret)) == (403, "agent_revoked")
    renewal = {"refresh_token": held["refresh_token"]}
    assert refused(client.post("/v1/auth/refresh", json=renewal)) == (403, "agent_revoked")
    answer = as_agent(sandbox, held["access_token"]).post("/v1/auth/revoke", json=renewal)
    assert refused(answer) == (401, "invalid_token")
    answer = client.post(INGEST, json={"agentId": made["id"], "prompt": "", "response": ""})
    assert answer.status_code == 403
    assert client.get(path).json["status"] == "revoked"
    assert client.get(path).json["name"] == made["name"]
    assert client.get("/api/v1/agents").json["agents"][0]["status"] == "revoked"


def test_management_tells_how_an_agent_stands(client):
    made = [agent(client)["id"] for _ in range(4)]
    _, suspended, deactivated, revoked = made
    client.patch(f"{AGENTS}/{suspended}", json={"status": "suspended"})
    client.patch(f"/api/v1/agents/{deactivated}", json={"status": "deactivated"})
    client.delete(f"{AGENTS}/{revoked}")
    expected = dict(zip(made, ("active", "suspended", "deactivated", "revoked"), strict=True))
    assert {one["agentId"]: one["status"] for one in client.get("/api/v1/agents").json["agents"]} == expected
    for agent_id, status in expected.items():
        assert client.get(f"/api/v1/agents/{agent_id}").json["status"] == status
        found = client.get("/api/v1/agents", query_string={"status": status}).json["agents"]
        assert [one["agentId"] for one in found] == [agent_id]


def test_management_deactivates_and_reactivates_one_that_is_suspended_and_leaves_it_so(client):
    made = agent(client)
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
    path = f"/api/v1/agents/{made['id']}"
    assert client.patch(path, json={"status": "deactivated"}).json["status"] == "deactivated"
    assert client.patch(path, json={"status": "active"}).json["status"] == "suspended"
    for status in ("suspended", "revoked"):
        assert client.patch(path, json={"status": status}).status_code == 400


def test_what_is_made_and_ended_is_told_in_the_audit_log(client, sandbox):
    made = agent(client)
    tokens(client, made)
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "active", "name": "x"})
    for status in ("deactivated", "active"):
        client.patch(f"/api/v1/agents/{made['id']}", json={"status": status})
    client.delete(f"{AGENTS}/{made['id']}")
    client.delete(f"{AGENTS}/{made['id']}")
    rows = sandbox.services.db.read(
        lambda tx: tx.all("SELECT event_type, agent FROM audit_entries ORDER BY sequence_number")
    )
    assert [row["event_type"] for row in rows] == [
        "organization.created",
        "agent.created",
        "token.issued",
        "agent.suspended",
        "agent.updated",
        "agent.resumed",
        "agent.deactivated",
        "agent.reactivated",
        "agent.revoked",
    ]
    assert {row["agent"] for row in rows[1:]} == {made["id"]}


# --- telemetry by token ---------------------------------------------------------------------


def test_an_agents_token_brings_its_own_telemetry(client, sandbox):
    made = agent(client)
    itself = as_agent(sandbox, tokens(client, made)["access_token"])
    for body in ({}, {"agentId": made["id"]}, {"agent_id": made["id"]}):
        answer = itself.post(INGEST, json={"prompt": "Hi", "response": "Hello", **body})
        assert (answer.status_code, answer.json["agentId"]) == (200, made["id"])


def test_an_agent_speaks_for_no_other(client, sandbox):
    made = agent(client)
    token = tokens(client, made)["access_token"]
    body = {"agentId": "other", "prompt": "Hi", "response": "Hello"}
    for caller in (as_agent(sandbox, token), client):  # a key beside the token changes nothing
        answer = caller.post(INGEST, json=body, headers=bearer(token))
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "AGENT_MISMATCH")
    batch = {"interactions": [body, {"prompt": "Hi", "response": "Hello"}]}
    answer = as_agent(sandbox, token).post("/api/v1/telemetry/batch", json=batch)
    assert (answer.json["accepted"], answer.json["rejected"]) == (1, 1)
    assert answer.json["results"][0]["error"]["code"] == "AGENT_MISMATCH"
    assert answer.json["results"][1]["agentId"] == made["id"]


def test_without_the_scope_an_agents_token_brings_no_telemetry(client, sandbox):
    made = agent(client, scopes=["payments:read"])
    itself = as_agent(sandbox, tokens(client, made)["access_token"])
    answer = itself.post(INGEST, json={"prompt": "Hi", "response": "Hello"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "INSUFFICIENT_SCOPE")


def test_an_agents_token_opens_nothing_else(client, sandbox):
    itself = as_agent(sandbox, tokens(client, agent(client))["access_token"])
    assert refused(itself.get(AGENTS)) == (401, "unauthenticated")
    assert itself.get("/api/v1/agents").status_code == 401


@pytest.mark.parametrize("batch", [False, True])
def test_an_idempotency_key_of_an_agent_is_its_own(client, sandbox, batch):
    first, second = (as_agent(sandbox, tokens(client, agent(client))["access_token"]) for _ in range(2))

    def send(sender, prompt, **more):
        body = {"prompt": prompt, "response": "", **more}
        if batch:
            body = {"interactions": [body]}
        return sender.post(
            INGEST.replace("ingest", "batch") if batch else INGEST,
            json=body,
            headers={"Idempotency-Key": "k"},
        )

    def stored(answer):
        assert answer.status_code == 200, answer.json
        return answer.json["results"][0]["interactionId"] if batch else answer.json["interactionId"]

    by_first = stored(send(first, "a"))
    by_second = stored(send(second, "b"))
    by_key = stored(send(client, "c", agentId="bot"))
    assert len({by_first, by_second, by_key}) == 3
    assert [stored(send(one, text)) for one, text in ((first, "a"), (second, "b"))] == [by_first, by_second]
    again = send(first, "other")
    refusal = again.json["results"][0] if batch else again.json
    assert refusal["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
