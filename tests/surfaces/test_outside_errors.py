"""Every refusal of the outside callers' API in its exact form, and what else every answer carries."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from precog.core import callers, visitors
from precog.storage import engine as storage_engine
from precog.surfaces.base import CODES, Problem
from precog.surfaces.callers.forms import STATUS, envelope
from tests.conftest import Sandbox
from tests.surfaces.outside import (
    CORS,
    NOTHING,
    QUOTA,
    REGISTER,
    WELL_KNOWN,
    carries_all,
    partner,
    quota,
    refused,
    registered,
    stranger,
)

AGENT_ID = "expected 1 to 200 visible ASCII characters, received another header value"


def malformed(client):
    return client.post(REGISTER, data="{", content_type="application/json")


def not_an_object(client):
    return client.post(REGISTER, json=["name"])


def missing(client):
    return client.post(REGISTER, json={})


def of_another_type(client):
    return client.post(REGISTER, json={"name": 7})


def of_an_impossible_value(client):
    return client.post(REGISTER, json={"name": "x", "contactEmail": "nobody"})


def with_an_impossible_agent_id(client):
    return client.post(REGISTER, json={"name": "x"}, headers={"X-Agent-Id": "x" * 201})


def with_a_malformed_key(client):
    return client.post(REGISTER, json={"name": "x"}, headers={"X-Caller-Key": "caller_2c5852cbfebda0..."})


def with_a_key_of_nobody(client):
    key = callers.generate_key()
    return client.post(REGISTER, data="{", headers={"X-Caller-Key": key})  # nothing is looked at


def of_nothing(client):
    return client.get(NOTHING)


def by_a_wrong_method(client):
    return client.delete(REGISTER)


def too_large(client):
    return client.post(REGISTER, json={"name": "x" * 1_048_576})


def as_a_form(client):
    return client.post(REGISTER, data={"name": "x"})


def too_often(client):
    for _ in range(12):
        client.get(NOTHING)
    return client.post(REGISTER, json={"name": "x"})


TABLE = [
    (malformed, 400, "INVALID_REQUEST", "The body is not valid JSON"),
    (not_an_object, 400, "INVALID_REQUEST", "The body is not a JSON object but array"),
    (
        missing,
        400,
        "MISSING_REQUIRED_FIELD",
        "Missing required field: name: expected string, received null",
    ),
    (
        of_another_type,
        400,
        "INVALID_FIELD_TYPE",
        "Wrong type for field: name: expected string, received number",
    ),
    (
        of_an_impossible_value,
        400,
        "INVALID_FIELD_VALUE",
        "Invalid value for field: contactEmail: expected e-mail address, received another string",
    ),
    (
        with_an_impossible_agent_id,
        400,
        "INVALID_FIELD_VALUE",
        f"Invalid value for field: X-Agent-Id: {AGENT_ID}",
    ),
    (with_a_malformed_key, 401, "INVALID_CALLER_KEY", "The caller key is not valid, or was revoked"),
    (with_a_key_of_nobody, 401, "INVALID_CALLER_KEY", "The caller key is not valid, or was revoked"),
    (of_nothing, 404, "NOT_FOUND", "There is nothing at this address"),
    (by_a_wrong_method, 405, "METHOD_NOT_ALLOWED", "DELETE is not allowed here"),
    (too_large, 413, "PAYLOAD_TOO_LARGE", "The body is larger than 1048576 bytes"),
    (as_a_form, 415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json"),
    (too_often, 429, "RATE_LIMITED", "12 requests/minute exceeded for tier anonymous"),
]


@pytest.fixture
def outside(sqlite_sandbox: Sandbox):
    return stranger(sqlite_sandbox)


@pytest.mark.parametrize(("ask", "status", "code", "message"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_request_is_refused_in_the_exact_form(sandbox, ask, status, code, message):
    answer = ask(stranger(sandbox))
    carries_all(answer)
    assert answer.status_code == status
    assert answer.json == {"error": code, "message": message}


@pytest.mark.parametrize("ask", [row[0] for row in TABLE], ids=[row[0].__name__ for row in TABLE])
def test_every_refusal_counts_for_the_address(sqlite_sandbox, ask):
    client = stranger(sqlite_sandbox)
    if ask is too_often:
        for _ in range(11):
            client.get(NOTHING)
        ask = of_nothing
    before = quota(client.options(REGISTER))[1]
    assert quota(ask(client))[:2] == (12, before - 1)


def test_429_tells_when_to_come_again(sandbox):
    sandbox.clock.advance(13_000)
    client = partner(sandbox, "standard")
    for _ in range(120):
        assert client.get(NOTHING).status_code == 404
    answer = client.get(NOTHING)
    assert refused(answer) == (429, "RATE_LIMITED")
    assert answer.json["message"] == "120 requests/minute exceeded for tier standard"
    assert (quota(answer), answer.headers["Retry-After"]) == ((120, 0, 47), "47")
    sandbox.clock.advance(47_000)
    assert quota(client.get(NOTHING)) == (120, 119, 60)


@pytest.mark.parametrize(("tier", "limit"), [("standard", 120), ("elevated", 240), ("partner", 600)])
def test_a_callers_tier_is_told_on_every_answer(sandbox, tier, limit):
    client = partner(sandbox, tier)
    assert quota(client.get(NOTHING)) == (limit, limit - 1, 60)
    assert quota(client.delete(REGISTER)) == (limit, limit - 2, 60)


def test_an_agents_id_has_30_and_an_address_12(sandbox):
    assert quota(stranger(sandbox, X_Agent_Id="a").get(NOTHING)) == (30, 29, 60)
    assert quota(stranger(sandbox, X_Agent_Id="b").get(NOTHING)) == (30, 29, 60)
    assert quota(stranger(sandbox).get(NOTHING)) == (12, 11, 60)


def test_other_agent_ids_do_not_lift_an_addresss_limit(make_sandbox, database_url):
    sandbox = make_sandbox(database=database_url, caller_ip_per_minute=5)
    answers = [stranger(sandbox, X_Agent_Id=f"a{number}").get(NOTHING) for number in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert answers[5].json["message"] == "5 requests/minute exceeded for this address"
    assert quota(answers[5])[:2] == (30, 0)
    assert stranger(sandbox, "192.0.2.9", X_Agent_Id="a5").get(NOTHING).status_code == 404


def test_a_partner_is_not_kept_out_by_its_neighbours(make_sandbox, database_url):
    sandbox = make_sandbox(database=database_url, caller_ip_per_minute=5)
    client = partner(sandbox)
    answers = [stranger(sandbox, X_Agent_Id=f"a{number}").get(NOTHING) for number in range(6)]
    assert answers[5].status_code == 429
    answers = [client.get(NOTHING) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 6
    assert quota(answers[5])[:2] == (600, 594)


# --- keys


def test_a_flood_of_keys_of_nobody_asks_the_database_for_a_few(sandbox, monkeypatch):
    looked_up = []
    load = visitors.Visitors._load
    monkeypatch.setattr(visitors.Visitors, "_load", lambda *given: looked_up.append(1) or load(*given))
    for _ in range(40):
        client = stranger(sandbox, X_Caller_Key=visitors.generate_key())
        carries_all(client.options(REGISTER))
        answer = client.get(NOTHING)
    assert refused(answer) == (429, "RATE_LIMITED")
    assert answer.json["message"] == "12 requests/minute exceeded for tier anonymous"
    assert len(looked_up) == 12


def test_the_key_is_also_taken_as_a_bearers(sandbox):
    made = registered(sandbox)
    answer = stranger(sandbox).get(NOTHING, headers={"Authorization": f"Bearer {made['callerKey']}"})
    assert answer.headers["X-Caller-Id"] == made["callerId"]


@pytest.mark.parametrize("given", ["Bearer sk_live_of_another_kind", "Basic eDp5", "Bearer", ""])
def test_another_authorization_is_nobodys_business(outside, given):
    answer = outside.get(NOTHING, headers={"Authorization": given})
    assert quota(answer)[0] == 12
    assert "X-Caller-Id" not in answer.headers


@pytest.mark.parametrize("given", ["", "caller_", "x", "caller_" + "0" * 48, "ü" * 55])
def test_a_wrong_key_is_never_silently_anonymous(outside, given):
    answer = outside.post(REGISTER, json={"name": "x"}, headers={"X-Caller-Key": given})
    assert refused(answer) == (401, "INVALID_CALLER_KEY")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_is_refused_and_counts_for_the_address(sandbox):
    made = registered(sandbox)
    client = stranger(sandbox, X_Caller_Key=made["callerKey"], X_Agent_Id=made["callerId"])
    assert quota(client.get(NOTHING))[0] == 120
    callers.revoke(sandbox.services, None, made["callerId"])
    answer = client.post(REGISTER, json={"name": "x"})
    assert refused(answer) == (401, "INVALID_CALLER_KEY")
    assert quota(answer)[:2] == (12, 11)
    assert "X-Caller-Id" not in answer.headers


def test_a_key_with_anothers_agent_id_counts_for_the_keys_caller_and_says_so(sandbox):
    mine, other = registered(sandbox, "Mine"), registered(sandbox, "Other One")
    client = stranger(sandbox, X_Caller_Key=mine["callerKey"], X_Agent_Id=other["callerId"])
    for left in (119, 118):
        answer = client.get(NOTHING)
        assert answer.headers["X-Caller-Id"] == mine["callerId"]
        assert quota(answer)[:2] == (120, left)
    assert quota(stranger(sandbox, X_Caller_Key=other["callerKey"]).get(NOTHING))[:2] == (120, 119)
    assert quota(stranger(sandbox, X_Agent_Id=other["callerId"]).get(NOTHING))[:2] == (30, 29)


@pytest.mark.parametrize("given", ["x" * 201, "two words", "tab\there", "größe", "\x7f"])
def test_an_agent_id_that_cannot_be_is_refused(outside, given):
    answer = outside.post(REGISTER, json={"name": "x"}, headers={"X-Agent-Id": given})
    assert refused(answer) == (400, "INVALID_FIELD_VALUE")
    assert quota(answer)[0] == 12


@pytest.mark.parametrize("given", ["", " ", "\t"])
def test_an_empty_agent_id_is_none(sandbox, given):
    assert quota(stranger(sandbox).get(NOTHING, headers={"X-Agent-Id": given}))[:2] == (12, 11)
    answer = stranger(sandbox).post(REGISTER, json={"name": "x"}, headers={"X-Agent-Id": given})
    assert (answer.status_code, quota(answer)[:2]) == (201, (12, 10))


# --- where it comes from


def test_a_proxy_is_believed_only_when_it_is_trusted(make_sandbox, tmp_path):
    told = {"X-Forwarded-For": "198.51.100.1"}
    for trusted, others_left in ((0, 10), (1, 11)):
        sandbox = make_sandbox(database=str(tmp_path / f"{trusted}.sqlite3"), trusted_proxies=trusted)
        client = stranger(sandbox)
        client.get(NOTHING, headers=told)
        assert quota(client.get(NOTHING, headers={"X-Forwarded-For": "198.51.100.2"}))[1] == others_left


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("", "198.51.100.1:{port}"),
        ("", "[2001:db8::1]:{port}"),
        ("", "no address {port}"),
        ("192.0.2.{port}, ", "198.51.100.1:{port}"),
    ],
)
def test_another_connection_is_no_other_address(make_sandbox, database_url, before, told):
    sandbox = make_sandbox(database=database_url, trusted_proxies=1)
    headers = [{"X-Forwarded-For": (before + told).format(port=port)} for port in range(50, 63)]
    statuses = [stranger(sandbox).get(NOTHING, headers=each).status_code for each in headers]
    assert statuses == [404] * 12 + [429]


def test_one_ipv6_network_is_one_address(sqlite_sandbox):
    assert quota(stranger(sqlite_sandbox, "2001:db8::1").get(NOTHING))[1] == 11
    assert quota(stranger(sqlite_sandbox, "2001:db8::2").get(NOTHING))[1] == 10
    assert quota(stranger(sqlite_sandbox, "2001:db8:0:1::1").get(NOTHING))[1] == 11


# --- browsers


@pytest.mark.parametrize(
    "path",
    [
        REGISTER,
        NOTHING,
        WELL_KNOWN,
        "/api/public",
        "/api/public/openapi.json",
        "/api/public/agents/x/recommend",
    ],
)
def test_a_preflight_is_answered_on_every_path_and_not_counted(outside, path):
    headers = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-caller-key",
    }
    for _ in range(20):
        answer = outside.options(path, headers=headers)
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers
        carries_all(answer)
    assert quota(answer) == (12, 12, 60)
    assert quota(outside.get(NOTHING))[1] == 11
    assert quota(outside.options(path))[1] == 11


def test_a_preflight_of_somebody_with_no_quota_left_is_answered(outside):
    assert too_often(outside).status_code == 429
    answer = outside.options(REGISTER)
    assert (answer.status_code, quota(answer)[:2]) == (204, (12, 0))


@pytest.mark.parametrize("headers", [{"X-Caller-Key": "wrong"}, {"X-Agent-Id": "two words"}])
def test_a_preflight_is_answered_whatever_it_carries(outside, headers):
    assert outside.options(REGISTER, headers=headers).status_code == 204


def test_the_document_is_counted_and_may_be_read_by_a_page(outside):
    for left in range(11, -1, -1):
        answer = outside.get("/api/public/openapi.json")
        assert answer.status_code == 200
        carries_all(answer)
        assert quota(answer)[1] == left
    assert refused(outside.get("/api/public/openapi.json")) == (429, "RATE_LIMITED")


@pytest.mark.parametrize(
    "path", ["/api/v1/usage", "/api/v1/guard", "/healthz", "/api/publicx", "/.well-known/x"]
)
def test_other_paths_have_none_of_it(sqlite_client, path):
    for answer in (sqlite_client.get(path), sqlite_client.options(path)):
        assert not CORS.keys() & answer.headers.keys()
        assert answer.status_code != 204


@pytest.mark.parametrize("path", [f"{WELL_KNOWN}/", f"{WELL_KNOWN}/x", "/api/public/", "/api/public//agents"])
def test_below_the_prefixes_nothing_is_found_in_this_form(outside, path):
    assert refused(outside.get(path)) == (404, "NOT_FOUND")


# --- our own faults


def test_an_error_of_ours_tells_nobody_its_cause(outside, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("the cause, with a key in it")

    monkeypatch.setattr(callers, "register", fail)
    with caplog.at_level(logging.DEBUG):
        answer = outside.post(REGISTER, json={"name": "x"})
    carries_all(answer)
    assert (answer.status_code, answer.json) == (
        500,
        {"error": "INTERNAL_ERROR", "message": "Internal Server Error"},
    )
    assert "unhandled RuntimeError at" in caplog.text
    assert "the cause" not in caplog.text + str([vars(record) for record in caplog.records])


@pytest.fixture
def impatient(monkeypatch):
    """Waits for a lock are cut short, for tests that hold one."""
    monkeypatch.setattr(storage_engine, "BUSY_TIMEOUT_MS", 100)


ASKED = [("POST", REGISTER, {"name": "x"}), ("POST", REGISTER, {}), ("GET", NOTHING, None)]


def unavailable(answer):
    assert answer.headers["Retry-After"] == "1"
    return refused(answer) == (503, "STORAGE_UNAVAILABLE") and quota(answer)[:2] == (12, 0)


@pytest.mark.parametrize(("method", "path", "body"), [*ASKED, ("GET", "/api/public/openapi.json", None)])
def test_a_locked_database_is_unavailable(impatient, sandbox, engine, database_url, method, path, body):
    client = stranger(sandbox)
    client.get(NOTHING)
    if engine == "sqlite":
        other = sqlite3.connect(database_url, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        import psycopg

        other = psycopg.connect(database_url)
        other.execute("LOCK TABLE rate_windows, callers IN ACCESS EXCLUSIVE MODE")
    try:
        assert unavailable(client.open(path, method=method, json=body))
        assert client.options(path).status_code == 204
    finally:
        other.close()
    assert client.post(REGISTER, json={"name": "x"}).status_code == 201


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
@pytest.mark.parametrize("headers", [{}, {"X-Caller-Key": callers.generate_key()}])
def test_a_database_that_was_deleted_is_unavailable(sqlite_sandbox, method, path, body, headers):
    client = stranger(sqlite_sandbox)
    Path(sqlite_sandbox.app.config["PRECOG"].database).unlink()
    assert unavailable(client.open(path, method=method, json=body, headers=headers))
    assert client.options(path, headers=headers).status_code == 204


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_problem_has_a_status_and_the_form(code):
    body = envelope(Problem(code, "A sentence"))
    assert body.keys() == {"error", "message"}
    assert body["error"].isupper()
    assert 400 <= STATUS[code] <= 599


def test_the_quota_is_told_once(outside):
    answer = outside.get(NOTHING)
    assert [len(answer.headers.getlist(name)) for name in QUOTA] == [1, 1, 1]
