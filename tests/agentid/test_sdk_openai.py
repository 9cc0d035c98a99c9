"""OpenAI's client, wrapped by the official one: the guard stands between it and a model of our own making."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from agentid import SecurityBlockError
from openai import AsyncOpenAI, OpenAI

from .guarded import (
    ADDRESS,
    ATTACK,
    HARMLESS,
    MASKED,
    WITH_ADDRESS,
    Guarded,
    Row,
    guarded,
    ingest_ms,
    is_preflight,
    until_alone,
)
from .model import NAME, USAGE, Model, answer_to

Ask = Callable[..., str]


def request(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": NAME, "messages": [{"role": "user", "content": prompt}], **more}


def whole(live: Guarded, model: Model, prompt: str, **wrap: Any) -> str:
    with live.client() as client, OpenAI(api_key="any", base_url=model.url, max_retries=0) as plain:
        said = client.wrap_openai(plain, **live.about(), **wrap).chat.completions.create(**request(prompt))
        return str(said.choices[0].message.content)


def streamed(live: Guarded, model: Model, prompt: str, **wrap: Any) -> str:
    with live.client() as client, OpenAI(api_key="any", base_url=model.url, max_retries=0) as plain:
        wrapped = client.wrap_openai(plain, **live.about(), **wrap)
        chunks = list(wrapped.chat.completions.create(**request(prompt, stream=True)))
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def whole_async(live: Guarded, model: Model, prompt: str, **wrap: Any) -> str:
    return asyncio.run(_asynchronously(live, model, prompt, False, wrap))


def streamed_async(live: Guarded, model: Model, prompt: str, **wrap: Any) -> str:
    return asyncio.run(_asynchronously(live, model, prompt, True, wrap))


async def _asynchronously(
    live: Guarded, model: Model, prompt: str, stream: bool, wrap: dict[str, Any]
) -> str:
    async with (
        live.async_client() as client,
        AsyncOpenAI(api_key="any", base_url=model.url, max_retries=0) as plain,
    ):
        wrapped = client.wrap_openai(plain, **live.about(), **wrap)
        try:
            said = await wrapped.chat.completions.create(**request(prompt, stream=stream))
            return await _joined(said) if stream else str(said.choices[0].message.content)
        finally:
            await until_alone()


async def _joined(chunks: AsyncIterator[Any]) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


WAYS = pytest.mark.parametrize("ask", [whole, streamed, whole_async, streamed_async])
STREAMS = pytest.mark.parametrize("ask", [streamed, streamed_async])


def call_and_preflight(live: Guarded) -> tuple[Row, Row]:
    """The row of the call, and that of the client's remark that it asked."""
    call, preflight = sorted(live.finished(2), key=is_preflight)
    assert (is_preflight(call), is_preflight(preflight)) == (False, True)
    return call, preflight


@WAYS
def test_a_call_is_one_complete_row(live: Guarded, model: Model, ask: Ask) -> None:
    assert ask(live, model, HARMLESS) == answer_to(HARMLESS)

    assert model.prompts == [HARMLESS]
    call, preflight = call_and_preflight(live)
    assert (call["prompt"], call["response"]) == (HARMLESS, answer_to(HARMLESS))
    assert call["guard"]["action"] == "allow"
    assert call["metadata"]["guard_event_id"] == call["guard"]["guard_event_id"]
    assert call["extra"]["usage"] == USAGE
    assert ingest_ms(call) >= 0
    assert preflight["eventCategory"] == "guard"
    assert preflight["guard"] is None
    assert preflight["metadata"]["preflight_for_client_event_id"] == call["metadata"]["client_event_id"]


@WAYS
def test_a_blocked_prompt_never_reaches_the_model(live: Guarded, model: Model, ask: Ask) -> None:
    with pytest.raises(SecurityBlockError) as raised:
        ask(live, model, ATTACK)

    assert raised.value.reason == "prompt_injection"
    assert model.prompts == []
    rows = live.wait_for(lambda rows: any(ingest_ms(row) is not None for row in rows))
    call, preflight = sorted(rows, key=is_preflight)
    assert (call["prompt"], call["response"]) == (ATTACK, "")
    assert (call["guard"]["action"], call["guard"]["reason"]) == ("block", "prompt_injection")
    assert preflight["metadata"]["event_status"] == "blocked"


