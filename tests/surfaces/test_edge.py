"""What every answer has, whoever gave it: a request id, and one log record that tells no contents."""

from __future__ import annotations

import logging
import re

import pytest

from precog.core import telemetry
from tests.surfaces.calls import INGEST, interaction

ASKED = [
    ("POST", INGEST, 200),
    ("GET", INGEST, 405),
    ("GET", "/api/v1/nothing", 404),
    ("GET", "/elsewhere", 404),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/docs", 200),
    ("GET", "/api/v1/openapi.json", 200),
]


def request_id(client, path="/healthz", **headers):
    answer = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    (found,) = answer.headers.getlist("X-Request-Id")
    return found


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
def test_every_answer_has_a_request_id_and_one_log_record(sqlite_client, caplog, method, path, status):
    with caplog.at_level(logging.INFO, logger="precog.access"):
        answer = sqlite_client.open(path, method=method, json=interaction(), headers={"X-Request-Id": "r-1"})
    assert answer.status_code == status
    assert answer.headers["X-Request-Id"] == "r-1"
    (record,) = (record for record in caplog.records if record.name == "precog.access")
    assert record.precog["request_id"] == "r-1"
    assert (record.precog["method"], record.precog["status"]) == (method, status)


@pytest.mark.parametrize(
    "given", ["r-1", "!~", "x" * 128, 'a"b\\c', "00-4bf92f3577b34da6a3ce929d0e0e4736-00"]
)
@pytest.mark.parametrize("header", ["X_Request_Id", "x_correlation_id"])
def test_a_sane_id_is_given_back(sqlite_client, header, given):
    assert request_id(sqlite_client, **{header: given}) == given


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "tab\there", "größe", "\x7f", "\x1b[31m"])
@pytest.mark.parametrize("header", ["X_Request_Id", "x_correlation_id"])
def test_any_other_id_is_replaced(sqlite_client, header, given):
    assert re.fullmatch(r"[0-9a-f]{32}", request_id(sqlite_client, **{header: given}))


def test_the_request_id_goes_before_the_correlation_id(sqlite_client):
    assert request_id(sqlite_client, X_Request_Id="first", x_correlation_id="second") == "first"
    assert request_id(sqlite_client, X_Request_Id="not sane", x_correlation_id="second") == "second"


def test_fresh_ids_differ(sqlite_client):
    assert len({request_id(sqlite_client) for _ in range(20)}) == 20


def test_the_log_record_tells_who_asked_what_and_how_it_went(sqlite_sandbox, caplog):
    with caplog.at_level(logging.INFO, logger="precog.access"):
        sqlite_sandbox.client.get("/api/v1/agents/a-name?cursor=x", headers={"x-correlation-id": "c-1"})
    (record,) = caplog.records
    took_ms = record.precog.pop("duration_ms")
    assert 0 < took_ms < 10_000
    assert record.precog == {
        "request_id": "c-1",
        "method": "GET",
        "route": "/api/v1/agents/<name:agent_id>",
        "status": 404,
        "organization": sqlite_sandbox.organization_id,
        "key": sqlite_sandbox.first.keys["precogx"].record.id,
    }


def test_without_a_key_or_a_route_the_log_record_says_null(sqlite_sandbox, caplog):
    with caplog.at_level(logging.INFO, logger="precog.access"):
        sqlite_sandbox.app.test_client().get("/api/v1/nothing")
    (record,) = caplog.records
    assert [record.precog[name] for name in ("route", "organization", "key")] == [None] * 3


@pytest.mark.parametrize("how", ["stored", "refused", "broken", "no such route"])
def test_no_log_record_holds_a_prompt_a_body_a_name_or_a_key(sqlite_sandbox, monkeypatch, caplog, how):
    def fail(*args):
        raise RuntimeError(args)

    body = interaction(agentId="hidden-agent", prompt="hidden-prompt", hidden_field="hidden-value")
    if how == "refused":
        body["response"] = {"hidden": 1}
    if how == "broken":
        monkeypatch.setattr(telemetry, "record", fail)
    path = "/api/v1/hidden-path" if how == "no such route" else INGEST
    with caplog.at_level(logging.DEBUG):
        answer = sqlite_sandbox.client.post(
            f"{path}?hidden=query", json=body, headers={"Idempotency-Key": "hidden-key"}
        )
    assert answer.status_code == {"stored": 200, "refused": 400, "broken": 500, "no such route": 404}[how]
    written = " ".join(str(vars(record)) + record.getMessage() for record in caplog.records)
    assert "hidden" not in written
    assert sqlite_sandbox.first.keys["precogx"].secret not in written
    assert "px_live_" not in written
