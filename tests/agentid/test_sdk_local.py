"""What the official client finds out by itself before it asks, told to the server all the same."""

from __future__ import annotations

import pytest
from agentid import SecurityBlockError, SecurityViolationException
from openai import OpenAI

from .guarded import ADDRESS, ATTACK, WITH_ADDRESS, Guarded, is_preflight
from .model import NAME, Model

REDACTED = "Please write to [REDACTED] about the engine."


def ask(live: Guarded, model: Model, prompt: str) -> None:
    """One call through a client that looks for itself first, and does not say for whom when it blocks."""
    with (
        live.client(client_fast_fail=True) as client,
        OpenAI(api_key="any", base_url=model.url, max_retries=0) as plain,
    ):
        wrapped = client.wrap_openai(plain, **live.about(), telemetry={"workflow_run_id": live.user_id})
        wrapped.chat.completions.create(model=NAME, messages=[{"role": "user", "content": prompt}])


def test_an_attack_that_the_client_sees_is_told_without_its_words(live: Guarded, model: Model) -> None:
    with pytest.raises(SecurityBlockError, match="heuristic_combo_ignore_instructions"):
        ask(live, model, ATTACK)

    assert model.prompts == []
    (row,) = live.wait_for(lambda rows: len(rows) == 1, workflowRunId=live.user_id)
    assert (row["extra"]["event_type"], row["extra"]["severity"]) == ("security_block", "error")
    assert row["metadata"]["trigger_rule"] == "heuristic_combo_ignore_instructions"
    assert row["prompt"] == row["metadata"]["snippet_hash"]


def test_a_forbidden_statement_that_the_client_sees_is_told(live: Guarded, model: Model) -> None:
    with pytest.raises(SecurityViolationException, match="SQL_INJECTION_ATTEMPT"):
        ask(live, model, "DROP TABLE users;")

    assert model.prompts == []
    (row,) = live.wait_for(lambda rows: len(rows) == 1, workflowRunId=live.user_id)
    assert (row["prompt"], row["extra"]["model"]) == ("[REDACTED_SAMPLE]", "agentid.policy.enforcer")
    assert row["metadata"]["violation_type"] == "SQL_INJECTION_ATTEMPT"


def test_a_client_that_must_not_leak_personal_data_redacts_it(live: Guarded, model: Model) -> None:
    live.set_policy(block_pii_leakage=True)
    ask(live, model, WITH_ADDRESS)

    assert model.prompts == [REDACTED]
    call, _ = sorted(live.finished(2), key=is_preflight)
    assert call["prompt"] == REDACTED
    assert ADDRESS not in str(live.rows())
