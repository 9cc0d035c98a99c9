"""Every refusal of the API, asked for over HTTP: its status, its exact body, and what else must be told."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
import sqlite3
from pathlib import Path

import pytest

from precog import errors, surfaces
from precog.core import telemetry
from precog.errors import PrecogError
from precog.storage import engine as storage_engine
from precog.surfaces.base import CODES, Surface, problem_from
from tests.surfaces.calls import BATCH, INGEST, ingest, interaction, refusal

AGENT_LIMIT = "Agent limit reached for your plan. Please upgrade your plan to connect additional agents."


def malformed(client, sandbox):
    return client.post(INGEST, data="{", content_type="application/json")


def not_an_object(client, sandbox):
    return client.post(INGEST, json=["agentId"])


def missing(client, sandbox):
    return client.post(INGEST, json={"prompt": "Hi", "response": "Hello"})


def of_another_type(client, sandbox):
    return client.post(INGEST, json=interaction(prompt=7))


def of_an_impossible_value(client, sandbox):
    return client.post(INGEST, json=interaction(agentId="x" * 201))


def without_key(client, sandbox):
    return sandbox.app.test_client().post(INGEST, json=interaction())


def without_scope(client, sandbox):
    return client.post(INGEST, json=interaction(), headers={"x-api-key": sandbox.key("read")})


def beyond_the_plans_agents(client, sandbox):
    sandbox.set_plan("FREE")
    ingest(client, agentId="first")
    return client.post(INGEST, json=interaction(agentId="second"))


def for_a_deactivated_agent(client, sandbox):
    ingest(client)
    client.patch("/api/v1/agents/bot", json={"status": "deactivated"})
    return client.post(INGEST, json=interaction())


def of_nothing(client, sandbox):
    return client.get("/api/v1/telemetry/nothing")


def of_no_such_agent(client, sandbox):
    return client.get("/api/v1/agents/nobody")


def of_no_such_interaction(client, sandbox):
    return client.get("/api/v1/interactions/int-0")


def by_a_wrong_method(client, sandbox):
    return client.get(INGEST)


def with_a_used_key(client, sandbox):
    key = {"Idempotency-Key": "k"}
    client.post(INGEST, json=interaction(), headers=key)
    return client.post(INGEST, json=interaction(prompt="Other"), headers=key)


def of_a_version_that_is_not_current(client, sandbox):
    return client.patch(
        f"/api/v1/systems/{sandbox.first.system.id}/policy",
        json={"version": 7},
        headers={"x-api-key": sandbox.key("admin")},
    )


def of_no_such_system(client, sandbox):
    return client.get("/api/v1/systems/sys-0/policy")


def too_large(client, sandbox):
    return client.post(INGEST, json=interaction(prompt="x" * 1_048_576))


def as_a_form(client, sandbox):
    return client.post(INGEST, data={"agentId": "bot"})


def too_often(client, sandbox):
    sandbox.set_plan("FREE")
    sandbox.clock.advance(1_500)
    for _ in range(200):
        client.get("/api/v1/usage")
    return client.post(INGEST, json=interaction())


TABLE = [
    (malformed, 400, "INVALID_REQUEST", "The body is not valid JSON", {}),
    (not_an_object, 400, "INVALID_REQUEST", "The body is not a JSON object but array", {}),
    (
        missing,
        400,
        "MISSING_REQUIRED_FIELD",
        "Missing required field: agentId",
        {"field": "agentId", "expected": "string", "received": "null"},
    ),
    (
        of_another_type,
        400,
        "INVALID_FIELD_TYPE",
        "Wrong type for field: prompt",
        {"field": "prompt", "expected": "string", "received": "number"},
    ),
    (
        of_an_impossible_value,
        400,
        "INVALID_FIELD_VALUE",
        "Invalid value for field: agentId",
        {
            "field": "agentId",
            "expected": "string of 1 to 200 characters",
            "received": "string of 201 characters",
        },
    ),
    (without_key, 401, "INVALID_API_KEY", "The API key is missing or not valid", {}),
    (
        without_scope,
        403,
        "INSUFFICIENT_SCOPE",
        "This needs the scope telemetry",
        {"scope": "telemetry"},
    ),
    (for_a_deactivated_agent, 403, "AGENT_DEACTIVATED", "The agent is deactivated", {"agentId": "bot"}),
    (of_nothing, 404, "NOT_FOUND", "There is nothing at this address", {}),
    (of_no_such_agent, 404, "NOT_FOUND", "No such agent", {}),
    (of_no_such_interaction, 404, "NOT_FOUND", "No such interaction", {}),
    (of_no_such_system, 404, "NOT_FOUND", "No such system", {}),
    (by_a_wrong_method, 405, "METHOD_NOT_ALLOWED", "GET is not allowed here", {}),
    (
        with_a_used_key,
        409,
        "IDEMPOTENCY_KEY_REUSED",
        "The idempotency key was used before with another body",
        {},
    ),
    (
        of_a_version_that_is_not_current,
        409,
        "VERSION_CONFLICT",
        "The current version is 1",
        {"version": 1},
    ),
    (
        too_large,
        413,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than 1048576 bytes",
        {"limit_bytes": 1_048_576},
    ),
    (
        as_a_form,
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The Content-Type must be application/json",
        {},
    ),
    (
        too_often,
        429,
        "RATE_LIMIT_EXCEEDED",
        "Too many requests; try again in 59 s",
        {"limit": 200, "retry_after_s": 59},
    ),
]


@pytest.mark.parametrize(
    ("ask", "status", "code", "message", "details"), TABLE, ids=[row[0].__name__ for row in TABLE]
)
def test_a_request_is_refused_in_the_exact_form(client, sandbox, ask, status, code, message, details):
    answer = ask(client, sandbox)
    assert answer.status_code == status
    assert answer.content_type == "application/json"
    assert answer.json == {"error": {"code": code, "message": message, "details": details}}


def test_beyond_the_plans_agents_the_sentence_for_older_clients_stands_beside_the_error(client, sandbox):
    answer = beyond_the_plans_agents(client, sandbox)
    assert answer.status_code == 403
    assert answer.json == {
        "error": {
            "code": "AGENT_LIMIT_EXCEEDED",
            "message": "Every agent slot of the plan is taken",
            "details": {"limit": 1},
        },
        "detail": AGENT_LIMIT,
    }


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (INGEST, {"OPTIONS", "POST"}),
        (BATCH, {"OPTIONS", "POST"}),
        ("/api/v1/usage", {"GET", "HEAD", "OPTIONS"}),
        ("/api/v1/agents/bot", {"GET", "HEAD", "OPTIONS", "PATCH"}),
        ("/api/v1/systems", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(sqlite_client, path, allowed):
    answer = sqlite_client.delete(path)
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_without_a_key_the_way_to_give_one_is_told(sqlite_client, sqlite_sandbox):
    assert without_key(sqlite_client, sqlite_sandbox).headers["WWW-Authenticate"] == "Bearer"


def test_an_error_of_ours_tells_nobody_its_cause(sqlite_client, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("the cause, with a prompt in it")

    monkeypatch.setattr(telemetry, "record", fail)
    with caplog.at_level(logging.DEBUG):
        answer = sqlite_client.post(INGEST, json=interaction())
    assert answer.status_code == 500
    assert answer.json == {
        "error": {"code": "INTERNAL_ERROR", "message": "Internal Server Error", "details": {}}
    }
    assert "unhandled RuntimeError at" in caplog.text
    assert "the cause" not in caplog.text + str([vars(record) for record in caplog.records])


# --- a database that cannot be used ---------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    """Waits for a lock are cut short, for tests that hold one."""
    monkeypatch.setattr(storage_engine, "BUSY_TIMEOUT_MS", 100)


def unavailable(answer):
    assert answer.headers["Retry-After"] == "1"
    return refusal(answer) == (503, "STORAGE_UNAVAILABLE")


WRITES = [
    ("POST", INGEST, interaction(agentId="new")),
    ("POST", BATCH, {"interactions": [interaction()]}),
    ("POST", "/api/v1/integrations/custom/telemetry", interaction()),
    ("PATCH", "/api/v1/agents/bot", {"status": "deactivated"}),
    ("GET", "/api/v1/usage", None),  # which takes one from the quota
    ("POST", INGEST, {}),  # and so does a refusal
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_locked_database_is_unavailable(impatient, sandbox, engine, database_url, method, path, body):
    client = sandbox.client
    ingest(client)
    if engine == "sqlite":
        other = sqlite3.connect(database_url, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        import psycopg

        other = psycopg.connect(database_url)
        other.execute("LOCK TABLE rate_windows, interactions, agents IN ACCESS EXCLUSIVE MODE")
    try:
        assert unavailable(client.open(path, method=method, json=body))
    finally:
        other.close()
    assert client.post(INGEST, json=interaction()).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_database_that_was_deleted_is_unavailable(sqlite_sandbox, method, path, body):
    ingest(sqlite_sandbox.client)
    Path(sqlite_sandbox.app.config["PRECOG"].database).unlink()
    assert unavailable(sqlite_sandbox.client.open(path, method=method, json=body))


# --- the tables behind it -------------------------------------------------------------------


def every_surface() -> list[Surface]:
    modules = (
        importlib.import_module(f"precog.surfaces.{one.name}")
        for one in pkgutil.iter_modules(surfaces.__path__)
    )
    found: list[Surface] = []
    for module in modules:
        found += getattr(module, "surfaces", [])
        found += [surface for surface in [getattr(module, "surface", None)] if surface is not None]
    return found


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PrecogError) and "code" in vars(kind)
]


def test_every_surface_has_a_status_for_every_code():
    assert len(every_surface()) >= 5
    for surface in every_surface():
        assert surface.status.keys() >= CODES
        assert all(400 <= surface.status[code] <= 599 for code in CODES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_becomes_a_problem_of_its_own_code(sqlite_sandbox, kind):
    samples = {"limit": 1, "limit_bytes": 1, "quota": 1, "retry_after_ms": 1}
    parameters = [] if kind.__init__ is Exception.__init__ else inspect.signature(kind).parameters
    error = kind.__new__(kind)
    for name in parameters:
        setattr(error, name, samples.get(name, name))
    with sqlite_sandbox.app.test_request_context():
        assert problem_from(error).code == kind.code


@pytest.mark.parametrize("path", ["/nothing", "/api/v1x", "/api/v2/agents", "/api", "/"])
def test_a_path_that_is_no_surfaces_is_left_as_it_was(sqlite_client, path):
    answer = sqlite_client.get(path)
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1//agents"])
def test_a_path_below_the_surfaces_is_not_found_in_its_form(sqlite_client, path):
    assert refusal(sqlite_client.get(path)) == (404, "NOT_FOUND")
