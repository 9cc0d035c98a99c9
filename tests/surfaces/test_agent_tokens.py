"""Tokens of agents: got, verified by others, renewed, ended, and looked at."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwk as other_jwk
from joserfc import jwt as other_jwt
from werkzeug.test import TestResponse

from precog import create_app
from precog.core import administration
from tests.conftest import PEPPER
from tests.parallel import in_threads
from tests.surfaces.agents_with_keys import (
    AGENTS,
    INTROSPECT,
    JWKS,
    REFRESH,
    REVOKE,
    TOKEN,
    agent,
    as_agent,
    bearer,
    refused,
    tokens,
)
from tests.surfaces.calls import INGEST

ISSUER = "http://localhost"
SECRETS = ["an older secret key", "the newest secret key"]


def claims_of(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """The claims, verified from the published document by a library that is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the algorithm's name, which RFC 9864 has since replaced
        keys = other_jwk.KeySet.import_key_set(jwks)
        return dict(other_jwt.decode(token, keys, algorithms=["EdDSA"]).claims)


def telemetry(client, token: str):
    """A request that needs a good token."""
    return client.post(INGEST, json={"prompt": "Hi", "response": "Hello"}, headers=bearer(token))


def assertion(made: dict[str, Any], clock, **changes: Any) -> str:
    now = clock() // 1000
    claims = {
        "iss": made["id"],
        "sub": made["id"],
        "aud": f"{ISSUER}{TOKEN}",
        "jti": "first",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, load_pem_private_key(made["private_key"].encode(), None), algorithm="EdDSA")


# --- by a secret ----------------------------------------------------------------------------


def test_an_agent_gets_tokens_by_its_secret(client):
    made = agent(client)
    answer = client.post(TOKEN, json={"agent_id": made["id"], "secret": made["secret"]})
    assert answer.status_code == 200
    assert answer.json.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"{AGENTS}/{made['id']}").json["last_auth_at"] == "2026-01-15T10:30:00.000Z"


