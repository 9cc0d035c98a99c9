"""Anything at all for agents with keys: nothing is a server error, and every refusal has this API's form."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
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
from tests.surfaces.generated import any_json
from tests.surfaces.test_hostile_bodies import HOSTILE

BEGIN = "/transactions/begin"
COMMIT = "/transactions/TRANSACTION/commit"
ROLLBACK = "/transactions/TRANSACTION/rollback"
VALID = {
    AGENTS: {"name": "payer", "scopes": ["payments:read"]},
    "/v1/agents/AGENT": {"name": "payer", "scopes": [], "status": "active"},
    TOKEN: {"agent_id": "AGENT", "secret": "SECRET"},
    REFRESH: {"refresh_token": "REFRESH"},
    REVOKE: {"refresh_token": "REFRESH"},
    INTROSPECT: {"token": "REFRESH"},
    "/v1/organizations": {"name": "Other"},
    "/sessions": {"agent_id": "AGENT", "max_actions": 5, "max_value_usd": 10.5, "expires_in_seconds": 60},
    BEGIN: {"pre_state": {"a": 1}, "value_usd": "1.50", "rollback_procedure": {}, "action_type": "pay"},
    COMMIT: {"post_state": {"a": 2}},
    ROLLBACK: {"reason": "an error"},
}
GETS = [
    "/v1/agents",
    "/v1/organizations",
    "/sessions",
    "/transactions",
    "/audit",
    "/audit/verify",
    "/health",
    "/.well-known/jwks.json",
]
FIELDS = sorted({field for body in VALID.values() for field in body} | {"public_key", "client_assertion"})
QUERY = "status limit offset agent_id session_id event_type page page_size from checkpoint x".split()
SOME = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATHS = st.sampled_from(sorted(VALID))
EVERY = settings(SOME, max_examples=25)


class Acting:
    """One agent of an organization, each call in a new minute and with what it needs to be let in."""

    def __init__(self, sandbox):
        self.clock = sandbox.clock
        self.client = sandbox.client
        self.made = agent(self.client)

    def ask(self, path, method=None, headers=None, **sent):
        self.clock.advance(60_000)
        given = tokens(self.client, self.made)
        as_agent = bearer(given["access_token"])
        begun = self.client.post(BEGIN, json={"pre_state": {}}, headers=as_agent).json["id"]
        self.names = {
            "AGENT": self.made["id"],
            "SECRET": self.made["secret"],
            "REFRESH": given["refresh_token"],
            "TRANSACTION": begun,
        }
        method = method or ("PATCH" if path == "/v1/agents/AGENT" else "POST")
        own = {} if method == "GET" else as_agent
        if isinstance(sent.get("data"), str):
            sent["data"] = self.named(sent["data"])
        return self.client.open(self.named(path), method=method, headers={**own, **(headers or {})}, **sent)

    def named(self, text):
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    def send(self, path, raw, **headers):
        return self.ask(path, headers=headers, data=raw, content_type="application/json")


@pytest.fixture
def acting(sandbox):
    return Acting(sandbox)


@pytest.fixture
def alone(sqlite_sandbox):
    """The same, on one kind of database."""
    return Acting(sqlite_sandbox)


def answered_well(answer, *also):
    if answer.status_code in (200, 201):
        return True
    return refused(answer)[0] in (400, 401, 403, 404, 409, 413, 422, 429, *also)


@pytest.mark.parametrize("path", VALID)
def test_a_hostile_body_is_refused_on_every_route(alone, path):
    for name, raw in HOSTILE.items():
        if (path, name) != (ROLLBACK, "empty"):  # a reason need not be given
            answer = alone.send(path, raw.replace(b'"agentId"', b'"other"'))
            assert refused(answer) == (400, "malformed_body"), name


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize(
    ("kind", "encoding", "status"),
    [("text/plain", "identity", 415), (None, "identity", 415), ("application/json", "br", 415)],
)
def test_what_is_not_json_is_unsupported(alone, path, kind, encoding, status):
    answer = alone.ask(path, data=b"{}", content_type=kind, headers={"Content-Encoding": encoding})
    assert refused(answer) == (status, "unsupported_media_type")


@pytest.mark.parametrize("path", VALID)
def test_a_body_that_is_too_large_is_refused(make_sandbox, path, tmp_path):
    small = Acting(make_sandbox(database=str(tmp_path / "small.sqlite3"), max_request_bytes=1_000))
    raw = json.dumps({**VALID[path], "more": "x" * 1_000})
    assert refused(small.send(path, raw)) == (413, "too_large")


@pytest.mark.parametrize("path", VALID)
def test_what_is_right_is_taken(alone, path):
    answer = alone.send(path, json.dumps(VALID[path]))
    assert answer.status_code in (200, 201), answer.json


@SOME
@given(path=PATHS, raw=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered(alone, path, raw):
    assert answered_well(alone.send(path, raw))


@SOME
@given(path=PATHS, value=any_json(*FIELDS))
def test_any_json_is_answered(acting, path, value):
    assert answered_well(acting.send(path, json.dumps(value)))


@SOME
@given(path=PATHS, field=st.sampled_from(FIELDS), value=any_json("kty", "crv", "x", "d"))
def test_any_value_of_any_field_is_answered(acting, path, field, value):
    assert answered_well(acting.send(path, json.dumps({**VALID[path], field: value})))
    assert acting.client.get("/audit/verify").json["is_valid"]


@EVERY
@given(
    path=PATHS,
    headers=st.dictionaries(
        st.sampled_from(["X-API-Key", "Authorization", "X-Request-Id", "Idempotency-Key", "X-Forwarded-For"]),
        st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"))
        | st.text("Bearer aA0._-= ").map("Bearer ".__add__),
    ),
)
def test_any_header_is_answered(acting, path, headers):
    assert answered_well(acting.send(path, json.dumps(VALID[path]), **headers))


@EVERY
@given(
    place=st.sampled_from(
        "/v1/agents/{} /v1/organizations/{} /sessions/{} /sessions/{}/end /transactions/{}"
        " /transactions/{}/commit /transactions/{}/rollback /audit/{} /v1/{} /{}".split()
    ),
    name=st.text(st.characters(), min_size=1),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
)
def test_any_name_is_answered(acting, place, name, method):
    path = place.format(quote(name.encode("utf-8", "surrogatepass"), safe=""))
    answer = acting.ask(path, method, **({} if method == "GET" else {"json": {}}))
    assert answer.status_code in (200, 201, 308, 400, 401, 403, 404, 405, 409, 422), answer.data


@SOME
@given(
    path=st.sampled_from(GETS),
    query=st.dictionaries(st.sampled_from(QUERY), st.text() | st.integers().map(str)),
)
def test_any_query_is_answered(acting, path, query):
    assert answered_well(acting.ask(path, "GET", query_string=query))
