"""How often an organization may call, told on every answer, and exact however many call at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from precog.core import telemetry
from precog.errors import StorageUnavailable
from tests.surfaces.calls import BATCH, INGEST, ingest, interaction, refusal
from tests.surfaces.test_errors import TABLE, beyond_the_plans_agents, too_often

MINUTE_MS = 60_000


def quota(answer) -> tuple[int, int, int]:
    """Limit, remaining and reset, each exactly once."""
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    values = [answer.headers.getlist(name) for name in names]
    limit, remaining, reset = (int(value) for (value,) in values)
    return limit, remaining, reset


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", INGEST, interaction()),
        ("POST", BATCH, {"interactions": [interaction()] * 3}),
        ("POST", "/api/v1/integrations/custom/telemetry", interaction()),
        ("POST", "/api/v1/integrations/n8n/telemetry", [interaction(), interaction()]),
        ("GET", "/api/v1/agents", None),
        ("GET", "/api/v1/agents/bot", None),
        ("PATCH", "/api/v1/agents/bot", {"status": "active"}),
        ("GET", "/api/v1/interactions", None),
        ("GET", "/api/v1/systems", None),
        ("GET", "/api/v1/systems/{system}/policy", None),
        ("GET", "/api/v1/systems/{system}/policy/history", None),
        ("GET", "/api/v1/usage", None),
    ],
)
def test_every_answer_tells_the_quota_and_costs_one(client, sandbox, method, path, body):
    sandbox.set_plan("FREE")
    ingest(client)
    sandbox.clock.advance(20_500)
    path = path.replace("{system}", sandbox.first.system.id)
    answer = client.open(path, method=method, json=body)
    assert answer.status_code == 200
    assert quota(answer) == (200, 198, 40)


ROUTING = ("of_nothing", "by_a_wrong_method")
STRANGERS = {"without_key", *ROUTING}
ROWS = [row[0] for row in TABLE] + [beyond_the_plans_agents]


@pytest.mark.parametrize("ask", ROWS, ids=lambda ask: ask.__name__)
def test_every_refusal_tells_the_quota(sqlite_client, sqlite_sandbox, ask):
    limit, remaining, reset = quota(ask(sqlite_client, sqlite_sandbox))
    assert 0 <= remaining <= limit
    assert 1 <= reset <= 60
    assert (limit == 1_200) == (ask.__name__ in STRANGERS)  # the address's share, where no key was looked at


def test_an_error_of_ours_tells_the_quota_too(sqlite_client, monkeypatch):
    monkeypatch.setattr(telemetry, "record", lambda *args: 1 / 0)
    answer = sqlite_client.post(INGEST, json=interaction())
    assert answer.status_code == 500
    assert quota(answer)[2] == 60


@pytest.mark.parametrize(
    "ask",
    [ask for ask in ROWS if ask.__name__ not in STRANGERS | {"too_often"}],
    ids=lambda ask: ask.__name__,
)
def test_a_refused_request_counts(sqlite_client, sqlite_sandbox, ask):
    sqlite_sandbox.set_plan("FREE")
    sqlite_client.get("/api/v1/usage")
    first = quota(ask(sqlite_client, sqlite_sandbox))
    second = quota(sqlite_client.get("/api/v1/usage"))
    assert first[1] - second[1] == 1
    assert first[1] <= 198


def test_429_tells_when_to_come_again(client, sandbox):
    answer = too_often(client, sandbox)
    assert refusal(answer) == (429, "RATE_LIMIT_EXCEEDED")
    assert quota(answer) == (200, 0, 59)
    assert answer.headers["Retry-After"] == "59"
    sandbox.clock.advance(59_000)
    assert client.get("/api/v1/usage").status_code == 200


def test_a_request_over_the_quota_does_not_count(client, sandbox):
    too_often(client, sandbox)
    assert refusal(client.get("/api/v1/usage"))[0] == 429
    sandbox.clock.advance(MINUTE_MS)
    assert quota(client.get("/api/v1/usage")) == (100, 99, 59)


def admitted(client) -> int:
    """How many requests the present window still takes."""
    return next(count for count in range(10_000) if client.get("/api/v1/usage").status_code == 429)


@pytest.mark.parametrize(("used_before", "admits"), [(0, 200), (40, 160), (100, 100), (200, 100)])
def test_a_window_admits_the_plans_requests_and_what_the_one_before_left(
    client, sandbox, used_before, admits
):
    sandbox.set_plan("FREE")
    for _ in range(used_before):
        client.get("/api/v1/usage")
    sandbox.clock.advance(MINUTE_MS)
    assert admitted(client) == admits


def test_what_was_left_unused_longer_ago_is_gone(client, sandbox):
    sandbox.set_plan("FREE")
    sandbox.clock.advance(10 * MINUTE_MS)
    assert admitted(client) == 200


def test_a_larger_plan_holds_from_the_next_request_on(client, sandbox):
    too_often(client, sandbox)
    sandbox.set_plan("PROFESSIONAL")
    assert quota(client.get("/api/v1/usage")) == (2_000, 1_799, 59)


def test_threads_are_admitted_exactly_as_often_as_the_quota_says(sandbox):
    sandbox.set_plan("FREE")

    def send(_: int) -> list[int]:
        client = sandbox.client
        return [client.post(INGEST, json=interaction()).status_code for _ in range(8)]

    with ThreadPoolExecutor(32) as pool:
        statuses = [status for sent in pool.map(send, range(32)) for status in sent]
    assert sorted(statuses) == [200] * 200 + [429] * 56
    sandbox.clock.advance(MINUTE_MS)
    used = sandbox.services.db.read(lambda tx: tx.one("SELECT count(*) AS n FROM interactions"))["n"]
    assert used == 200


# --- without a key --------------------------------------------------------------------------


@pytest.fixture
def strangers(make_sandbox, tmp_path):
    return make_sandbox(database=str(tmp_path / "d.sqlite3"), unauthenticated_per_minute=3)


def from_address(sandbox, address, key="px_live_wrong"):
    return sandbox.app.test_client().get(
        "/api/v1/usage", headers={"x-api-key": key}, environ_overrides={"REMOTE_ADDR": address}
    )


def test_an_address_may_be_wrong_only_so_often_a_minute(strangers):
    answers = [from_address(strangers, "192.0.2.1") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert [quota(answer)[:2] for answer in answers] == [(3, 2), (3, 1), (3, 0), (3, 0), (3, 0)]
    assert refusal(answers[3]) == (429, "RATE_LIMIT_EXCEEDED")
    assert answers[3].headers["Retry-After"] == "60"


def test_one_address_does_not_use_up_anothers_share(strangers):
    for _ in range(5):
        from_address(strangers, "192.0.2.1")
    assert from_address(strangers, "192.0.2.2").status_code == 401


def test_an_address_has_a_new_share_in_the_next_minute(strangers):
    for _ in range(5):
        from_address(strangers, "192.0.2.1")
    strangers.clock.advance(MINUTE_MS)
    answers = [from_address(strangers, "192.0.2.1").status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]


def test_a_valid_key_is_not_counted_as_a_stranger(strangers):
    key = strangers.first.keys["precogx"].secret
    assert [from_address(strangers, "192.0.2.1", key).status_code for _ in range(5)] == [200] * 5


def test_who_had_a_good_key_is_not_kept_out_by_a_flood_from_the_same_address(make_sandbox) -> None:
    sandbox = make_sandbox(unauthenticated_per_minute=3)
    assert sandbox.client.get("/api/v1/usage").status_code == 200
    stranger = sandbox.app.test_client()
    statuses = [stranger.get("/api/v1/usage").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert sandbox.client.get("/api/v1/usage").status_code == 200
    sandbox.clock.advance(10_000)  # what is known of the key is old, and asked for again
    assert sandbox.client.get("/api/v1/usage").status_code == 200


def test_answers_that_need_no_key_carry_the_headers_too(sqlite_client) -> None:
    for answer in (
        sqlite_client.get("/api/v1/openapi.json"),
        sqlite_client.options("/api/v1/telemetry/ingest"),
    ):
        assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(answer.headers.keys())


def test_without_a_database_the_headers_say_that_nothing_is_left(make_sandbox, monkeypatch) -> None:
    sandbox = make_sandbox()
    client = sandbox.client
    assert client.get("/api/v1/usage").status_code == 200

    def away(*args: object, **kwargs: object) -> None:
        raise StorageUnavailable()

    monkeypatch.setattr(type(sandbox.services.db), "write", away)
    answer = client.get("/api/v1/usage")
    assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (503, "0")
