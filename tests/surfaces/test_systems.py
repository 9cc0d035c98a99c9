"""Systems and their policies over HTTP: read, changed by version, and nobody else's."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from precog.core import administration, policies
from tests.conftest import Sandbox
from tests.surfaces.calls import field_fault, pages, refusal

PAIR = {"review": 0.2, "block": 0.3}


def admin_of(sandbox: Sandbox) -> FlaskClient:
    client = sandbox.client
    client.environ_base["HTTP_X_API_KEY"] = sandbox.key("admin", "read")
    return client


@pytest.fixture
def admin(sandbox: Sandbox) -> FlaskClient:
    """A client whose key may change policies."""
    return admin_of(sandbox)


def policy_path(sandbox: Sandbox) -> str:
    return f"/api/v1/systems/{sandbox.first.system.id}/policy"


# --- systems


def test_a_system_is_made_and_listed(admin, sandbox):
    made = admin.post("/api/v1/systems", json={"name": " desk "})
    assert made.status_code == 201
    assert made.json == {"id": made.json["id"], "name": "desk", "createdAt": "2026-01-15T10:30:00.000Z"}
    found = pages(admin, "/api/v1/systems", limit=1)
    assert [[one["name"] for one in page] for page in found] == [["default"], ["desk"]]
    assert found[1][0] == made.json
    assert admin.get(f"/api/v1/systems/{made.json['id']}/policy").json["version"] == 1


def test_a_name_that_is_taken_is_a_conflict(admin):
    assert refusal(admin.post("/api/v1/systems", json={"name": "default"})) == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MISSING_REQUIRED_FIELD"),
        ({"name": 7}, "INVALID_FIELD_TYPE"),
        ({"name": "  "}, "INVALID_FIELD_VALUE"),
        ({"name": "x" * 201}, "INVALID_FIELD_VALUE"),
    ],
)
def test_a_system_has_a_name(sqlite_sandbox, body, code):
    answer = admin_of(sqlite_sandbox).post("/api/v1/systems", json=body)
    assert field_fault(answer) == (code, "name")


# --- policies


def test_a_new_systems_policy_is_the_default_at_version_1(admin, sandbox):
    assert admin.get(policy_path(sandbox)).json == {
        "system_id": sandbox.first.system.id,
        "name": "default",
        "version": 1,
        "updated_at": "2026-01-15T10:30:00.000Z",
        "updated_by": None,
        "block_on_heuristic": True,
        "block_pii_leakage": False,
        "block_secret_leakage": True,
        "block_db_access": True,
        "block_code_execution": True,
        "block_toxicity": False,
        "shadow_mode": False,
        "failure_mode": "fail_open",
        "masking": False,
        "enable_sdk_pii_masking": False,
        "strict_security_mode": False,
        "inject_transparency_metadata": False,
        "thresholds": {},
        "expected_languages": [],
        "rate_limits": {"per_second": None, "per_minute": None},
    }


@pytest.mark.parametrize(
    "patch",
    [
        {"block_on_heuristic": False},
        {"block_pii_leakage": True},
        {"block_secret_leakage": False},
        {"block_db_access": False},
        {"block_code_execution": False},
        {"block_toxicity": True},
        {"shadow_mode": True},
        {"failure_mode": "fail_close"},
        {"masking": True},
        {"enable_sdk_pii_masking": True},
        {"strict_security_mode": True},
        {"inject_transparency_metadata": True},
        {"thresholds": {"jailbreak": PAIR}},
        {"expected_languages": ["en", "pt-BR"]},
        {"rate_limits": {"per_second": 5, "per_minute": None}},
    ],
    ids=lambda patch: next(iter(patch)),
)
def test_a_change_is_of_what_it_names_and_of_nothing_else(admin, sandbox, patch):
    path = policy_path(sandbox)
    before = admin.get(path).json
    sandbox.clock.advance(1_000)
    answer = admin.patch(path, json=patch)
    assert answer.status_code == 200
    new = {"version": 2, "updated_at": "2026-01-15T10:30:01.000Z", "updated_by": answer.json["updated_by"]}
    assert answer.json == before | patch | new
    assert answer.json["updated_by"].startswith("key-")
    assert admin.get(path).json == answer.json


def test_null_takes_back_a_category_or_all_of_them_and_rates(admin, sandbox):
    path = policy_path(sandbox)
    limits = {"per_second": 5, "per_minute": 60}
    admin.patch(path, json={"thresholds": {"jailbreak": PAIR, "toxicity": PAIR}, "rate_limits": limits})
    changed = admin.patch(path, json={"thresholds": {"jailbreak": None}, "rate_limits": {"per_second": None}})
    assert changed.json["thresholds"] == {"toxicity": PAIR}
    assert changed.json["rate_limits"] == {"per_second": None, "per_minute": 60}
    changed = admin.patch(path, json={"thresholds": None, "rate_limits": None})
    assert changed.json["thresholds"] == {}
    assert changed.json["rate_limits"] == {"per_second": None, "per_minute": None}


def test_what_was_read_can_be_sent_back_and_is_refused_once_it_is_old(admin, sandbox):
    path = policy_path(sandbox)
    read = admin.get(path).json
    assert admin.patch(path, json=read).json == read
    assert admin.patch(path, json=read | {"masking": True}).json["version"] == 2
    answer = admin.patch(path, json=read | {"shadow_mode": True})
    assert refusal(answer) == (409, "VERSION_CONFLICT")
    assert answer.json["error"]["details"] == {"version": 2}
    assert admin.get(path).json["shadow_mode"] is False


def test_the_history_is_paged_newest_first(admin, sandbox):
    path = policy_path(sandbox)
    for masking in (True, False, True):
        admin.patch(path, json={"masking": masking})
    found = pages(admin, f"{path}/history", limit=3)
    versions = [[(one["version"], one["masking"]) for one in page] for page in found]
    assert versions == [[(4, True), (3, False), (2, True)], [(1, False)]]


def test_an_old_version_can_be_read_by_its_number(admin, sandbox):
    path = policy_path(sandbox)
    first = admin.get(path).json
    admin.patch(path, json={"masking": True})
    assert admin.get(f"{path}?version=1").json == first
    assert admin.get(f"{path}?version=2").json == admin.get(path).json
    assert refusal(admin.get(f"{path}?version=3")) == (404, "NOT_FOUND")
    assert field_fault(admin.get(f"{path}?version=x")) == ("INVALID_FIELD_TYPE", "version")


@pytest.mark.parametrize("cursor", ["x", "LTE", "MXg", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
def test_a_cursor_that_no_page_gave_is_refused(sqlite_sandbox, cursor):
    answer = sqlite_sandbox.client.get(f"{policy_path(sqlite_sandbox)}/history?cursor={cursor}")
    assert field_fault(answer) == ("INVALID_FIELD_VALUE", "cursor")


@pytest.mark.parametrize(
    ("patch", "code", "field"),
    [
        ({"block_toxicity": 1}, "INVALID_FIELD_TYPE", "block_toxicity"),
        ({"block_toxicity": "true"}, "INVALID_FIELD_TYPE", "block_toxicity"),
        ({"block_toxcity": True}, "INVALID_FIELD_VALUE", "block_toxcity"),
        ({"failure_mode": "fail_often"}, "INVALID_FIELD_VALUE", "failure_mode"),
        ({"thresholds": []}, "INVALID_FIELD_TYPE", "thresholds"),
        ({"thresholds": {"rudeness": PAIR}}, "INVALID_FIELD_VALUE", "thresholds.rudeness"),
        ({"thresholds": {"toxicity": 0.5}}, "INVALID_FIELD_TYPE", "thresholds.toxicity"),
        ({"thresholds": {"toxicity": {"block": 1}}}, "MISSING_REQUIRED_FIELD", "thresholds.toxicity.review"),
        (
            {"thresholds": {"toxicity": {"review": 0, "block": 1}}},
            "INVALID_FIELD_VALUE",
            "thresholds.toxicity.review",
        ),
        (
            {"thresholds": {"toxicity": {"review": True, "block": 1}}},
            "INVALID_FIELD_TYPE",
            "thresholds.toxicity.review",
        ),
        (
            {"thresholds": {"toxicity": {"review": 0.6, "block": 0.5}}},
            "INVALID_FIELD_VALUE",
            "thresholds.toxicity",
        ),
        ({"expected_languages": "en"}, "INVALID_FIELD_TYPE", "expected_languages"),
        ({"expected_languages": ["en"] * 33}, "INVALID_FIELD_VALUE", "expected_languages"),
        ({"expected_languages": ["en", 7]}, "INVALID_FIELD_TYPE", "expected_languages[1]"),
        ({"expected_languages": ["e"]}, "INVALID_FIELD_VALUE", "expected_languages[0]"),
        ({"rate_limits": {"per_second": 0}}, "INVALID_FIELD_VALUE", "rate_limits.per_second"),
        ({"rate_limits": {"per_second": -1}}, "INVALID_FIELD_VALUE", "rate_limits.per_second"),
        ({"rate_limits": {"per_second": "5"}}, "INVALID_FIELD_TYPE", "rate_limits.per_second"),
        ({"rate_limits": {"per_hour": 5}}, "INVALID_FIELD_VALUE", "rate_limits.per_hour"),
        ({"version": "1"}, "INVALID_FIELD_TYPE", "version"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_changed(sqlite_sandbox, patch, code, field):
    admin = admin_of(sqlite_sandbox)
    path = policy_path(sqlite_sandbox)
    assert field_fault(admin.patch(path, json={"masking": True, **patch})) == (code, field)
    assert admin.get(path).json["version"] == 1


# --- whose they are


def test_another_organizations_system_is_not_there(admin, sandbox):
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    theirs = policies.find(sandbox.services, other.id, "default")
    path = f"/api/v1/systems/{theirs.id}/policy"
    for answer in (admin.get(path), admin.get(f"{path}/history"), admin.patch(path, json={"masking": True})):
        assert refusal(answer) == (404, "NOT_FOUND")
    assert [one["id"] for one in admin.get("/api/v1/systems").json["systems"]] == [sandbox.first.system.id]
    assert policies.get(sandbox.services, other.id, theirs.id).version == 1


def test_a_key_of_one_system_sees_and_changes_no_other(admin, sandbox):
    other = admin.post("/api/v1/systems", json={"name": "other"}).json["id"]
    bound = sandbox.app.test_client()
    bound.environ_base["HTTP_X_API_KEY"] = sandbox.key("admin", "read", system="default")
    for path in (f"/api/v1/systems/{other}/policy", f"/api/v1/systems/{other}/policy/history"):
        assert refusal(bound.get(path)) == (403, "WRONG_SYSTEM")
    patch = {"shadow_mode": True}
    assert refusal(bound.patch(f"/api/v1/systems/{other}/policy", json=patch)) == (403, "WRONG_SYSTEM")
    assert refusal(bound.post("/api/v1/systems", json={"name": "third"})) == (403, "WRONG_SYSTEM")
    (seen,) = bound.get("/api/v1/systems").json["systems"]
    assert seen["id"] == sandbox.first.system.id
    assert bound.patch(policy_path(sandbox), json=patch).json["shadow_mode"] is True
