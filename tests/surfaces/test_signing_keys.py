"""The keys that sign tokens: shared, published before they sign, rotated, taken away, and sealed."""

from __future__ import annotations

import jwt
import pytest

from precog.core.sealing import Sealer
from precog.core.signing_keys import PUBLISHED_AHEAD_MS
from tests.parallel import in_threads
from tests.surfaces.agents_with_keys import (
    INTROSPECT,
    JWKS,
    REFRESH,
    REVOKE,
    TOKEN,
    agent,
    bearer,
    refused,
    tokens,
)
from tests.surfaces.test_agent_tokens import SECRETS, claims_of, telemetry
from tests.surfaces.test_agent_tokens import make_server as make_server
from tests.surfaces.test_agent_tokens import two as two

SEALED = "SELECT kid, private_sealed FROM signing_keys ORDER BY signs_from"


def signed_by(token):
    return jwt.get_unverified_header(token)["kid"]


def published(client):
    return [key["kid"] for key in client.get(JWKS).json["keys"]]


def sealed(sandbox):
    """What is kept of each private key, oldest first; after what was posted."""
    sandbox.services.db.write(lambda tx: None)
    return [
        (row["kid"], row["private_sealed"]) for row in sandbox.services.db.read(lambda tx: tx.all(SEALED))
    ]


# --- one key for all servers ----------------------------------------------------------------


def test_two_servers_sign_by_one_key(two):
    sandbox, elsewhere = two
    assert elsewhere.get(JWKS).json == sandbox.client.get(JWKS).json
    token = tokens(elsewhere, agent(sandbox.client))["access_token"]
    assert claims_of(token, sandbox.client.get(JWKS).json)


def test_many_servers_that_start_at_once_make_one_key(make_server):
    apps = [make_server(*SECRETS) for _ in range(4)]
    answers = in_threads(4, lambda number: apps[number].test_client().get(JWKS).json)
    assert len(answers[0]["keys"]) == 1
    assert answers == [answers[0]] * 4


# --- rotation -------------------------------------------------------------------------------


def test_a_new_key_is_published_everywhere_before_it_signs(two, clock):
    sandbox, elsewhere = two
    client, made = sandbox.client, agent(sandbox.client)
    answer = client.get(JWKS)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    elsewhere.get(JWKS)
    new = sandbox.services.signing_keys.rotate().kid
    clock.advance(2_000)  # what the other server may not know so long
    for server in (client, elsewhere):
        assert new in published(server)
    clock.advance(300_000)  # what a verifier may remember so long
    assert signed_by(tokens(client, made)["access_token"]) != new
    clock.advance(PUBLISHED_AHEAD_MS - 302_000)
    for server in (client, elsewhere):
        assert signed_by(tokens(server, made)["access_token"]) == new


def test_after_a_rotation_old_tokens_are_good_until_they_expire(two, clock):
    sandbox, elsewhere = two
    client, stranger, made = sandbox.client, sandbox.app.test_client(), agent(sandbox.client)
    new = sandbox.services.signing_keys.rotate().kid
    clock.advance(PUBLISHED_AHEAD_MS - 1)
    old = tokens(client, made)["access_token"]
    clock.advance(2_001)
    token = tokens(client, made)["access_token"]
    assert (signed_by(token), signed_by(old) != new) == (new, True)
    for server in (stranger, elsewhere):
        for one in (old, token):
            assert telemetry(server, one).status_code == 200
    clock.advance(3_590_000)
    assert claims_of(old, client.get(JWKS).json)
    assert len(published(client)) == 2
    clock.advance(120_000)
    assert published(client) == [new]
    assert telemetry(stranger, old).status_code == 401


def test_a_private_key_that_signs_no_more_is_gone(two, clock):
    sandbox, _ = two
    old = published(sandbox.client)[0]
    new = sandbox.services.signing_keys.rotate().kid
    published(sandbox.client)
    assert all(private for _, private in sealed(sandbox))
    clock.advance(PUBLISHED_AHEAD_MS)
    published(sandbox.client)
    assert {kid: bool(private) for kid, private in sealed(sandbox)} == {old: False, new: True}


