"""The audit log over HTTP: pages, filters, and a verification that outsiders can repeat."""

from __future__ import annotations

import hashlib

import pytest
import rfc8785

from precog.core import administration, audit_chain
from tests.auditing import begin_anew, change, forged, put, remove, set_column, write
from tests.conftest import NOW


@pytest.fixture(autouse=True)
def db(sandbox):
    begin_anew(sandbox.services.db)
    return sandbox.services.db


@pytest.fixture
def organization_id(sandbox):
    return sandbox.organization_id


def numbers(answer):
    assert answer.status_code == 200
    return [entry["sequence_number"] for entry in answer.json["entries"]]


def test_an_entry_says_what_happened(client, db, organization_id):
    write(db, organization_id, agent_id="a", session_id="s", transaction_id="t", metadata={"name": "x"})
    (entry,) = client.get("/audit").json["entries"]
    assert entry.pop("id")
    assert entry.pop("entry_hash")
    assert entry == {
        "sequence_number": 1,
        "previous_hash": "0" * 64,
        "event_type": "agent.created",
        "organization_id": organization_id,
        "agent_id": "a",
        "session_id": "s",
        "transaction_id": "t",
        "metadata": {"name": "x"},
        "created_at": "2026-01-15T10:30:00.000Z",
    }


def test_where_the_log_cannot_be_written_on_nothing_is_changed(client, db, organization_id, caplog):
    write(db, organization_id, 3)
    change(db, "DELETE FROM audit_heads")
    answer = client.post("/v1/agents", json={"name": "payer"})
    assert (answer.status_code, answer.json) == (
        503,
        {"detail": "The audit log is not as it was written", "code": "storage_unavailable"},
    )
    assert f"run `precog audit verify --org {organization_id}`" in caplog.text
    assert client.get("/v1/agents").json == []
    assert client.get("/audit/verify").json["is_valid"] is False


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_log_that_cannot_be_read_is_said_to_be_so(client, db, organization_id, caplog):
    write(db, organization_id, 3)
    change(db, "UPDATE audit_entries SET event_type = CAST(x'ff' AS TEXT) WHERE sequence_number = 2")
    answer = client.get("/audit")
    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert f"run `precog audit verify --org {organization_id}`" in caplog.text
    assert client.get("/audit/verify").json["errors"] == ["Entry 2 is not what its hash was made of"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", b"\xff"),
        ("event_type", b"\xff"),
        ("agent", b"\xff"),
        ("metadata", b"{}"),
        ("created_at", "yesterday"),
        ("sequence_number", "third"),
        ("sequence_number", b"3"),
    ],
)
def test_a_log_with_something_else_in_the_place_of_a_text_or_number_is_said_to_be_so(
    client, db, organization_id, column, value
):
    write(db, organization_id, 3)
    set_column(db, organization_id, 3, column, value)
    answer = client.get("/audit")
    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert client.get("/audit/verify").json["is_valid"] is False


@pytest.mark.parametrize("time", [10**18, -(10**18)])
def test_a_log_with_a_time_that_no_calendar_has_is_said_to_be_so(client, db, organization_id, time):
    write(db, organization_id, 3)
    set_column(db, organization_id, 3, "created_at", time)
    answer = client.get("/audit")
    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert client.get("/audit/verify").json["is_valid"] is False


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_behind_an_end_that_is_no_text_nothing_is_written(client, db, organization_id):
    write(db, organization_id, 3)
    change(db, "UPDATE audit_heads SET entry_hash = x'ff'")
    answer = client.post("/v1/agents", json={"name": "payer"})
    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert client.get("/audit/verify").json["is_valid"] is False


def test_who_has_the_answers_verifies_them_alone(client, db, organization_id):
    write(db, organization_id, 3, metadata={"é": ["\u2028", 0.1, None, {"b": 1.0, "a": "\x7f"}]})
    previous = "0" * 64
    for entry in reversed(client.get("/audit").json["entries"]):
        told = entry.pop("entry_hash")
        assert entry["previous_hash"] == previous
        assert hashlib.sha256(rfc8785.dumps(entry)).hexdigest() == told
        previous = told


def test_the_newest_comes_first_page_by_page(client, db, organization_id):
    write(db, organization_id, 5)
    first = client.get("/audit?page_size=2")
    assert numbers(first) == [5, 4]
    assert {name: first.json[name] for name in ("total", "page", "page_size", "has_more")} == {
        "total": 5,
        "page": 1,
        "page_size": 2,
        "has_more": True,
    }
    last = client.get("/audit?page_size=2&page=3")
    assert (numbers(last), last.json["has_more"]) == ([1], False)
    beyond = client.get("/audit?page_size=2&page=4")
    assert (numbers(beyond), beyond.json["has_more"], beyond.json["total"]) == ([], False, 5)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("event_type=agent.revoked", [3, 2]),
        ("agent_id=b", [4, 3]),
        ("agent_id=b&event_type=agent.revoked", [3]),
        ("agent_id=c", []),
        ("event_type=agent", []),
    ],
)
def test_all_that_is_asked_for_must_hold(client, db, organization_id, query, found):
    for event_type, agent_id in (
        ("agent.created", "a"),
        ("agent.revoked", "a"),
        ("agent.revoked", "b"),
        ("agent.created", "b"),
    ):
        write(db, organization_id, event_type=event_type, agent_id=agent_id)
    answer = client.get(f"/audit?{query}")
    assert numbers(answer) == found
    assert answer.json["total"] == len(found)
    assert numbers(client.get(f"/audit?{query}&page_size=1&page=2")) == found[1:2]


