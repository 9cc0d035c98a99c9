"""Many interactions in one request: one transaction, in their order, and no bad one sinks a good one."""

from __future__ import annotations

import pytest

from tests.surfaces.calls import BATCH, INGEST, field_fault, ingest, interaction, refusal, stored


def batch(client, *interactions):
    return client.post(BATCH, json={"interactions": list(interactions)})


def codes(answer):
    """Each result in turn: its error's code, or what was stored."""
    return [
        one["error"]["code"] if one["status"] == "error" else one["agentId"] for one in answer.json["results"]
    ]


def test_the_answer_tells_of_each_interaction_in_its_order(client):
    answer = batch(client, *(interaction(agentId=f"bot-{n}", prompt=f"{n}") for n in range(3)))
    assert answer.status_code == 200
    ids = [one["interactionId"] for one in answer.json["results"]]
    assert answer.json == {
        "status": "success",
        "message": "3 of 3 interactions ingested",
        "accepted": 3,
        "rejected": 0,
        "results": [
            {"index": n, "status": "success", "agentId": f"bot-{n}", "interactionId": ids[n]}
            for n in range(3)
        ],
    }
    assert ids == sorted(ids)
    assert [(one["interactionId"], one["prompt"]) for one in reversed(stored(client))] == [
        (ids[n], str(n)) for n in range(3)
    ]


def test_a_wrong_interaction_is_told_by_its_place_and_does_not_sink_the_others(client):
    answer = batch(
        client,
        interaction(),
        interaction(prompt=None),
        "no object",
        interaction(agent_id="other"),
        interaction(),
    )
    assert answer.status_code == 200
    assert codes(answer) == [
        "bot",
        "MISSING_REQUIRED_FIELD",
        "INVALID_FIELD_TYPE",
        "INVALID_FIELD_VALUE",
        "bot",
    ]
    assert [one["index"] for one in answer.json["results"]] == [0, 1, 2, 3, 4]
    assert (answer.json["status"], answer.json["accepted"], answer.json["rejected"]) == ("partial", 2, 3)
    assert answer.json["results"][1]["error"] == {
        "code": "MISSING_REQUIRED_FIELD",
        "message": "Missing required field: prompt",
        "details": {"field": "prompt", "expected": "string", "received": "null"},
    }
    assert len(stored(client)) == 2


def test_a_batch_without_one_good_interaction_is_400_with_the_same_results(client):
    answer = batch(client, interaction(agentId=""), interaction(response=1))
    assert answer.status_code == 400
    assert codes(answer) == ["INVALID_FIELD_VALUE", "INVALID_FIELD_TYPE"]
    assert (answer.json["accepted"], answer.json["rejected"]) == (0, 2)
    assert answer.json["error"].keys() == {"code", "message", "details"}
    assert answer.json["error"]["code"] == "INVALID_REQUEST"
    assert stored(client) == []


def test_a_thousand_interactions_are_stored(client):
    answer = batch(client, *(interaction(prompt=str(n)) for n in range(1000)))
    assert (answer.status_code, answer.json["accepted"]) == (200, 1000)
    assert [one["prompt"] for one in stored(client)[:3]] == ["999", "998", "997"]


@pytest.mark.parametrize(
    ("interactions", "fault"),
    [
        ([], "INVALID_FIELD_VALUE"),
        ([{}] * 1001, "INVALID_FIELD_VALUE"),
        ({}, "INVALID_FIELD_TYPE"),
        ("many", "INVALID_FIELD_TYPE"),
        (None, "MISSING_REQUIRED_FIELD"),
    ],
)
def test_a_batch_is_an_array_of_1_to_1000(sqlite_client, interactions, fault):
    answer = sqlite_client.post(BATCH, json={"interactions": interactions})
    assert field_fault(answer) == (fault, "interactions")


def test_a_batch_without_interactions_says_so(sqlite_client):
    assert field_fault(sqlite_client.post(BATCH, json={})) == ("MISSING_REQUIRED_FIELD", "interactions")


@pytest.mark.parametrize("spelling", ["idempotencyKey", "idempotency_key"])
def test_each_interaction_may_have_its_own_key(client, spelling):
    answer = batch(client, interaction(**{spelling: "a"}), interaction(), interaction(**{spelling: "b"}))
    first, _, third = (one["interactionId"] for one in answer.json["results"])
    again = batch(
        client, interaction(**{spelling: "b"}), interaction(**{spelling: "c"}), interaction(**{spelling: "a"})
    )
    assert [one.get("replayed") for one in again.json["results"]] == [True, None, True]
    assert again.json["results"][0]["interactionId"] == third
    assert again.json["results"][2]["interactionId"] == first
    assert again.json["accepted"] == 3
    assert len(stored(client)) == 4


