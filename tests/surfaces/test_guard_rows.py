"""The row that a verdict leaves, and what of the prompt is not in it where the policy masks."""

from __future__ import annotations

import pytest

from tests.conftest import Sandbox
from tests.surfaces.guarding import (
    ADDRESS,
    ATTACK,
    EVENTS,
    FINALIZE,
    HARMLESS,
    WITH_ADDRESS,
    ask,
    client_of,
    event,
    fresh,
    rows,
    set_policy,
    table,
)

SECRET = "ghp_1B4q9ZxT7vLm2KpR8sWcYdE5uNfHgJ3aVo0X"


# --- the row


def test_a_verdict_leaves_a_row_with_all_that_was_told(guarded, sandbox):
    event_id = fresh()
    verdict = ask(
        guarded,
        ATTACK,
        client_event_id=event_id,
        model="gpt-4o",
        user_id="user-7",
        metadata={"workflow_run_id": "run-1", "event_category": "ai", "odd": [1, None]},
    )
    (row,) = rows(sandbox)
    assert (row["prompt"], row["response"], row["action"]) == (ATTACK, "", "block")
    assert (row["eventId"], row["systemId"]) == (event_id, sandbox.first.system.id)
    assert (row["userId"], row["workflowRunId"], row["eventCategory"]) == ("user-7", "run-1", "ai")
    assert row["guard"]["guard_event_id"] == verdict["guard_event_id"]
    assert row["guard"]["findings"] == verdict["findings"]
    assert row["guard"]["context"]["model"] == "gpt-4o"
    assert row["guard"]["context"]["metadata"]["odd"] == [1, None]
    assert row["riskScore"] == max(row["guard"]["scores"].values()) > 0.9


def test_a_blocked_prompt_raises_an_impact_event_on_its_row(guarded, sandbox):
    ask(guarded, HARMLESS)
    ask(guarded, ATTACK)
    (impact,) = table(sandbox, "impact_events")
    assert impact["kind"] == "prompt_injection"
    assert impact["interaction_id"] == rows(sandbox, action="block")[0]["interactionId"]
    assert (impact["over_quota"], impact["created_at"]) == (0, sandbox.clock())


def test_a_blocked_prompt_whose_event_was_told_before_raises_it_on_that_row(guarded, sandbox):
    event_id = fresh()
    told = guarded.post(EVENTS, json=event(event_id, input=ATTACK)).json["interaction_id"]
    ask(guarded, ATTACK, client_event_id=event_id)
    assert [row["interactionId"] for row in rows(sandbox)] == [told]
    assert [impact["interaction_id"] for impact in table(sandbox, "impact_events")] == [told]


@pytest.mark.parametrize("text", [HARMLESS, ATTACK])
def test_the_same_question_again_is_the_same_verdict_and_row(guarded, sandbox, text):
    event_id = fresh()
    first, second = (ask(guarded, text, client_event_id=event_id) for _ in range(2))
    assert first["guard_event_id"] == second["guard_event_id"]
    assert len(rows(sandbox)) == 1
    assert len(table(sandbox, "impact_events")) == (text == ATTACK)


def test_another_prompt_under_the_same_id_is_judged_and_kept_for_itself(guarded, sandbox):
    event_id = fresh()
    first = ask(guarded, HARMLESS, client_event_id=event_id)
    second = ask(guarded, ATTACK, client_event_id=event_id)
    assert second["allowed"] is False
    assert first["guard_event_id"] != second["guard_event_id"]
    assert second["client_event_id"] == event_id
    newest, oldest = rows(sandbox)
    assert (oldest["prompt"], oldest["eventId"]) == (HARMLESS, event_id)
    assert (newest["prompt"], newest["eventId"]) == (ATTACK, None)
    (impact,) = table(sandbox, "impact_events")
    assert impact["interaction_id"] == newest["interactionId"]


def test_without_an_event_id_each_question_is_a_row_under_an_id_of_its_own(guarded, sandbox):
    first, second = ask(guarded), ask(guarded)
    assert first["client_event_id"] != second["client_event_id"]
    assert {row["eventId"] for row in rows(sandbox)} == {first["client_event_id"], second["client_event_id"]}


# --- masking


def everything_stored(sandbox: Sandbox) -> str:
    """Every value of every row of every table, as text."""
    names = sandbox.services.db.read(lambda tx: tx.tables())
    return "\n".join(str(row) for name in sorted(names) for row in table(sandbox, name))