def test_another_library_verifies_the_token_from_the_published_keys(client, sandbox, clock):
    made = agent(client)
    token = tokens(client, made)["access_token"]
    (key,) = client.get(JWKS).json["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": key["kid"], "typ": "JWT"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bare = other_jwk.OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x")})
    assert bare.thumbprint() == key["kid"]
    claims = claims_of(token, {"keys": [key]})
    assert claims.pop("jti")
    assert claims.pop("sid")
    assert claims == {
        "iss": ISSUER,
        "sub": made["id"],
        "aud": ISSUER,
        "iat": clock() // 1000,
        "exp": clock() // 1000 + 3600,
        "scope": "payments:read telemetry:write",
        "org": sandbox.organization_id,
    }


def test_no_key_is_needed_beside_the_secret(client, sandbox):
    made = agent(client)
    assert tokens(sandbox.app.test_client(), made)


def test_a_key_of_another_organization_beside_it_is_refused(client, sandbox):
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    headers = {"X-API-Key": sandbox.key("agents", organization_id=other.id)}
    made = agent(client)
    body = {"agent_id": made["id"], "secret": made["secret"]}
    assert refused(client.post(TOKEN, json=body, headers=headers)) == (403, "wrong_organization")
    token = tokens(client, made)
    renewal = {"refresh_token": token["refresh_token"]}
    assert refused(client.post(REFRESH, json=renewal, headers=headers)) == (403, "wrong_organization")
    answer = client.post(REVOKE, json=renewal, headers={**headers, **bearer(token["access_token"])})
    assert refused(answer) == (403, "wrong_organization")
    assert client.post(REFRESH, json=renewal).status_code == 200


@pytest.mark.parametrize("secret", ["", "x", "sk_live_000000000000000000000000000000000000"])
def test_a_wrong_secret_is_refused(client, secret):
    made = agent(client)
    answer = client.post(TOKEN, json={"agent_id": made["id"], "secret": secret})
    assert refused(answer) == (401, "invalid_credentials")


def test_another_agents_secret_is_refused(client):
    made, other = agent(client), agent(client)
    answer = client.post(TOKEN, json={"agent_id": made["id"], "secret": other["secret"]})
    assert refused(answer) == (401, "invalid_credentials")


@pytest.mark.parametrize("body", [{}, {"agent_id": "x"}, {"secret": "x"}])
def test_what_is_missing_is_told(sqlite_client, body):
    assert refused(sqlite_client.post(TOKEN, json=body)) == (422, "missing_field")


def test_after_ten_failures_an_agents_further_ones_are_refused_and_its_secret_is_not(client, clock):
    made, other = agent(client), agent(client)
    clock.advance(15_000)
    wrong = {"agent_id": made["id"], "secret": other["secret"]}
    for _ in range(10):
        assert refused(client.post(TOKEN, json=wrong)) == (401, "invalid_credentials")
    answer = client.post(TOKEN, json=wrong)
    assert refused(answer) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "45"
    assert tokens(client, made)
    clock.advance(45_000)
    assert refused(client.post(TOKEN, json=wrong)) == (401, "invalid_credentials")


def test_how_often_one_may_fail_tells_no_stranger_which_agents_there_are(client):
    made = agent(client)

    def guess(agent_id: str) -> list[tuple[int, str]]:
        return [refused(client.post(TOKEN, json={"agent_id": agent_id, "secret": "x"})) for _ in range(12)]

    assert guess(made["id"]) == guess("00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize("known", [True, False])
def test_of_many_who_fail_at_once_no_more_are_let_try_than_may(client, sandbox, known):
    made, other = agent(client), agent(client)
    limit = 10 if known else 30

    def guess(number: int) -> list[tuple[int, str]]:
        stranger = sandbox.app.test_client()
        agent_id = made["id"] if known else f"00000000-0000-4000-8000-{number:012}"
        body = {"agent_id": agent_id, "secret": other["secret"]}
        return [refused(stranger.post(TOKEN, json=body)) for _ in range(4)]

    answers = [answer for found in in_threads(16, guess) for answer in found]
    assert Counter(answers) == {(401, "invalid_credentials"): limit, (429, "rate_limited"): 64 - limit}


@pytest.mark.parametrize(
    ("one", "another"), [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::ffff:1")]
)
def test_after_thirty_failures_an_addresss_further_ones_are_refused(client, one, another):
    made = agent(client)

    def guess(number: int, address: str) -> TestResponse:
        body = {"agent_id": f"00000000-0000-4000-8000-{number:012}", "secret": made["secret"]}
        return client.post(TOKEN, json=body, environ_base={"REMOTE_ADDR": address})

    for number in range(30):
        assert refused(guess(number, one)) == (401, "invalid_credentials")
    assert refused(guess(30, another)) == (429, "rate_limited")
    assert refused(guess(31, "198.51.100.1")) == (401, "invalid_credentials")
    body = {"agent_id": made["id"], "secret": made["secret"]}
    assert client.post(TOKEN, json=body, environ_base={"REMOTE_ADDR": another}).status_code == 200


def test_what_the_plan_refuses_leaves_neither_token_nor_entry(client, sandbox):
    made = agent(client)
    sandbox.set_plan("FREE")

    def ask() -> TestResponse:
        return client.post(TOKEN, json={"agent_id": made["id"], "secret": made["secret"]})

    answers = [ask() for _ in range(205)]
    given = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} == {200, 429}
    counted = sandbox.services.db.read(
        lambda tx: [
            tx.one(f"SELECT count(*) AS n FROM {table}")["n"] for table in ("refresh_tokens", "audit_entries")
        ]
    )
    assert counted == [given, given + 3]  # entries too: the organization, its agent, and its plan


# --- by an assertion ------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/", f"{ISSUER}{TOKEN}", ["x", ISSUER]])
def test_an_agent_gets_tokens_by_its_key(client, clock, audience):
    made = agent(client)
    answer = client.post(TOKEN, json={"client_assertion": assertion(made, clock, aud=audience)})
    assert answer.status_code == 200, answer.json
    assert claims_of(answer.json["access_token"], client.get(JWKS).json)["sub"] == made["id"]


def test_an_assertion_is_taken_once(client, clock):
    made, other = agent(client), agent(client)
    first = {"client_assertion": assertion(made, clock)}
    assert client.post(TOKEN, json=first).status_code == 200
    assert refused(client.post(TOKEN, json=first)) == (401, "invalid_credentials")
    for one in (assertion(made, clock, jti="second"), assertion(other, clock)):
        assert client.post(TOKEN, json={"client_assertion": one}).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"aud": 7},
        {"iss": "x"},
        {"jti": None},
        {"jti": ""},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1_768_473_000 - 31},
        {"exp": 1_768_473_000 + 331},
        {"nbf": 1_768_473_000 + 60},
        {"sub": None},
    ],
)
def test_an_assertion_that_is_not_for_now_and_here_is_refused(client, clock, changes):
    body = {"client_assertion": assertion(agent(client), clock, **changes)}
    assert refused(client.post(TOKEN, json=body)) == (401, "invalid_credentials")


