"""Outside callers over the management API: read, given tiers, revoked, and nobody else's."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from precog.core import administration
from tests.conftest import Sandbox
from tests.surfaces.calls import field_fault, pages, refusal
from tests.surfaces.outside import NOTHING, quota, registered, stranger

CALLERS = "/api/v1/callers"
NOON = "2026-01-15T10:30:00.000Z"


def admin_of(sandbox: Sandbox, **fields: str) -> FlaskClient:
    client = sandbox.client
    client.environ_base["HTTP_X_API_KEY"] = sandbox.key("admin", "read", **fields)
    return client


@pytest.fixture
def admin(sandbox: Sandbox) -> FlaskClient:
    return admin_of(sandbox)


@pytest.fixture
def made(sandbox: Sandbox) -> dict[str, str]:
    return registered(sandbox, contactEmail="bot@example.com", description="Buys.")


def test_a_caller_is_read_without_its_key(admin, made):
    found = admin.get(f"{CALLERS}/{made['callerId']}").json
    assert found == {
        "callerId": made["callerId"],
        "name": "Shop Bot",
        "contactEmail": "bot@example.com",
        "description": "Buys.",
        "key": made["callerKey"][:11] + "…",
        "status": "active",
        "tier": "standard",
        "requestsPerMinute": 120,
        "revenueShare": None,
        "createdAt": NOON,
        "revokedAt": None,
        "grants": [],
    }


def test_callers_are_listed_in_pages_by_id(admin, sandbox):
    ids = [registered(sandbox, name)["callerId"] for name in ("Charly", "Al", "Bot")]
    found = pages(admin, CALLERS, limit=2)
    assert [[one["callerId"] for one in page] for page in found] == [
        sorted(ids)[:2],
        sorted(ids)[2:],
    ]
    assert "grants" not in found[0][0]


def test_a_tier_is_given_and_holds_from_the_next_request_on(admin, sandbox, made):
    path, client = f"{CALLERS}/{made['callerId']}", stranger(sandbox, X_Caller_Key=made["callerKey"])
    steps = [
        ({"tier": "elevated"}, 240, None),
        ({"tier": "partner", "revenueShare": "12.5"}, 600, "12.50"),
        ({"revenueShare": 7}, 600, "7.00"),
        ({"tier": "partner", "revenueShare": 33.33}, 600, "33.33"),
        ({"tier": "standard"}, 120, None),
    ]
    for body, limit, share in steps:
        answer = admin.patch(path, json=body)
        assert answer.status_code == 200, answer.json
        assert (answer.json["requestsPerMinute"], answer.json["revenueShare"]) == (limit, share)
        assert quota(client.get(NOTHING))[0] == limit
    grants = admin.get(path).json["grants"]
    assert [(one["tier"], one["revenueShare"]) for one in grants] == [
        ("standard", None),
        ("partner", "33.33"),
        ("partner", "7.00"),
        ("partner", "12.50"),
        ("elevated", None),
    ]
    assert {one["grantedAt"] for one in grants} == {NOON}
    (by,) = {one["grantedBy"] for one in grants}
    assert by.startswith("key-")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("MISSING_REQUIRED_FIELD", "tier")),
        ({"tier": None}, ("MISSING_REQUIRED_FIELD", "tier")),
        ({"tier": "gold"}, ("INVALID_FIELD_VALUE", "tier")),
        ({"tier": "anonymous"}, ("INVALID_FIELD_VALUE", "tier")),
        ({"tier": 7}, ("INVALID_FIELD_TYPE", "tier")),
        ({"tier": "partner"}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"tier": "elevated", "revenueShare": 5}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"revenueShare": 5}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"tier": "partner", "revenueShare": 100.01}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"tier": "partner", "revenueShare": -1}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"tier": "partner", "revenueShare": "1.234"}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"tier": "partner", "revenueShare": 1e-9}, ("INVALID_FIELD_VALUE", "revenueShare")),
        ({"tier": "partner", "revenueShare": True}, ("INVALID_FIELD_TYPE", "revenueShare")),
        ({"tier": "partner", "revenueShare": [5]}, ("INVALID_FIELD_TYPE", "revenueShare")),
    ],
)
def test_what_cannot_be_given_is_refused_by_its_field(sqlite_sandbox, body, fault):
    admin, made = admin_of(sqlite_sandbox), registered(sqlite_sandbox)
    path = f"{CALLERS}/{made['callerId']}"
    assert field_fault(admin.patch(path, json=body)) == fault
    assert admin.get(path).json["tier"] == "standard"


def test_a_revoked_caller_is_refused_at_once_and_for_good(admin, sandbox, made):
    path, client = f"{CALLERS}/{made['callerId']}", stranger(sandbox, X_Caller_Key=made["callerKey"])
    assert quota(client.get(NOTHING))[0] == 120
    sandbox.clock.advance(1_000)
    answers = [admin.delete(path) for _ in range(2)]
    sandbox.clock.advance(1_000)
    answers.append(admin.delete(path))
    for answer in answers:
        assert (answer.status_code, answer.json["status"]) == (200, "revoked")
        assert answer.json["revokedAt"] == "2026-01-15T10:30:01.000Z"
    assert quota(client.get(NOTHING))[0] == 12
    assert refusal(admin.patch(path, json={"tier": "elevated"})) == (404, "NOT_FOUND")
    assert [one["status"] for one in admin.get(CALLERS).json["callers"]] == ["revoked"]


def test_nobody_else_sees_or_changes_a_caller(sandbox, made):
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE").id
    client = admin_of(sandbox, organization_id=other)
    for path in (f"{CALLERS}/{made['callerId']}", f"{CALLERS}/nobody"):
        assert refusal(client.get(path)) == (404, "NOT_FOUND")
        assert refusal(client.patch(path, json={"tier": "elevated"})) == (404, "NOT_FOUND")
        assert refusal(client.delete(path)) == (404, "NOT_FOUND")
    assert client.get(CALLERS).json == {"callers": [], "next_cursor": None}
    assert admin_of(sandbox).get(f"{CALLERS}/{made['callerId']}").json["status"] == "active"


@pytest.mark.parametrize(("method", "scope"), [("GET", "admin"), ("PATCH", "read"), ("DELETE", "read")])
def test_reading_needs_read_and_changing_needs_admin(sqlite_sandbox, method, scope):
    made = registered(sqlite_sandbox)
    answer = sqlite_sandbox.client.open(
        f"{CALLERS}/{made['callerId']}",
        method=method,
        json={"tier": "elevated"},
        headers={"x-api-key": sqlite_sandbox.key(scope)},
    )
    assert refusal(answer) == (403, "INSUFFICIENT_SCOPE")


def test_a_callers_key_opens_nothing_of_the_management(sqlite_sandbox):
    made = registered(sqlite_sandbox)
    client = sqlite_sandbox.app.test_client()
    for headers in ({"x-api-key": made["callerKey"]}, {"X-Caller-Key": made["callerKey"]}):
        assert refusal(client.get(CALLERS, headers=headers)) == (401, "INVALID_API_KEY")