def test_a_key_twice_in_one_batch_stores_one_interaction(client):
    answer = batch(client, interaction(idempotencyKey="k"), interaction(idempotencyKey="k"))
    first, second = answer.json["results"]
    assert second == {**first, "index": 1, "replayed": True}
    assert len(stored(client)) == 1


def test_a_key_with_another_body_is_the_conflict_of_that_interaction_alone(client):
    answer = batch(
        client,
        interaction(idempotencyKey="k"),
        interaction(idempotencyKey="k", prompt="Other"),
        interaction(),
    )
    assert codes(answer) == ["bot", "IDEMPOTENCY_KEY_REUSED", "bot"]


def test_a_batchs_keys_and_the_header_are_of_one_kind(client):
    first = batch(client, interaction(idempotencyKey="k")).json["results"][0]["interactionId"]
    retry = client.post(INGEST, json=interaction(), headers={"Idempotency-Key": "k"})
    assert retry.json["interactionId"] == first
    assert retry.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "k" * 256, 5, {}])
@pytest.mark.parametrize("spelling", ["idempotencyKey", "idempotency_key"])
def test_a_bad_key_is_the_error_of_its_interaction(sqlite_client, spelling, key):
    answer = batch(sqlite_client, interaction(**{spelling: key}), interaction())
    assert answer.json["results"][0]["error"]["details"]["field"] == "idempotencyKey"
    assert answer.json["accepted"] == 1


def test_the_plans_agents_are_counted_within_a_batch(client, sandbox):
    sandbox.set_plan("FREE")
    answer = batch(client, *(interaction(agentId=name) for name in ("a", "b", "a", "c")))
    assert codes(answer) == ["a", "AGENT_LIMIT_EXCEEDED", "a", "AGENT_LIMIT_EXCEEDED"]
    assert [agent["agentId"] for agent in client.get("/api/v1/agents").json["agents"]] == ["a"]


def test_a_deactivated_agents_interactions_alone_are_refused(client):
    ingest(client, agentId="retired")
    client.patch("/api/v1/agents/retired", json={"status": "deactivated"})
    answer = batch(client, interaction(), interaction(agentId="retired"))
    assert codes(answer) == ["bot", "AGENT_DEACTIVATED"]


def test_a_batch_costs_one_request_whatever_its_size(client, sandbox):
    sandbox.set_plan("FREE")
    before = batch(client, interaction()).headers["RateLimit-Remaining"]
    after = batch(client, *[interaction()] * 50).headers["RateLimit-Remaining"]
    assert int(before) - int(after) == 1


def test_a_batch_beyond_the_quota_stores_nothing(client, sandbox):
    sandbox.set_plan("FREE")
    for _ in range(200):
        client.get("/api/v1/usage")
    answer = batch(client, interaction(idempotencyKey="k"), interaction())
    assert refusal(answer) == (429, "RATE_LIMIT_EXCEEDED")
    sandbox.clock.advance(60_000)
    assert stored(client) == []
    assert batch(client, interaction(idempotencyKey="k")).json["results"][0].get("replayed") is None


def test_a_batch_may_be_larger_than_a_single_request(make_sandbox, tmp_path):
    sandbox = make_sandbox(
        database=str(tmp_path / "d.sqlite3"), max_request_bytes=1_000, max_batch_bytes=3_000
    )
    large = interaction(prompt="x" * 900)
    assert refusal(sandbox.client.post(INGEST, json=interaction(prompt="x" * 1000))) == (
        413,
        "PAYLOAD_TOO_LARGE",
    )
    assert batch(sandbox.client, large, large).status_code == 200
    assert refusal(batch(sandbox.client, large, large, large, large)) == (413, "PAYLOAD_TOO_LARGE")


def test_a_header_makes_the_retry_of_a_whole_batch_safe(client):
    batch = {"interactions": [interaction(), interaction(idempotencyKey="own")]}
    first, again = (client.post(BATCH, json=batch, headers={"Idempotency-Key": "all"}).json for _ in range(2))
    assert [result.get("replayed", False) for result in first["results"]] == [False, False]
    assert [result["replayed"] for result in again["results"]] == [True, True]
    assert [one["interactionId"] for one in again["results"]] == [
        one["interactionId"] for one in first["results"]
    ]
