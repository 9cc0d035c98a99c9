"""Who may make an organization over HTTP, and what is told of it; and whether the service is healthy."""

from __future__ import annotations

import pytest

from precog.core import administration
from tests.surfaces.agents_with_keys import refused

ORGANIZATIONS = "/v1/organizations"


@pytest.fixture
def open_sandbox(make_sandbox, database_url, clock):
    sandbox = make_sandbox(database=database_url, open_sign_up=True)
    clock.advance(1)  # the organization that runs the server is the oldest
    return sandbox


def test_an_admin_key_makes_an_organization(sandbox, client, clock):
    clock.advance(1)
    made = client.post(ORGANIZATIONS, json={"name": "Acme"})
    assert made.status_code == 201
    theirs = sandbox.app.test_client()
    theirs.environ_base["HTTP_X_API_KEY"] = made.json["api_key"]
    shown = {name: value for name, value in made.json.items() if name != "api_key"}
    assert theirs.get(ORGANIZATIONS).json == [shown]
    assert theirs.get(f"{ORGANIZATIONS}/{shown['id']}").json == shown
    assert theirs.post("/v1/agents", json={"name": "first"}).status_code == 201


def test_without_an_admin_key_there_is_none(sandbox):
    stranger = sandbox.app.test_client()
    assert refused(stranger.post(ORGANIZATIONS, json={"name": "Acme"})) == (401, "unauthenticated")
    key = {"X-API-Key": sandbox.key("agents", "read")}
    answer = stranger.post(ORGANIZATIONS, json={"name": "Acme"}, headers=key)
    assert refused(answer) == (403, "insufficient_scope")
    assert len(administration.list_organizations(sandbox.services)) == 1


def test_another_organizations_admin_key_makes_none(sandbox, client, clock):
    clock.advance(1)
    key = {"X-API-Key": client.post(ORGANIZATIONS, json={"name": "Acme"}).json["api_key"]}
    answer = sandbox.app.test_client().post(ORGANIZATIONS, json={"name": "Umbrella"}, headers=key)
    assert refused(answer) == (403, "forbidden")


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "aa_of_nobody"}])
def test_where_sign_up_is_open_anybody_makes_one(open_sandbox, headers):
    stranger = open_sandbox.app.test_client()
    made = stranger.post(ORGANIZATIONS, json={"name": "Acme"}, headers=headers)
    assert made.status_code == 201, made.text
    key = {"X-API-Key": made.json["api_key"]}
    assert stranger.post("/v1/agents", json={"name": "one"}, headers=key).status_code == 201
    answer = stranger.post("/v1/agents", json={"name": "two"}, headers=key)
    assert refused(answer) == (403, "agent_limit_reached")  # of the smallest plan


def test_an_open_sign_up_is_limited_by_the_address(open_sandbox):
    stranger = open_sandbox.app.test_client()
    for number in range(10):
        assert stranger.post(ORGANIZATIONS, json={"name": f"Acme {number}"}).status_code == 201
    answer = stranger.post(ORGANIZATIONS, json={"name": "Acme"})
    assert refused(answer) == (429, "rate_limited")
    assert answer.headers["Retry-After"]
    assert open_sandbox.client.post(ORGANIZATIONS, json={"name": "Acme"}).status_code == 201


@pytest.mark.parametrize("name", [None, "", " ", 7, "x" * 201, "a\nb"])
def test_a_name_that_cannot_be_is_422(client, name):
    answer = client.post(ORGANIZATIONS, json={"name": name})
    assert refused(answer)[0] == 422
    assert "name" in answer.json["detail"]


@pytest.mark.parametrize("id", ["org-0000000000000000", "x", "a%00b"])
def test_another_organization_is_404(client, id):
    assert refused(client.get(f"{ORGANIZATIONS}/{id}")) == (404, "not_found")


def test_the_service_is_healthy_without_a_key(sandbox):
    answer = sandbox.app.test_client().get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "healthy")


def test_a_server_that_goes_down_is_not_healthy(sandbox):
    sandbox.services.draining = True
    assert refused(sandbox.app.test_client().get("/health")) == (503, "storage_unavailable")
