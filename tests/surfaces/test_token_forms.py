"""Tokens for clients that know OAuth: they send forms, and call things by its names."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.surfaces.agents_with_keys import (
    AGENTS,
    INTROSPECT,
    REFRESH,
    REVOKE,
    TOKEN,
    agent,
    bearer,
    refused,
    tokens,
)
from tests.surfaces.test_agent_tokens import assertion, telemetry
from tests.surfaces.test_identities_hostile import SOME

FORM = "application/x-www-form-urlencoded"


def send(client, path, form, **headers):
    """A form, as a dict or as it stands on the wire."""
    return client.post(path, data=form, content_type=FORM, headers=headers)


@pytest.mark.parametrize("names", [("client_id", "client_secret"), ("agent_id", "secret")])
def test_a_form_gets_tokens_by_a_secret(client, names):
    made = agent(client)
    proof = dict(zip(names, (made["id"], made["secret"]), strict=True))
    answer = send(client, TOKEN, {"grant_type": "client_credentials", **proof, "scope": ""})
    assert answer.status_code == 200, answer.json
    assert answer.json.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}


def test_a_form_gets_tokens_by_an_assertion(client, clock):
    made = agent(client)
    form = {
        "grant_type": "client_credentials",
        "client_id": made["id"],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(made, clock),
    }
    assert send(client, TOKEN, form).status_code == 200


@pytest.mark.parametrize(("path", "more"), [(REFRESH, {}), (TOKEN, {"grant_type": "refresh_token"})])
def test_a_form_renews_an_access_token(client, path, more):
    held = tokens(client, agent(client))
    answer = send(client, path, {"refresh_token": held["refresh_token"], **more})
    assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
    assert telemetry(client, answer.json["access_token"]).status_code == 200
    assert refused(send(client, path, {"refresh_token": "x", **more})) == (401, "invalid_credentials")


def test_an_id_or_a_secret_beside_a_refresh_token_must_be_its_agents(client):
    made, other = agent(client), agent(client)
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens(client, made)["refresh_token"]}
    own = {"client_id": made["id"], "client_secret": made["secret"]}
    for more in ({"client_id": other["id"]}, {"client_secret": "x"}, {"client_secret": other["secret"]}):
        assert refused(send(client, TOKEN, {**renewal, **own, **more})) == (401, "invalid_credentials")
    assert send(client, TOKEN, {**renewal, **own}).status_code == 200


def test_an_id_beside_an_assertion_must_be_its_agents(client, clock):
    made, other = agent(client), agent(client)
    form = {"grant_type": "client_credentials", "client_assertion": assertion(made, clock)}
    answer = send(client, TOKEN, {**form, "client_id": other["id"]})
    assert refused(answer) == (401, "invalid_credentials")
    assert send(client, TOKEN, {**form, "client_id": made["id"]}).status_code == 200  # it was not used


def test_a_form_ends_tokens(client):
    held = tokens(client, agent(client))
    form = {"refresh_token": held["refresh_token"]}
    assert send(client, REVOKE, form, **bearer(held["access_token"])).json == {"status": "revoked"}
    assert client.post(REFRESH, json=form).status_code == 401


def test_a_form_asks_about_a_token(client):
    held = tokens(client, agent(client))
    form = {"token": held["access_token"], "token_type_hint": "access_token"}
    assert send(client, INTROSPECT, form).json["active"] is True
    assert send(client, INTROSPECT, {"token": "x"}).json == {"active": False}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "password", "client_id": "x", "client_secret": "x"}, "wrong_value"),
        ({"grant_type": "refresh_token"}, "missing_field"),
        ({"client_id": "x", "agent_id": "y", "secret": "z"}, "wrong_value"),
        ({"client_id": "x", "client_secret": ""}, "missing_field"),  # without a value it is not there
    ],
)
def test_a_form_that_asks_for_something_else_is_told_so(sqlite_client, form, code):
    assert refused(send(sqlite_client, TOKEN, form)) == (422, code)


@pytest.mark.parametrize(
    "raw",
    [
        b"token=a&token=b",
        b"token=%ff",
        b"token=\xff",
        b"token=%ed%a0%80",
        b"token=a%00b",
        b"to%00ken=a",
        b"&".join(b"a%d=1" % number for number in range(65)),
    ],
)
def test_a_form_is_read_to_the_letter(sqlite_client, raw):
    assert refused(send(sqlite_client, INTROSPECT, raw)) == (400, "malformed_body")


def test_a_form_is_bounded_as_json_is(make_sandbox, tmp_path):
    client = make_sandbox(database=str(tmp_path / "small.sqlite3"), max_request_bytes=1_000).client
    long = f"token={'x' * 1_000}".encode()
    assert refused(send(client, INTROSPECT, long)) == (413, "too_large")
    zipped = send(client, INTROSPECT, gzip.compress(long), **{"Content-Encoding": "gzip"})
    assert refused(zipped) == (413, "too_large")
    short = send(client, INTROSPECT, gzip.compress(b"token=x"), **{"Content-Encoding": "gzip"})
    assert short.json == {"active": False}


@pytest.mark.parametrize("kind", [f"{FORM}; charset=latin-1", f"{FORM}; charset=utf-16"])
def test_a_form_in_another_charset_is_unsupported(sqlite_client, kind):
    answer = sqlite_client.post(INTROSPECT, data=b"token=x", content_type=kind)
    assert refused(answer) == (415, "unsupported_media_type")


def test_other_routes_take_no_forms(sqlite_client):
    assert refused(send(sqlite_client, AGENTS, {"name": "x"})) == (415, "unsupported_media_type")


@SOME
@given(
    path=st.sampled_from([TOKEN, REFRESH, INTROSPECT]), raw=st.binary() | st.text("a=&%0fF+").map(str.encode)
)
def test_whatever_stands_in_a_form_is_answered(sqlite_client, sqlite_sandbox, path, raw):
    sqlite_sandbox.clock.advance(60_000)
    answer = send(sqlite_client, path, raw)
    assert answer.status_code == 200 or refused(answer)[0] in (400, 401, 422)


def test_the_document_says_which_routes_take_a_form(sqlite_client):
    paths = sqlite_client.get("/v1/openapi.json").json["paths"]
    bodies = {
        path: found["post"]["requestBody"]["content"]
        for path, found in paths.items()
        if "requestBody" in found.get("post", {})
    }
    taking = {path for path, content in bodies.items() if FORM in content}
    assert taking == {TOKEN, REFRESH, REVOKE, INTROSPECT}
    for path in taking:
        assert bodies[path][FORM] == bodies[path]["application/json"]
