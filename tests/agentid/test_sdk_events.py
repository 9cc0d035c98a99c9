"""The official client against a live server: events, operations and trails."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from agentid import create_agentid_workflow_trail

from .guarded import ADDRESS, ATTACK, HARMLESS, MASKED, WITH_ADDRESS, Guarded, ingest_ms, until_alone


def new_id() -> str:
    return str(uuid.uuid4())


# --- log


def test_an_event_is_a_row_with_the_time_that_telling_took(live: Guarded) -> None:
    with live.client() as client:
        client.log(
            input=HARMLESS,
            output="Paris.",
            model="echo-1",
            usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            tokens={"input": 3, "output": 2},
            latency=120,
            request_identity={"ip_class": "office"},
            metadata={"tenant": "blue", "nothing": None},
            **live.about(),
        )
        (row,) = live.finished(1)

    assert (row["prompt"], row["response"]) == (HARMLESS, "Paris.")
    assert (row["userId"], row["metadata"]["tenant"]) == (live.user_id, "blue")
    assert row["guard"] is None
    assert ingest_ms(row) >= 0


def test_a_verdict_and_its_event_are_one_row_in_either_order(live: Guarded) -> None:
    before, after = new_id(), new_id()
    with live.client() as client:
        client.guard(HARMLESS, client_event_id=before, **live.about())
        for event_id in (before, after):
            client.log(
                input=HARMLESS, output="Paris.", event_id=event_id, raise_on_failure=True, **live.about()
            )
        client.guard(HARMLESS, client_event_id=after, **live.about())
        rows = live.finished(2)

    assert [(row["response"], row["guard"]["action"]) for row in rows] == [("Paris.", "allow")] * 2


def test_an_event_told_twice_is_one_row_and_no_failure(live: Guarded) -> None:
    event_id = new_id()
    with live.client(strict_mode=True) as client:
        for output in ("the first", "the second"):
            client.log(
                input=HARMLESS, output=output, event_id=event_id, raise_on_failure=True, **live.about()
            )
        (row,) = live.finished(1)
    assert row["response"] == "the first"


def test_an_event_is_stored_when_a_call_that_raises_on_failure_returns(live: Guarded) -> None:
    with live.client(strict_mode=True) as client:
        client.log(
            input=HARMLESS, output="Paris.", raise_on_failure=True, _disable_finalize=True, **live.about()
        )
        (row,) = live.rows()
    assert (row["response"], ingest_ms(row)) == ("Paris.", None)


def test_masking_keeps_personal_data_out_of_every_report(live: Guarded) -> None:
    live.set_policy(masking=True)
    event_id = new_id()
    with live.client() as client:
        client.guard(WITH_ADDRESS, client_event_id=event_id, metadata={"to": f"<{ADDRESS}>"}, **live.about())
        client.log(
            input=WITH_ADDRESS,
            output=f"Sent to {ADDRESS}.",
            event_id=event_id,
            metadata={"to": [ADDRESS]},
            request_identity={"session": f"of {ADDRESS}"},
            **live.about(),
        )
        client.log_operation(telemetry={"tool_target": ADDRESS}, input=ADDRESS, **live.about())
        rows = live.finished(2)
    assert ADDRESS not in str(rows)
    (call,) = [row for row in rows if row["guard"]]
    assert (call["prompt"], call["response"]) == (MASKED, "Sent to <EMAIL_1>.")


def test_an_asynchronous_client_tells_the_same(live: Guarded) -> None:
    async def tell() -> None:
        async with live.async_client() as client:
            await client.log_async(input=HARMLESS, output="Paris.", raise_on_failure=True, **live.about())
            client.log(input=HARMLESS, output="Lyon.", **live.about())
            await until_alone()

    asyncio.run(tell())
    assert sorted(row["response"] for row in live.finished(2)) == ["Lyon.", "Paris."]


# --- operations


def test_an_operation_is_a_row_of_its_category(live: Guarded) -> None:
    with live.client() as client:
        client.log_operation(
            telemetry={"tool_name": "search", "workflow_run_id": "run-1"},
            input="look for tea",
            output="3 found",
            latency=12,
            **live.about(),
        )
        client.operation(event_category="delivery", event_status="failed", **live.about())
        tool, delivery = sorted(live.finished(2), key=lambda row: row["prompt"], reverse=True)

    assert (tool["prompt"], tool["response"], tool["eventCategory"]) == ("look for tea", "3 found", "tool")
    assert (tool["metadata"]["tool_name"], tool["workflowRunId"]) == ("search", "run-1")
    assert (delivery["prompt"], delivery["eventCategory"]) == ("[delivery:delivery_failed]", "delivery")
    assert delivery["metadata"]["event_status"] == "failed"


def test_all_rows_of_a_workflow_are_listed(live: Guarded) -> None:
    run_id = f"run-{live.user_id}"
    with live.client() as client:
        client.log_operation(telemetry={"workflow_run_id": "another"}, **live.about())
        trail = create_agentid_workflow_trail(
            agent=client, telemetry={"workflow_run_id": run_id, "workflow_name": "orders"}, **live.about()
        )
        step = trail.start_step(event_category="workflow", telemetry={"workflow_step_name": "fetch"})
        step.complete(output="fetched")
        with pytest.raises(ZeroDivisionError):
            trail.run_step({"event_category": "tool"}, lambda: 1 / 0)
        client.guard(ATTACK, metadata={"workflow_run_id": run_id}, **live.about())
        rows = live.wait_for(lambda rows: len(rows) == 5, workflowRunId=run_id)

    told = {row["metadata"].get("event_status") for row in rows}
    assert told == {"started", "completed", "failed", None}
    (fetched,) = [row for row in rows if row["response"] == "fetched"]
    assert fetched["metadata"]["parent_event_id"] == step.start_event_id
    assert fetched["metadata"]["workflow_step_id"] == step.workflow_step_id
    (failed,) = [row for row in rows if row["metadata"].get("event_status") == "failed"]
    assert failed["metadata"]["error_name"] == "ZeroDivisionError"
    (blocked,) = [row for row in rows if row["guard"]]
    assert (blocked["prompt"], blocked["workflowRunId"]) == (ATTACK, run_id)
