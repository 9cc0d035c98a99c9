"""Precog inside another application, beside another Precog, and behind a proxy."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.surfaces.calls import INGEST, ingest, interaction, refusal, stored


@pytest.fixture
def mounted(sqlite_sandbox) -> Client:
    """A host application with Precog at /security, seen from outside."""
    host = Flask("host")
    host.add_url_rule("/", view_func=lambda: "the host's own page")
    client = Client(DispatcherMiddleware(host, {"/security": sqlite_sandbox.app}))
    client.environ_base = {"HTTP_X_API_KEY": sqlite_sandbox.first.keys["precogx"].secret}
    return client


def ask(client: Client, path: str, **more):
    headers = {"x-api-key": client.environ_base["HTTP_X_API_KEY"]}
    return client.open(path, headers=headers, **more)


def test_the_api_works_under_a_prefix(mounted):
    answer = ask(mounted, f"/security{INGEST}", method="POST", json=interaction())
    assert answer.status_code == 200
    found = ask(mounted, f"/security/api/v1/interactions/{answer.json['interactionId']}")
    assert found.json["prompt"] == "Hi"


def test_errors_keep_their_form_under_a_prefix(mounted):
    assert refusal(ask(mounted, "/security/api/v1/nothing")) == (404, "NOT_FOUND")
    assert refusal(ask(mounted, f"/security{INGEST}")) == (405, "METHOD_NOT_ALLOWED")
    assert "RateLimit-Limit" in ask(mounted, "/security/api/v1/usage").headers


def test_the_host_keeps_its_own_paths(mounted):
    assert ask(mounted, "/").text == "the host's own page"
    answer = ask(mounted, "/api/v1/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "X-Request-Id" not in answer.headers


def test_everything_the_documentation_page_needs_is_found_under_the_prefix(mounted):
    page = ask(mounted, "/security/docs")
    links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    links = [link for link in links if not link.startswith("data:")]
    assert len(links) >= 4
    settings = ask(mounted, next(link for link in links if "settings" in link)).text
    links += re.findall(r'"url": ?"([^"]+)"', settings)
    assert "/security/api/v1/openapi.json" in links
    for link in links:
        assert link.startswith("/security/")
        assert ask(mounted, link).status_code == 200


def test_the_document_names_where_it_is_mounted(mounted, sqlite_client):
    assert ask(mounted, "/security/api/v1/openapi.json").json["servers"] == [{"url": "/security"}]
    assert sqlite_client.get("/api/v1/openapi.json").json["servers"] == [{"url": "/"}]


def test_two_applications_in_one_process_do_not_meet(make_sandbox, tmp_path):
    one = make_sandbox(database=str(tmp_path / "one.sqlite3"), max_request_bytes=1_000)
    two = make_sandbox(database=str(tmp_path / "two.sqlite3"))
    ingest(one.client, prompt="of one")
    ingest(two.client, prompt="x" * 2_000)
    assert [kept["prompt"] for kept in stored(one.client)] == ["of one"]
    assert len(stored(two.client)) == 1
    assert one.client.post(INGEST, json=interaction(prompt="x" * 2_000)).status_code == 413
    stranger = {"x-api-key": one.first.keys["precogx"].secret}
    assert refusal(two.client.get("/api/v1/usage", headers=stranger)) == (401, "INVALID_API_KEY")
    one.services.close()
    assert refusal(one.client.get("/api/v1/usage")) == (503, "STORAGE_UNAVAILABLE")
    assert two.client.get("/api/v1/usage").status_code == 200


# --- behind a proxy -------------------------------------------------------------------------


def refused(sandbox, forwarded_for: str) -> int:
    headers = {"X-Forwarded-For": forwarded_for}
    return sandbox.app.test_client().get("/api/v1/usage", headers=headers).status_code


@pytest.mark.parametrize(
    ("proxies", "forwarded", "statuses"),
    [
        (0, ["192.0.2.1", "192.0.2.2", "192.0.2.3"], [401, 401, 429]),  # all are the socket's address
        (1, ["192.0.2.1", "192.0.2.2", "192.0.2.3"], [401, 401, 401]),
        (1, ["192.0.2.1"] * 3, [401, 401, 429]),
        (1, ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"], [401, 401, 429]),
        (1, ["[2001:db8::1]:1", "[2001:db8::1]:2", "2001:db8::1"], [401, 401, 429]),
        (1, ["198.51.100.1, 192.0.2.1", "198.51.100.2, 192.0.2.1", "192.0.2.1"], [401, 401, 429]),
        (2, ["192.0.2.1, 10.0.0.1", "192.0.2.2, 10.0.0.1", "192.0.2.3, 10.0.0.1"], [401, 401, 401]),
    ],
)
def test_only_as_many_proxies_as_are_trusted_name_the_address(
    make_sandbox, tmp_path, proxies, forwarded, statuses
):
    sandbox = make_sandbox(
        database=str(tmp_path / "d.sqlite3"), trusted_proxies=proxies, unauthenticated_per_minute=2
    )
    assert [refused(sandbox, addresses) for addresses in forwarded] == statuses


@pytest.mark.parametrize(
    ("proxies", "name_host", "servers"),
    [(0, False, "/"), (0, True, "/"), (1, False, "/"), (1, True, "/behind")],
)
def test_a_proxy_names_the_prefix_when_it_is_said_to(make_sandbox, tmp_path, proxies, name_host, servers):
    sandbox = make_sandbox(
        database=str(tmp_path / "d.sqlite3"), trusted_proxies=proxies, proxies_name_host=name_host
    )
    answer = sandbox.client.get("/api/v1/openapi.json", headers={"X-Forwarded-Prefix": "/behind"})
    assert answer.json["servers"] == [{"url": servers}]