def test_keys_that_are_rotated_again_and_again_take_turns(two, clock):
    sandbox, _ = two
    client, made = sandbox.client, agent(sandbox.client)
    keys = published(client)
    for _ in range(3):
        keys.append(sandbox.services.signing_keys.rotate().kid)
        clock.advance(60_000)
    assert sorted(published(client)) == sorted(keys)
    seen = []
    for _ in range(12):
        token = tokens(client, made)["access_token"]
        assert telemetry(sandbox.app.test_client(), token).status_code == 200
        seen.append(signed_by(token))
        clock.advance(60_000)
    assert list(dict.fromkeys(seen)) == keys


def test_two_who_rotate_at_once_make_one_new_key_or_two_that_take_turns(two, make_server):
    sandbox, _ = two
    before = published(sandbox.client)
    apps = [make_server(*SECRETS) for _ in range(4)]
    made = in_threads(4, lambda number: apps[number].extensions["precog"].signing_keys.rotate().kid)
    sandbox.services.signing_keys.forget()
    assert set(published(sandbox.client)) == {*before, *made}


def test_a_key_that_another_may_know_is_taken_away_with_all_its_tokens(two, clock):
    sandbox, elsewhere = two
    client, stranger, made = sandbox.client, sandbox.app.test_client(), agent(sandbox.client)
    held = tokens(client, made)
    assert telemetry(elsewhere, held["access_token"]).status_code == 200
    sandbox.services.signing_keys.rotate()
    new = sandbox.services.signing_keys.withdraw().kid
    assert published(client) == [new]
    assert telemetry(stranger, held["access_token"]).json["error"]["code"] == "INVALID_TOKEN"
    renewed = client.post(REFRESH, json={"refresh_token": held["refresh_token"]}).json["access_token"]
    assert signed_by(renewed) == new
    clock.advance(5_000)
    assert telemetry(elsewhere, held["access_token"]).json["error"]["code"] == "INVALID_TOKEN"
    assert telemetry(elsewhere, renewed).status_code == 200


# --- sealed ---------------------------------------------------------------------------------


def test_a_newer_secret_key_opens_what_an_older_one_sealed_and_seals_it_anew(two, make_server, clock):
    sandbox, _ = two
    made = agent(sandbox.client)
    token = tokens(sandbox.client, made)["access_token"]
    later = make_server(*SECRETS, "a still newer secret key").test_client()
    assert signed_by(tokens(later, made)["access_token"]) == signed_by(token)
    [(kid, private)] = sealed(sandbox)
    assert Sealer(["a still newer secret key"], purpose="precog.signing-key").open(private, name=kid)
    # So the older ones can go.
    alone = make_server("a still newer secret key").test_client()
    assert signed_by(tokens(alone, made)["access_token"]) == kid


@pytest.fixture
def stranger(two, make_server):
    """A server that has another secret, and what an agent got of the first one."""
    sandbox, _ = two
    made = agent(sandbox.client)
    held = tokens(sandbox.client, made)
    app = make_server("another secret key")
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = sandbox.first.keys["precogx"].secret
    return app, client, made, held


def test_a_server_without_the_secret_key_signs_nothing(stranger, caplog):
    _, client, made, held = stranger
    answer = client.post(TOKEN, json={"agent_id": made["id"], "secret": made["secret"]})
    assert refused(answer) == (503, "storage_unavailable")
    assert "sign" in answer.json["detail"]
    assert "rotate-signing" in caplog.text
    answer = client.post(REFRESH, json={"refresh_token": held["refresh_token"]})
    assert refused(answer) == (503, "storage_unavailable")


def test_a_server_without_the_secret_key_does_all_that_needs_no_signature(stranger, two):
    _, client, _, held = stranger
    sandbox, _ = two
    assert client.get(JWKS).json == sandbox.client.get(JWKS).json
    assert telemetry(client, held["access_token"]).status_code == 200
    assert client.post(INTROSPECT, json={"token": held["access_token"]}).json["active"] is True
    renewal = {"refresh_token": held["refresh_token"]}
    answer = client.post(REVOKE, json=renewal, headers=bearer(held["access_token"]))
    assert answer.json == {"status": "revoked"}
    assert telemetry(client, held["access_token"]).status_code == 401


def test_a_key_that_a_server_cannot_open_is_not_waited_for_when_it_rotates(stranger):
    app, client, made, held = stranger
    new = app.extensions["precog"].signing_keys.rotate().kid
    assert signed_by(tokens(client, made)["access_token"]) == new
    assert telemetry(client, held["access_token"]).status_code == 200
