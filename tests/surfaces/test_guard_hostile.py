"""Anything at all, to the guard and its events: nothing is a server error, and every row can be read back."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.surfaces.generated import any_json, storable_json
from tests.surfaces.guarding import (
    CONFIG,
    EVENTS,
    FINALIZE,
    GUARD,
    POSTS,
    client_of,
    event,
    fresh,
    post_raw,
    prompt,
    rows,
    set_policy,
)

NAMES = """input system_id model user_id client_event_id event_id expected_languages request_identity metadata
    client_capabilities output timestamp usage tokens latency event_type severity sdk_ingest_ms agent_id
    workflow_run_id event_category"""
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATHS = st.sampled_from(sorted(POSTS))


def answered_well(answer) -> bool:
    """Whether it is an answer of ours to whatever that was."""
    if answer.status_code == 200:
        return True
    told = answer.json.get("reason") if "allowed" in answer.json else answer.json["error"]
    return answer.status_code in (400, 403, 404, 409) and isinstance(told, str)


@SOME
@given(path=PATHS, raw=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered(alone, path, raw):
    assert answered_well(post_raw(alone, path, raw))


@SOME
@given(path=PATHS, value=any_json(*NAMES.split()), deep=st.booleans())
def test_any_json_is_answered(guarded, path, value, deep):
    whole = {**POSTS[path], "event_id": fresh(), "metadata": {"a": value}, "odd": value} if deep else value
    assert answered_well(post_raw(guarded, path, json.dumps(whole)))
    assert guarded.get("/api/v1/interactions?limit=1").status_code == 200


@SOME
@given(field=st.sampled_from(NAMES.split()), value=any_json(), path=PATHS)
def test_any_value_of_any_field_is_answered(guarded, path, field, value):
    whole = {**POSTS[path], "event_id": fresh()} if path == EVENTS else dict(POSTS[path])
    assert answered_well(post_raw(guarded, path, json.dumps({**whole, field: value})))


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@SOME
@given(text=TEXTS, output=TEXTS, value=storable_json())
def test_whatever_can_be_stored_is_judged_stored_and_read_back(guarded, sandbox, text, output, value):
    event_id = fresh()
    asked = guarded.post(GUARD, json=prompt(text, client_event_id=event_id, metadata={"a": value}))
    assert isinstance(asked.json["allowed"], bool)
    for finding in asked.json["findings"]:
        start, end = finding["span"]
        assert 0 <= start < end <= len(text)
    told = guarded.post(EVENTS, json=event(event_id, input=text, output=output, metadata={"a": value}))
    assert told.status_code == 200, told.json
    assert guarded.post(FINALIZE, json={"client_event_id": event_id}).status_code == 200
    row = sandbox.client.get(f"/api/v1/interactions/{told.json['interaction_id']}").json
    assert (row["prompt"], row["response"], row["metadata"]) == (text, output, {"a": value})
    assert row["guard"]["context"].get("metadata", {"a": None})["a"] == value


@SOME
@given(text=TEXTS, value=storable_json())
def test_masking_changes_nothing_where_nothing_is_found(guarded, sandbox, text, value):
    if sandbox.services.policies.get(sandbox.organization_id, sandbox.first.system.id).version == 1:
        set_policy(sandbox, masking=True)
    body = guarded.post(GUARD, json=prompt(text, metadata={"a": value})).json
    assert ("transformed_input" in body) == (body["simulated_decision"] == "masked")
    assert guarded.post(EVENTS, json=event(input=text, metadata={"a": value})).status_code == 200
    if not body["findings"]:
        assert rows(sandbox)[0]["prompt"] == text


@SOME
@given(system=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_system_is_answered(sandbox, system):
    client = client_of(sandbox, sandbox.first.keys["precogx"].secret)
    assert client.get(CONFIG, query_string={"system_id": system}).status_code in (200, 400, 403)