def test_an_assertion_by_another_key_is_refused(client, clock):
    made, other = agent(client), agent(client)
    forged = assertion({**made, "private_key": other["private_key"]}, clock)
    unsigned = jwt.encode(
        {"iss": made["id"], "sub": made["id"], "aud": ISSUER, "jti": "x", "exp": clock() // 1000 + 60},
        None,
        algorithm="none",
    )
    for one in (forged, unsigned, "x", "a.b.c"):
        assert refused(client.post(TOKEN, json={"client_assertion": one})) == (401, "invalid_credentials")
    # What was refused has not used up the agent's own.
    assert client.post(TOKEN, json={"client_assertion": assertion(made, clock)}).status_code == 200


def test_the_issuer_that_is_set_is_the_one_in_tokens(make_sandbox, database_url, clock):
    sandbox = make_sandbox(database=database_url, issuer="https://precog.example.com/")
    client = sandbox.client
    made = agent(client)
    token = tokens(client, made)["access_token"]
    assert claims_of(token, client.get(JWKS).json)["iss"] == "https://precog.example.com"
    assert telemetry(sandbox.app.test_client(), token).status_code == 200
    elsewhere = {"client_assertion": assertion(made, clock, aud=ISSUER)}
    assert refused(client.post(TOKEN, json=elsewhere)) == (401, "invalid_credentials")
    here = {"client_assertion": assertion(made, clock, aud="https://precog.example.com")}
    assert client.post(TOKEN, json=here).status_code == 200


# --- renewed and ended ----------------------------------------------------------------------


def test_a_refresh_token_gives_access_tokens_for_seven_days(client, clock, sandbox):
    held = tokens(client, agent(client))
    body = {"refresh_token": held["refresh_token"]}
    clock.advance(7 * 86_400_000 - 1)
    for _ in range(2):
        answer = client.post(REFRESH, json=body)
        assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
        assert telemetry(sandbox.app.test_client(), answer.json["access_token"]).status_code == 200
    clock.advance(1)
    assert refused(client.post(REFRESH, json=body)) == (401, "invalid_credentials")


def test_an_access_token_that_has_expired_may_come_along_when_it_is_renewed(client, sandbox, clock):
    held = tokens(client, agent(client))
    clock.advance(7_200_000)
    itself = as_agent(sandbox, held["access_token"])
    assert itself.post(REFRESH, json={"refresh_token": held["refresh_token"]}).status_code == 200


def test_a_wrong_key_beside_a_refresh_token_is_refused(client):
    held = tokens(client, agent(client))
    body = {"refresh_token": held["refresh_token"]}
    answer = client.post(REFRESH, json=body, headers={"X-API-Key": "aa_wrong"})
    assert refused(answer) == (401, "unauthenticated")


def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(client, sandbox):
    held = tokens(client, agent(client))
    answer = client.post(REFRESH, json={"refresh_token": held["access_token"]})
    assert refused(answer) == (401, "invalid_credentials")
    assert telemetry(sandbox.app.test_client(), held["refresh_token"]).status_code == 401


def test_an_access_token_is_good_for_an_hour_and_half_a_minute_of_clocks(client, sandbox, clock):
    token = tokens(client, agent(client))["access_token"]
    clock.advance(3_600_000 + 29_999)
    assert telemetry(sandbox.app.test_client(), token).status_code == 200
    clock.advance(1)
    assert telemetry(sandbox.app.test_client(), token).status_code == 401


def test_a_forged_token_is_refused(client, sandbox):
    made = agent(client)
    token = tokens(client, made)["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    private = load_pem_private_key(made["private_key"].encode(), None)
    head, body, signature = token.split(".")
    forged = [
        jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": kid}),
        jwt.encode(claims, private, algorithm="EdDSA"),
        jwt.encode(claims, None, algorithm="none", headers={"kid": kid}),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": kid}),
        f"{head}.{body}.{'A' * len(signature)}",
        f"{head}.{body}.",
        "..",
        "é.é.é",
        "x" * 9_000 + "..",
    ]
    for one in forged:
        header = {"Authorization": f"Bearer {one}".encode().decode("latin-1")}
        answer = sandbox.app.test_client().post(INGEST, json={"prompt": "", "response": ""}, headers=header)
        assert answer.json["error"]["code"] == "INVALID_TOKEN", one


def test_scopes_that_were_taken_away_are_gone_from_tokens_too(client, sandbox):
    made = agent(client)
    token = tokens(client, made)["access_token"]
    client.patch(f"{AGENTS}/{made['id']}", json={"scopes": ["payments:read"]})
    assert telemetry(sandbox.app.test_client(), token).status_code == 403


# --- introspection --------------------------------------------------------------------------


def test_a_token_is_told_to_its_organization_alone(client, sandbox, clock):
    made = agent(client)
    held = tokens(client, made)
    told = client.post(INTROSPECT, json={"token": held["access_token"]}).json
    assert told.pop("jti") == claims_of(held["access_token"], client.get(JWKS).json)["jti"]
    assert told == {
        "active": True,
        "sub": made["id"],
        "client_id": made["id"],
        "scope": "payments:read telemetry:write",
        "exp": clock() // 1000 + 3600,
        "token_type": "access_token",
    }
    refresh = client.post(INTROSPECT, json={"token": held["refresh_token"]}).json
    assert (refresh["active"], refresh["token_type"]) == (True, "refresh_token")
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    headers = {"X-API-Key": sandbox.key("agents", organization_id=other.id)}
    for token in held["access_token"], held["refresh_token"]:
        assert client.post(INTROSPECT, json={"token": token}, headers=headers).json == {"active": False}
    client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
    for token in (held["access_token"], held["refresh_token"], "x", "a.b.c", made["secret"]):
        assert client.post(INTROSPECT, json={"token": token}).json == {"active": False}


def test_who_asks_about_a_token_is_not_the_agent(client, sandbox, clock):
    made = agent(client)
    held = tokens(client, made)
    clock.advance(120_000)
    for kind in ("access_token", "refresh_token"):
        assert client.post(INTROSPECT, json={"token": held[kind]}).json["active"] is True
    sandbox.services.db.write(lambda tx: None)  # behind what was posted
    assert client.get(f"{AGENTS}/{made['id']}").json["last_auth_at"] == "2026-01-15T10:30:00.000Z"


def test_introspection_needs_a_key(client, sandbox):
    held = tokens(client, agent(client))
    answer = as_agent(sandbox, held["access_token"]).post(INTROSPECT, json={"token": held["access_token"]})
    assert refused(answer) == (401, "unauthenticated")


# --- several servers ------------------------------------------------------------------------


@pytest.fixture
def make_server(database_url, tmp_path, clock):
    """Builds further servers on the sandbox's database, as other processes have them."""
    made = []

    def make(*secret_keys: str):
        settings = {
            "instance": tmp_path / f"further-{len(made)}",
            "database": database_url,
            "key_pepper": PEPPER,
            "secret_key": list(secret_keys),
            "background_analysis": False,
        }
        made.append(create_app(settings, clock=clock))
        return made[-1]

    yield make
    for app in made:
        app.extensions["precog"].close()


@pytest.fixture
def two(make_sandbox, database_url, make_server):
    """A sandbox, and the client of a second server on its database."""
    sandbox = make_sandbox(database=database_url, secret_key=SECRETS)
    return sandbox, make_server(*SECRETS).test_client()


@pytest.mark.parametrize("end", ["suspend", "revoke", "deactivate", "revoke token"])
def test_what_is_ended_is_refused_here_at_once_and_elsewhere_within_five_seconds(two, clock, end):
    sandbox, elsewhere = two
    client, here = sandbox.client, sandbox.app.test_client()
    made = agent(client)
    held = tokens(client, made)
    token = held["access_token"]
    assert telemetry(here, token).status_code == 200
    assert telemetry(elsewhere, token).status_code == 200
    match end:
        case "suspend":
            client.patch(f"{AGENTS}/{made['id']}", json={"status": "suspended"})
        case "revoke":
            client.delete(f"{AGENTS}/{made['id']}")
        case "deactivate":
            client.patch(f"/api/v1/agents/{made['id']}", json={"status": "deactivated"})
        case _:
            client.post(REVOKE, json={}, headers=bearer(token))
    assert telemetry(here, token).json["error"]["code"] == "INVALID_TOKEN"
    clock.advance(5_000)
    assert telemetry(elsewhere, token).json["error"]["code"] == "INVALID_TOKEN"


def test_the_time_of_the_last_use_is_written_once_a_minute(client, sandbox, clock):
    made = agent(client)
    token = tokens(client, made)["access_token"]
    clock.advance(90_000)
    for _ in range(3):
        telemetry(sandbox.app.test_client(), token)
        clock.advance(1_000)
    sandbox.services.db.write(lambda tx: None)  # behind what was posted
    assert client.get(f"{AGENTS}/{made['id']}").json["last_auth_at"] == "2026-01-15T10:31:30.000Z"
