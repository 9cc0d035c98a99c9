"""Whose key it is: three headers, scopes a route, and every way in which a key can be wrong."""

from __future__ import annotations

import pytest

from precog.core import administration
from tests.surfaces.calls import BATCH, INGEST, ingest, interaction, refusal, stored

DAY_MS = 86_400_000
ROUTES = [
    ("POST", INGEST, interaction(), "telemetry"),
    ("POST", BATCH, {"interactions": [interaction()]}, "telemetry"),
    ("POST", "/api/v1/integrations/flowise/telemetry", interaction(), "telemetry"),
    ("POST", "/api/v1/integrations/n8n/telemetry", interaction(), "telemetry"),
    ("POST", "/api/v1/integrations/dify/telemetry", interaction(), "telemetry"),
    ("POST", "/api/v1/integrations/custom/telemetry", interaction(), "telemetry"),
    ("GET", "/api/v1/agents", None, "read"),
    ("GET", "/api/v1/agents/bot", None, "read"),
    ("PATCH", "/api/v1/agents/bot", {"status": "active"}, "agents"),
    ("GET", "/api/v1/interactions", None, "read"),
    ("GET", "/api/v1/interactions/{id}", None, "read"),
    ("GET", "/api/v1/usage", None, "read"),
    ("GET", "/api/v1/systems", None, "read"),
    ("POST", "/api/v1/systems", {"name": "desk"}, "admin"),
    ("GET", "/api/v1/systems/{system}/policy", None, "read"),
    ("PATCH", "/api/v1/systems/{system}/policy", {"masking": True}, "admin"),
    ("GET", "/api/v1/systems/{system}/policy/history", None, "read"),
]
SCOPES = ("telemetry", "guard", "agents", "read", "admin")


def usage(sandbox, **headers):
    return sandbox.app.test_client().get(
        "/api/v1/usage", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("x-api-key", "{}"),
        ("X-Api-Key", " {} "),
        ("x-agentid-api-key", "{}"),
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer  {}"),
    ],
)
@pytest.mark.parametrize("kind", ["precogx", "agentid", "certusordo"])
def test_every_kind_of_key_is_taken_from_every_header(sqlite_sandbox, header, form, kind):
    key = sqlite_sandbox.first.keys[kind].secret
    assert usage(sqlite_sandbox, **{header: form.format(key)}).status_code == 200


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("Authorization", "Basic {}"),
        ("Authorization", "{}"),
        ("Authorization", "Bearer"),
        ("Authorization", "Bearer {}x"),
        ("x-api-key", "Bearer {}"),
        ("x-api-key", ""),
        ("x-api-key", "é{}"),
        ("x-key", "{}"),
    ],
)
def test_a_key_in_another_form_is_no_key(sqlite_sandbox, header, form):
    key = sqlite_sandbox.first.keys["precogx"].secret
    assert refusal(usage(sqlite_sandbox, **{header: form.format(key)})) == (401, "INVALID_API_KEY")


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES)
def test_each_route_asks_for_its_scope_and_no_other(sandbox, method, path, body, scope):
    path = path.replace("{id}", ingest(sandbox.client)).replace("{system}", sandbox.first.system.id)
    client = sandbox.app.test_client()

    def status(*scopes):
        return client.open(path, method=method, json=body, headers={"x-api-key": sandbox.key(*scopes)})

    assert status(scope).status_code in (200, 201)
    refused = status(*(other for other in SCOPES if other != scope))
    assert refusal(refused) == (403, "INSUFFICIENT_SCOPE")
    assert refused.json["error"]["details"] == {"scope": scope}


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES)
def test_each_route_asks_for_a_key_before_it_looks_at_the_body(sqlite_sandbox, method, path, body, scope):
    client = sqlite_sandbox.app.test_client()
    assert refusal(client.open(path, method=method, json=body)) == (401, "INVALID_API_KEY")
    assert refusal(client.open(path, method=method, data=b"{")) == (401, "INVALID_API_KEY")


def mistyped(key: str) -> str:
    return key[:-1] + ("0" if key[-1] != "0" else "1")


@pytest.mark.parametrize(
    "damage", [mistyped, str.upper, lambda key: key[:-1], lambda key: key + "a", lambda key: "px_live_"]
)
def test_a_malformed_key_is_refused_without_a_look_at_the_database(sqlite_sandbox, monkeypatch, damage):
    monkeypatch.setattr(sqlite_sandbox.services.db, "read", None)
    answer = usage(sqlite_sandbox, x_api_key=damage(sqlite_sandbox.first.keys["precogx"].secret))
    assert refusal(answer) == (401, "INVALID_API_KEY")


def test_a_well_formed_key_that_nobody_was_given_is_refused(make_sandbox, sandbox, tmp_path):
    elsewhere = make_sandbox(database=str(tmp_path / "elsewhere.sqlite3"))
    key = elsewhere.first.keys["precogx"].secret
    assert usage(elsewhere, x_api_key=key).status_code == 200
    assert refusal(usage(sandbox, x_api_key=key)) == (401, "INVALID_API_KEY")


def test_a_key_ends_when_it_expires(sandbox):
    key = sandbox.key(expires_in_ms=DAY_MS)
    sandbox.clock.advance(DAY_MS - 1)
    assert usage(sandbox, x_api_key=key).status_code == 200
    sandbox.clock.advance(1)
    assert refusal(usage(sandbox, x_api_key=key)) == (401, "INVALID_API_KEY")


def test_a_revoked_key_ends_with_the_next_request(sandbox):
    first = sandbox.first.keys["precogx"]
    assert usage(sandbox, x_api_key=first.secret).status_code == 200
    administration.revoke_key(sandbox.services, first.record.id)
    assert refusal(usage(sandbox, x_api_key=first.secret)) == (401, "INVALID_API_KEY")


def test_a_revocation_elsewhere_is_noticed_within_five_seconds(sandbox):
    key = sandbox.first.keys["precogx"]
    assert usage(sandbox, x_api_key=key.secret).status_code == 200
    sandbox.services.db.write(administration.key_rows.revoke, key.record.id, now=sandbox.clock())
    sandbox.clock.advance(5_000)
    assert refusal(usage(sandbox, x_api_key=key.secret)) == (401, "INVALID_API_KEY")


def test_a_rotated_key_works_until_the_overlap_ends(sandbox):
    old = sandbox.first.keys["precogx"]
    new = administration.rotate_key(sandbox.services, old.record.id, prefix="px_live_", overlap_ms=DAY_MS)
    assert usage(sandbox, x_api_key=new.secret).status_code == 200
    sandbox.clock.advance(DAY_MS - 1)
    assert usage(sandbox, x_api_key=old.secret).status_code == 200
    sandbox.clock.advance(1)
    assert usage(sandbox, x_api_key=old.secret).status_code == 401
    assert usage(sandbox, x_api_key=new.secret).status_code == 200


def test_a_key_decides_whose_data_it_is(sandbox):
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    theirs = sandbox.app.test_client()
    theirs.environ_base["HTTP_X_API_KEY"] = sandbox.key(organization_id=other.id)
    ingest(theirs, prompt="theirs")
    assert stored(sandbox.client) == []
    assert [one["prompt"] for one in stored(theirs)] == ["theirs"]