def test_nothing_of_masked_data_is_stored(guarded, sandbox):
    set_policy(sandbox, masking=True)
    event_id = fresh()
    hidden = {"deep": [{"who": f"from {ADDRESS}"}], ADDRESS: "as a name", "token": SECRET}
    asked = ask(
        guarded,
        f"{WITH_ADDRESS} My token is {SECRET}.",
        client_event_id=event_id,
        request_identity=hidden,
        metadata=hidden,
        client_capabilities=hidden,
    )
    assert asked["transformed_input"] == f"{WITH_ADDRESS} My token is <TOKEN_1>.".replace(
        ADDRESS, "<EMAIL_1>"
    )
    sent = event(event_id, input=WITH_ADDRESS, output=f"{SECRET} to {ADDRESS}", metadata=hidden, extra=hidden)
    assert guarded.post(EVENTS, json={**sent, "usage": hidden, "request_identity": hidden}).status_code == 200
    assert ask(guarded, f"{ATTACK} Then write to {ADDRESS}, {SECRET}.")["allowed"] is False
    assert guarded.post(EVENTS, json=event(input=WITH_ADDRESS, output=WITH_ADDRESS)).status_code == 200
    stored = everything_stored(sandbox)
    assert "<EMAIL_1>" in stored and "<TOKEN_1>" in stored
    assert ADDRESS not in stored
    assert SECRET not in stored


def test_without_masking_rows_hold_what_was_sent(guarded, sandbox):
    ask(guarded, WITH_ADDRESS)
    assert rows(sandbox)[0]["prompt"] == WITH_ADDRESS


def test_placeholders_are_numbered_by_value_and_skip_those_in_the_text(guarded, sandbox):
    set_policy(sandbox, masking=True)
    text = "<EMAIL_1> wrote to a@example.org, b@example.org and a@example.org."
    assert ask(guarded, text)["transformed_input"] == (
        "<EMAIL_1> wrote to <EMAIL_2>, <EMAIL_3> and <EMAIL_2>."
    )


def test_nothing_is_transformed_where_nothing_was_found_or_the_prompt_is_blocked(guarded, sandbox):
    set_policy(sandbox, masking=True)
    assert "transformed_input" not in ask(guarded, HARMLESS)
    assert "transformed_input" not in ask(guarded, f"{ATTACK} {ADDRESS}")


# --- verdicts that repeat one, or do not


def test_a_repeated_question_under_another_policy_gets_a_row_of_its_own(guarded, sandbox):
    set_policy(sandbox, shadow_mode=True)
    event_id = fresh()
    first = ask(guarded, ATTACK, client_event_id=event_id)
    set_policy(sandbox, shadow_mode=False)

    second = ask(guarded, ATTACK, client_event_id=event_id)

    assert (first["allowed"], second["allowed"]) == (True, False)
    assert second["guard_event_id"] != first["guard_event_id"]
    (blocked,) = rows(sandbox, action="block")
    assert blocked["guard"]["guard_event_id"] == second["guard_event_id"]
    assert len(table(sandbox, "impact_events")) == 1


def test_two_prompts_that_are_masked_alike_are_two_questions(guarded, sandbox):
    set_policy(sandbox, masking=True)
    event_id = fresh()
    ids = {
        ask(guarded, f"Write to {address}.", client_event_id=event_id)["guard_event_id"]
        for address in ("ada@example.org", "bob@example.org")
    }
    assert len(ids) == len(rows(sandbox)) == 2


def test_an_event_that_was_analyzed_before_its_verdict_is_one_impact_event(guarded, sandbox):
    event_id = fresh()
    assert guarded.post(EVENTS, json=event(event_id, input=ATTACK)).status_code == 200
    sandbox.app.extensions["precog"].analyst.run_until_done()

    assert not ask(guarded, ATTACK, client_event_id=event_id)["allowed"]
    sandbox.app.extensions["precog"].analyst.run_until_done()

    assert len(table(sandbox, "impact_events")) == 1
    assert sandbox.client.get("/api/v1/usage").json["impact_events"]["used"] == 1


def test_a_verdict_tells_an_event_its_category(guarded, sandbox):
    event_id = fresh()
    guarded.post(EVENTS, json=event(event_id))
    ask(guarded, client_event_id=event_id, metadata={"event_category": "ai"})
    (row,) = rows(sandbox)
    assert row["eventCategory"] == "ai"


def test_a_timing_that_is_not_known_yet_may_come_later(guarded, sandbox):
    event_id = fresh()
    guarded.post(EVENTS, json=event(event_id))
    for known in (None, 12, 99):
        answer = guarded.post(FINALIZE, json={"client_event_id": event_id, "sdk_ingest_ms": known})
        assert answer.status_code == 200
    assert rows(sandbox)[0]["sdkIngestMs"] == 12


def test_a_key_of_no_system_asks_for_the_default_one(sandbox):
    client = client_of(sandbox, sandbox.first.keys["precogx"].secret)
    event_id = fresh()
    ask(client, client_event_id=event_id)
    assert client.post(EVENTS, json=event(event_id)).status_code == 200
    (row,) = rows(sandbox)
    assert row["systemId"] == sandbox.first.system.id
