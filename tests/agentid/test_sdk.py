"""The official client against a live server: the policy it is told, and the verdicts."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from agentid import AgentID
from agentid.guard import get_or_fetch_capability_flags

from .guarded import ATTACK, HARMLESS, MASKED, WITH_ADDRESS, Guarded

# --- configuration


def test_the_client_takes_the_policy_as_it_is_told(live: Guarded) -> None:
    live.set_policy(block_pii_leakage=True, failure_mode="fail_close", inject_transparency_metadata=True)

    flags = get_or_fetch_capability_flags(api_key=live.key, base_url=live.base_url, timeout_seconds=30)

    assert flags.block_pii_leakage is flags.block_db_access is flags.block_code_execution is True
    assert flags.inject_transparency_metadata is flags.strict_security_mode is True
    assert flags.shadow_mode is flags.enable_sdk_pii_masking is False
    assert flags.failure_mode == "fail_close"


# --- guard


def test_a_harmless_prompt_is_allowed_and_is_a_row(live: Guarded) -> None:
    event_id = str(uuid.uuid4())
    with live.client() as client:
        said = client.guard(HARMLESS, model="echo-1", client_event_id=event_id, **live.about())

    assert said["allowed"] is True
    assert said["reason"] in (None, "ok")
    assert said["client_event_id"] == event_id
    assert uuid.UUID(said["guard_event_id"])
    assert "transformed_input" not in said
    (row,) = live.rows()
    assert (row["prompt"], row["response"]) == (HARMLESS, "")
    assert row["guard"]["action"] == "allow"


def test_an_attack_is_blocked_and_is_a_row(live: Guarded) -> None:
    with live.client() as client:
        said = client.guard(ATTACK, **live.about())

    assert (said["allowed"], said["reason"]) == (False, "prompt_injection")
    assert said["simulated_decision"] == "blocked"
    (row,) = live.rows()
    assert row["prompt"] == ATTACK
    assert (row["guard"]["action"], row["guard"]["reason"]) == ("block", "prompt_injection")


def test_shadow_mode_allows_and_says_what_it_would_have_done(live: Guarded) -> None:
    live.set_policy(shadow_mode=True)
    with live.client() as client:
        said = client.guard(ATTACK, **live.about())

    assert said["allowed"] is said["shadow_mode"] is said["shadow_blocked"] is True
    assert said["simulated_decision"] == "blocked"


def test_masking_gives_the_prompt_back_without_personal_data(live: Guarded) -> None:
    live.set_policy(masking=True)
    with live.client() as client:
        said = client.guard(WITH_ADDRESS, **live.about())

    assert said["allowed"] is said["detected_pii"] is True
    assert said["transformed_input"] == MASKED
    assert said["simulated_decision"] == "masked"


def test_an_asynchronous_client_is_answered_the_same(live: Guarded) -> None:
    async def ask() -> list[tuple[bool, str | None]]:
        async with live.async_client() as client:
            said = [await client.guard(prompt, **live.about()) for prompt in (HARMLESS, ATTACK)]
        return [(one["allowed"], one["reason"]) for one in said]

    allowed, blocked = asyncio.run(ask())
    assert allowed[0] is True
    assert blocked == (False, "prompt_injection")


@pytest.mark.parametrize("key", ["sk_live_unknown", "not a key at all"])
def test_a_wrong_key_is_a_refusal_and_no_failure_that_the_client_ignores(live: Guarded, key: str) -> None:
    with AgentID(key, live.base_url) as client:
        said = client.guard(HARMLESS, **live.about())
    assert (said["allowed"], said["reason"]) == (False, "unauthorized")


def test_a_system_of_another_is_refused(live: Guarded) -> None:
    with live.client() as client:
        said = client.guard(HARMLESS, system_id="sys-0000000000000000")
    assert (said["allowed"], said["reason"]) == (False, "forbidden")


def test_languages_and_what_else_may_be_said_of_a_prompt_are_taken(live: Guarded) -> None:
    with live.client() as client:
        said = client.guard(
            HARMLESS,
            expected_languages=["en", "Old English", "en"],
            request_identity={"session": "s-1", "verified": True},
            metadata={"workflowRunId": "run-2", "nested": {"deep": [1, None]}},
            client_capabilities={"capabilities": {"framework": "mine", "more": None}},
            **live.about(),
        )
    assert said["allowed"] is True
    (row,) = live.rows()
    assert row["workflowRunId"] == "run-2"


def test_no_prompt_at_all_is_allowed(live: Guarded) -> None:
    with live.client() as client:
        assert client.guard("", **live.about())["allowed"] is True


def test_a_prompt_that_is_too_large_to_be_judged_is_refused(live: Guarded) -> None:
    with live.client() as client:
        said = client.guard("tea " * 65_537, **live.about())
    assert (said["allowed"], said["reason"]) == (False, "payload_too_large")


def test_too_many_prompts_are_refused_though_the_client_fails_open(live: Guarded) -> None:
    live.set_policy(rate_limits={"per_minute": 1})
    with live.client(failure_mode="fail_open") as client:
        said = [client.guard(HARMLESS, **live.about()) for _ in range(8)]  # a minute may end in between
    assert said[0]["allowed"] is True
    assert {one["reason"] for one in said if not one["allowed"]} == {"rate_limit_exceeded"}