def test_an_organization_sees_its_own_chain_alone(sandbox, client, db):
    other = administration.create_organization(sandbox.services, "Other", "FREE").id
    write(db, other, 3)
    set_column(db, other, 2, "event_type", "altered")
    assert client.get("/audit").json["total"] == 0
    assert client.get("/audit/verify").json["is_valid"]
    client.environ_base["HTTP_X_API_KEY"] = sandbox.key("read", organization_id=other)
    assert client.get("/audit").json["total"] == 4  # its own beginning, too
    assert not client.get("/audit/verify").json["is_valid"]


def test_a_whole_chain_is_said_to_be_whole(client, db, organization_id):
    write(db, organization_id, 4)
    assert client.get("/audit/verify").json == {
        "is_valid": True,
        "entries_verified": 4,
        "first_entry_sequence": 1,
        "last_entry_sequence": 4,
        "errors": [],
    }


def test_what_is_wrong_is_told(client, db, organization_id):
    write(db, organization_id, 4)
    set_column(db, organization_id, 2, "agent", "another")
    remove(db, organization_id, 3, 3)
    found = client.get("/audit/verify").json
    assert found["is_valid"] is False
    assert found["errors"] == ["Entry 2 is not what its hash was made of", "Entry 3 is missing"]


def test_a_look_goes_on_where_the_one_before_has_ended(client, db, organization_id):
    write(db, organization_id, 5)
    start, seen = 1, 0
    while found := client.get(f"/audit/verify?from={start}&limit=2").json:
        assert found["is_valid"]
        if not found["entries_verified"]:
            break
        seen += found["entries_verified"]
        start = found["last_entry_sequence"] + 1
    assert seen == 5


def test_a_checkpoint_shows_that_the_end_was_cut_off(sandbox, client, db, organization_id):
    write(db, organization_id, 3)
    signed = audit_chain.checkpoint(sandbox.services, organization_id)
    assert client.get(f"/audit/verify?checkpoint={signed}").json["errors"] == []
    for table in ("audit_entries", "audit_heads"):
        db.write(lambda tx, table=table: tx.run(f"DELETE FROM {table}"))
    assert client.get("/audit/verify").json["errors"] == []
    assert client.get(f"/audit/verify?checkpoint={signed}").json["errors"] == [
        "Entry 3 is missing, which the checkpoint of 2026-01-15T10:30:00.000Z has seen"
    ]


def test_another_organizations_checkpoint_is_refused(sandbox, client):
    other = administration.create_organization(sandbox.services, "Other", "FREE").id
    signed = audit_chain.checkpoint(sandbox.services, other)
    answer = client.get(f"/audit/verify?checkpoint={signed}")
    assert (answer.status_code, answer.json["code"]) == (422, "wrong_value")


def test_a_chain_that_does_not_end_where_it_must_is_not_signed(sandbox, db, organization_id):
    write(db, organization_id, 2)
    put(db, forged(organization_id, 3, "1" * 64))
    with pytest.raises(audit_chain.UnsoundChain):
        audit_chain.checkpoint(sandbox.services, organization_id)


@pytest.mark.parametrize(
    "query",
    [
        "/audit?page=0",
        "/audit?page=-1",
        "/audit?page=x",
        "/audit?page=99999999999999999999",
        "/audit?page_size=0",
        "/audit?page_size=101",
        "/audit?event_type=%00",
        f"/audit?agent_id={'a' * 201}",
        "/audit/verify?from=0",
        "/audit/verify?limit=0",
        "/audit/verify?checkpoint=a.b.c",
    ],
)
def test_what_cannot_be_asked_for_is_422(client, query):
    answer = client.get(query)
    assert (answer.status_code, answer.json.keys()) == (422, {"detail", "code"})


def test_altered_metadata_does_not_keep_the_log_from_being_read(client, db, organization_id):
    write(db, organization_id, 3)
    set_column(db, organization_id, 1, "metadata", "no JSON")
    set_column(db, organization_id, 2, "metadata", "[1]")
    assert [entry["metadata"] for entry in client.get("/audit").json["entries"]] == [{"n": 2}, None, None]


def test_only_who_may_read_reads(sandbox):
    client = sandbox.app.test_client()
    for path in ("/audit", "/audit/verify"):
        assert client.get(path).status_code == 401
        refused = client.get(path, headers={"x-api-key": sandbox.key("telemetry")})
        assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
        assert client.get(path, headers={"x-api-key": sandbox.key("read")}).status_code == 200


def test_a_far_page_is_an_empty_one(client, db, organization_id):
    write(db, organization_id, now=NOW)
    assert numbers(client.get(f"/audit?page={10**15}&page_size=100")) == []