@WAYS
def test_a_prompt_that_the_server_masks_reaches_the_model_masked(
    live: Guarded, model: Model, ask: Ask
) -> None:
    live.set_policy(masking=True)

    ask(live, model, WITH_ADDRESS)

    assert model.prompts == [MASKED]
    call, preflight = call_and_preflight(live)
    assert call["response"] == answer_to(MASKED)
    assert call["guard"]["action"] == "mask"
    assert ADDRESS not in str(preflight)
    assert ADDRESS not in str(call)


@STREAMS
def test_what_the_server_masked_is_put_back_into_a_stream(live: Guarded, model: Model, ask: Ask) -> None:
    live.set_policy(masking=True)
    said = ask(live, model, WITH_ADDRESS, deanonymize_output_for_client=True)
    assert said == answer_to(WITH_ADDRESS)
    assert model.prompts == [MASKED]


@WAYS
def test_a_prompt_that_the_client_is_told_to_mask_never_leaves_it(
    live: Guarded, model: Model, ask: Ask
) -> None:
    live.set_policy(enable_sdk_pii_masking=True)

    said = ask(live, model, WITH_ADDRESS, deanonymize_output_for_client=True)

    assert said == answer_to(WITH_ADDRESS)
    assert model.prompts == [MASKED]
    call, _ = call_and_preflight(live)
    assert (call["prompt"], call["response"]) == (MASKED, answer_to(MASKED))


@WAYS
def test_shadow_mode_lets_an_attack_through_and_says_so(live: Guarded, model: Model, ask: Ask) -> None:
    live.set_policy(shadow_mode=True)
    assert ask(live, model, ATTACK) == answer_to(ATTACK)
    assert model.prompts == [ATTACK]
    call, preflight = call_and_preflight(live)
    assert (call["guard"]["action"], call["guard"]["would"]) == ("allow", "block")
    assert "shadow policy would have blocked it" in preflight["response"]


def test_an_answer_carries_the_disclosure_that_the_policy_asks_for(live: Guarded, model: Model) -> None:
    live.set_policy(inject_transparency_metadata=True)
    disclosure = {
        "is_ai_generated": True,
        "disclosure": "You are interacting with an AI.",
        "article": "EU_AI_ACT_ARTICLE_50",
        "injection_mode": "deterministic",
    }
    with live.client() as client, OpenAI(api_key="any", base_url=model.url, max_retries=0) as plain:
        wrapped = client.wrap_openai(plain, **live.about())
        said = wrapped.chat.completions.create(**request(HARMLESS))
    assert said.agentid_transparency == disclosure
    call, _ = call_and_preflight(live)
    assert call["metadata"]["transparency"] == disclosure


def test_a_synchronous_agent_wraps_an_asynchronous_client(live: Guarded, model: Model) -> None:
    async def ask() -> str:
        with live.client() as client:
            async with AsyncOpenAI(api_key="any", base_url=model.url, max_retries=0) as plain:
                wrapped = client.wrap_openai(plain, **live.about())
                said = await wrapped.chat.completions.create(**request(HARMLESS))
                await until_alone()
                return str(said.choices[0].message.content)

    assert asyncio.run(ask()) == answer_to(HARMLESS)
    call_and_preflight(live)


def test_an_attack_counts_once_though_the_client_repeats_its_words(model: Model, tmp_path: Path) -> None:
    with guarded(tmp_path / "instance") as alone:  # what others did is analyzed, and counted, later
        with pytest.raises(SecurityBlockError):
            whole(alone, model, ATTACK)
        alone.wait_for(lambda rows: len(rows) == 2 and all(row["analyzedAt"] for row in rows))
        assert impact_events(alone) == 1


def impact_events(live: Guarded) -> int:
    """What the organization has used of its month's quota."""
    _, _, usage = live.server.request("GET", "/api/v1/usage", key=live.operator_key)
    return int(usage["impact_events"]["used"])
