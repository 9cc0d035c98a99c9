"""Every refusal of the guard and of its events: its status, and its exact flat body."""

from __future__ import annotations

import logging

import pytest

from precog.core import administration, lifecycle
from precog.surfaces.base import CODES, Problem
from precog.surfaces.guard.forms import STATUS, flat_envelope, guard_envelope
from tests.conftest import Sandbox
from tests.surfaces.calls import refusal
from tests.surfaces.guarding import (
    ATTACK,
    CONFIG,
    EVENTS,
    FINALIZE,
    GUARD,
    HARMLESS,
    POSTS,
    ask,
    client_of,
    form,
    fresh,
    post_raw,
    prompt,
    refused,
)

INFRASTRUCTURE = {
    "system_failure",
    "system_failure_db_unavailable",
    "logging_failed",
    "server_error",
    "guard_unreachable",
    "api_key_pepper_missing",
    "encryption_key_missing",
}
ROUTES = [("POST", path, body) for path, body in POSTS.items()] + [("GET", CONFIG, None)]


# --- keys


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_without_a_good_key_nothing_is_looked_at(sqlite_sandbox, method, path, body):
    sandbox: Sandbox = sqlite_sandbox
    revoked = administration.create_key(
        sandbox.services,
        sandbox.organization_id,
        administration.KeyRequest(kind="agentid", prefix="sk_live_", name="revoked"),
    )
    administration.revoke_key(sandbox.services, revoked.record.id)
    expired = sandbox.key(expires_in_ms=1)
    sandbox.clock.advance(2)
    for key in ("sk_live_...", "", revoked.secret, expired):
        for headers in ({"x-agentid-api-key": key}, {"Authorization": f"Bearer {key}"}):
            answer = sandbox.app.test_client().open(path, method=method, json=body, headers=headers)
            assert (answer.status_code, answer.json) == (401, form(path, "unauthorized", "Unauthorized"))
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    if method == "POST":
        answer = post_raw(sandbox.app.test_client(), path, b"{")
        assert (answer.status_code, answer.json) == (401, form(path, "unauthorized", "Unauthorized"))


@pytest.mark.parametrize("kind", ["precogx", "agentid", "certusordo"])
@pytest.mark.parametrize(
    ("header", "written"),
    [("x-agentid-api-key", "{}"), ("x-api-key", "{}"), ("Authorization", "Bearer {}")],
)
def test_every_kind_of_key_is_taken_from_every_header(sqlite_sandbox, kind, header, written):
    headers = {header: written.format(sqlite_sandbox.first.keys[kind].secret)}
    body = prompt(system_id=sqlite_sandbox.first.system.id)
    answer = sqlite_sandbox.app.test_client().post(GUARD, json=body, headers=headers)
    assert (answer.status_code, answer.json["allowed"]) == (200, True)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_key_without_the_scope_is_forbidden(sqlite_sandbox, method, path, body):
    client = client_of(sqlite_sandbox, sqlite_sandbox.key("telemetry", "read", "agents", "admin"))
    answer = client.open(path, method=method, json=body)
    assert (answer.status_code, answer.json) == (403, form(path, "forbidden", "Forbidden"))
    refused(answer)


@pytest.mark.parametrize(("path", "body"), POSTS.items())
def test_another_system_is_forbidden(alone, path, body):
    answer = alone.post(path, json={**body, "system_id": "sys-0"})
    assert (answer.status_code, answer.json) == (403, form(path, "forbidden", "Forbidden"))


# --- addresses and methods


@pytest.mark.parametrize("path", [f"{GUARD}/", f"{GUARD}/nothing", f"{GUARD}//"])
def test_below_the_guard_nothing_is_allowed(alone, path):
    for method in ("GET", "POST"):
        answer = alone.open(path, method=method, json=prompt())
        assert (answer.status_code, answer.json) == (404, {"allowed": False, "reason": "not_found"})


@pytest.mark.parametrize("path", [f"{EVENTS}/", f"{EVENTS}/x", f"{FINALIZE}/", f"{CONFIG}/", f"{CONFIG}/x"])
def test_below_the_other_routes_nothing_is_found(alone, path):
    answer = alone.post(path, json={})
    assert (answer.status_code, answer.json) == (404, {"error": "Not found"})


@pytest.mark.parametrize("path", ["/api/v1/guards", "/api/v1/ingestion", "/api/v1/agent", "/api/v1/agent/x"])
def test_an_address_that_only_begins_alike_is_not_the_guards(alone, path):
    assert refusal(alone.post(path, json={})) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_wrong_method_is_told_the_right_ones(alone, method, path, body):
    for wrong in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {method}:
        answer = alone.open(path, method=wrong, json={})
        assert answer.status_code == 405
        assert answer.json == form(path, "method_not_allowed", "Method not allowed")
        assert method in answer.headers["Allow"].split(", ")
        refused(answer)


# --- our own faults


@pytest.mark.parametrize(
    ("path", "broken", "body"),
    [
        (GUARD, "guard", {"allowed": False, "reason": "server_error"}),
        (EVENTS, "ingest", {"error": "Internal server error"}),
        (FINALIZE, "finalize", {"error": "Internal server error"}),
        (CONFIG, "effective", {"error": "Internal server error"}),
    ],
)
def test_an_error_of_ours_tells_nobody_its_cause(alone, monkeypatch, caplog, path, broken, body):
    def fail(*args, **kwargs):
        raise RuntimeError("the cause, with a prompt in it")

    monkeypatch.setattr(lifecycle, broken, fail)
    with caplog.at_level(logging.DEBUG):
        answer = alone.get(path) if path == CONFIG else alone.post(path, json=POSTS[path])
    assert (answer.status_code, answer.json) == (500, body)
    refused(answer)
    assert "unhandled RuntimeError at" in caplog.text
    assert "the cause" not in caplog.text + str([vars(record) for record in caplog.records])


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_problem_has_a_status_and_both_forms(code):
    problem = Problem(code, "A sentence", {"event_id": fresh(), "field": "input"})
    assert 400 <= STATUS[code] <= 599
    mine, flat = guard_envelope(problem), flat_envelope(problem)
    assert mine["allowed"] is False
    assert isinstance(mine["reason"], str)
    assert isinstance(flat["error"], str)
    # Clients take these words for an outage of ours, and go on without a verdict where they may.
    assert (mine["reason"] in INFRASTRUCTURE) == (STATUS[code] >= 500)
    assert ("details" in mine) == ("details" in flat) == (STATUS[code] in (400, 415))


def test_the_statuses_tell_refusals_apart_from_verdicts(guarded):
    verdict = ask(guarded, ATTACK)
    assert verdict.keys() > {"allowed", "reason"}
    assert ask(guarded, HARMLESS).keys() == verdict.keys()


def test_the_request_id_is_the_correlation_id_on_every_answer(alone):
    for body in (prompt(), {}):
        answer = alone.post(GUARD, json=body, headers={"x-correlation-id": "corr-7"})
        assert answer.headers["X-Request-Id"] == "corr-7"
