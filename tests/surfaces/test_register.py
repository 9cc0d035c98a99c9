"""An outside agent registers itself: the documented answer, and what is refused."""

from __future__ import annotations

import logging
import re

import pytest

from precog.core import callers
from tests.conftest import Sandbox
from tests.surfaces.outside import NOTHING, REGISTER, carries_all, quota, refused, registered, stranger

DOCUMENTED = {
    "name": "My Personal Assistant",
    "contactEmail": "you@example.com",
    "description": "AI shopping helper for end users",
}
NOTE = "Send both headers on every /recommend call. Treat the key like a password — never log or commit it."


@pytest.fixture
def outside(sqlite_sandbox: Sandbox):
    return stranger(sqlite_sandbox)


def test_the_answer_is_the_documented_one(sandbox):
    answer = stranger(sandbox).post(REGISTER, json=DOCUMENTED)
    assert answer.status_code == 201
    carries_all(answer)
    caller_id, key = answer.json["callerId"], answer.json["callerKey"]
    assert re.fullmatch(r"my-personal-assistant-[0-9a-f]{6}", caller_id)
    assert re.fullmatch(r"caller_[0-9a-f]{48}", key)
    assert answer.json == {
        "ok": True,
        "callerId": caller_id,
        "callerKey": key,
        "tier": "standard",
        "rateLimit": "120 requests / minute",
        "usage": {"headers": {"X-Agent-Id": caller_id, "X-Caller-Key": key}, "note": NOTE},
    }
    found, _ = callers.get(sandbox.services, sandbox.organization_id, caller_id)
    assert (found.name, found.contact_email, found.description) == tuple(DOCUMENTED.values())


def test_both_headers_are_of_use_at_once(sandbox):
    made = registered(sandbox)
    headers = made["usage"]["headers"]
    answer = stranger(sandbox).get(NOTHING, headers=headers)
    assert quota(answer)[:2] == (120, 119)
    assert answer.headers["X-Caller-Id"] == made["callerId"]


@pytest.mark.parametrize("body", [{"name": "x"}, {"name": " x ", "contactEmail": None, "more": 1}])
def test_only_a_name_is_needed(outside, body):
    answer = outside.post(REGISTER, json=body)
    assert answer.status_code == 201
    assert re.fullmatch(r"x-[0-9a-f]{6}", answer.json["callerId"])


@pytest.mark.parametrize(
    "address", ["you@example.com", "a.b+c@mail.example.co.uk", '"a"@example.com', "x@münchen.example"]
)
def test_an_address_of_any_usual_form_is_taken(outside, address):
    assert outside.post(REGISTER, json={"name": "x", "contactEmail": address}).status_code == 201


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"contactEmail": "nobody"}, "contactEmail"),
        ({"contactEmail": ""}, "contactEmail"),
        ({"contactEmail": "a@b"}, "contactEmail"),
        ({"contactEmail": "a@b@example.com"}, "contactEmail"),
        ({"contactEmail": '"a\u0008b"@example.com'}, "contactEmail"),
        ({"contactEmail": "a@example.com\n"}, "contactEmail"),
        ({"contactEmail": "a" * 243 + "@example.com"}, "contactEmail"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"description": "x" * 2_001}, "description"),
    ],
)
def test_an_impossible_value_is_refused_by_its_field(outside, fields, field):
    answer = outside.post(REGISTER, json={"name": "x", **fields})
    assert refused(answer) == (400, "INVALID_FIELD_VALUE")
    assert answer.json["message"].startswith(f"Invalid value for field: {field}: expected ")


def test_the_limit_of_registrations_is_apart_from_that_of_requests(make_sandbox, database_url):
    sandbox = make_sandbox(database=database_url, registrations_per_hour=2)
    client = stranger(sandbox)
    for _ in range(2):
        assert client.post(REGISTER, json={"name": "x"}).status_code == 201
    answer = client.post(REGISTER, json={"name": "x"})
    assert refused(answer) == (429, "RATE_LIMITED")
    assert answer.json["message"] == "2 registrations/hour exceeded for this address"
    assert answer.headers["Retry-After"] == "1800"
    assert quota(answer)[:2] == (12, 9)  # of requests there are some left
    sandbox.clock.advance(1_800_000)
    assert client.post(REGISTER, json={"name": "x"}).status_code == 201


def test_a_caller_registers_further_ones_from_its_own_quota(sandbox):
    made = registered(sandbox)
    client = stranger(sandbox, X_Caller_Key=made["callerKey"])
    answer = client.post(REGISTER, json={"name": "another"})
    assert answer.status_code == 201
    assert quota(answer)[:2] == (120, 119)


def test_a_request_is_logged_with_its_callers_id(sqlite_sandbox, caplog):
    made = registered(sqlite_sandbox)
    with caplog.at_level(logging.INFO, logger="precog.access"):
        stranger(sqlite_sandbox, X_Caller_Key=made["callerKey"]).get(NOTHING)
        stranger(sqlite_sandbox, X_Agent_Id=made["callerId"]).get(NOTHING)  # which anybody may say
    found = [record.precog.get("caller") for record in caplog.records if record.name == "precog.access"]
    assert found == [made["callerId"], None]


def test_neither_the_key_nor_the_address_is_logged(sqlite_sandbox, caplog):
    with caplog.at_level(logging.DEBUG):
        client = stranger(sqlite_sandbox)
        made = client.post(REGISTER, json=DOCUMENTED).json
        client.post(REGISTER, json={**DOCUMENTED, "contactEmail": "nobody-there"})
        client.get(NOTHING, headers=made["usage"]["headers"])
        client.get(NOTHING, headers={"X-Caller-Key": made["callerKey"][:-1]})
    told = caplog.text + str([vars(record) for record in caplog.records])
    assert sum(record.name == "precog.access" for record in caplog.records) == 4
    for secret in (made["callerKey"][7:-1], "you@example.com", "nobody-there", DOCUMENTED["name"]):
        assert secret not in told
