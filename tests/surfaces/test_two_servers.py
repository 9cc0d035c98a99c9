"""Two server processes on one database: what one may do alone, two may not do twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from precog import create_app
from precog.core import administration
from precog.core.administration import KeyRequest
from precog.storage.engine import open_database
from tests.live import Server, serving
from tests.surfaces.calls import INGEST, interaction
from tests.surfaces.guarding import ATTACK, EVENTS, GUARD, event, fresh, prompt
from tests.surfaces.outside import REGISTER

THREADS = 32


@dataclass
class Pair:
    servers: tuple[Server, Server]
    keys: dict[str, str]  # by plan
    database: str

    def post_all(
        self, plan: str, bodies: list[dict[str, Any]], *, path: str = INGEST, **headers: str
    ) -> list[tuple[int, Any, Any]]:
        """Send the bodies from many threads to both servers; each one's status, headers and answer."""
        sent = {"x-api-key": self.keys[plan], "Content-Type": "application/json", **headers}

        def work(number: int) -> list[tuple[int, Any, Any]]:
            address = self.servers[number % 2].url.removeprefix("http://")
            with closing(HTTPConnection(address, timeout=30)) as connection:
                return [post(connection, path, body, sent) for body in bodies[number::THREADS]]

        with ThreadPoolExecutor(THREADS) as pool:
            return [answer for answers in pool.map(work, range(THREADS)) for answer in answers]

    def rows(self, sql: str) -> list[Any]:
        with closing(open_database(self.database)) as db:
            return list(db.read(lambda tx: tx.all(sql)))


def post(
    connection: HTTPConnection, path: str, body: dict[str, Any], headers: dict[str, str]
) -> tuple[int, Any, Any]:
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, json.loads(answer.read())


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    instance = tmp_path / "instance"
    services = create_app({"instance": instance, "database": database_url}).extensions["precog"]
    keys = {}
    for plan in ("FREE", "PROFESSIONAL", "ENTERPRISE"):
        made = administration.create_organization(services, plan, plan)
        request = KeyRequest(kind="precogx", prefix="px_live_", name=plan)
        keys[plan] = administration.create_key(services, made.id, request).secret
    services.close()
    with ExitStack() as stack:
        first, second = (stack.enter_context(serving(instance, database=database_url)) for _ in range(2))
        yield Pair((first, second), keys, database_url)


def test_two_servers_admit_exactly_the_plans_requests(pair):
    answers = pair.post_all("FREE", [interaction()] * 400)
    admitted = sum(status == 200 for status, _, _ in answers)
    assert {status for status, _, _ in answers} == {200, 429}
    windows = pair.rows("SELECT hits, quota FROM rate_windows ORDER BY window_start")
    assert admitted == sum(window["hits"] for window in windows)
    assert all(window["hits"] <= window["quota"] for window in windows)
    assert admitted == 200 or len(windows) == 2  # a minute ended meanwhile
    assert len(pair.rows("SELECT id FROM interactions")) == admitted


def test_two_servers_admit_exactly_what_an_outside_callers_tier_says(pair):
    answers = pair.post_all("FREE", [{}] * 320, path=REGISTER, **{"X-Agent-Id": "bot"})
    admitted = sum(status == 400 for status, _, _ in answers)  # without a name, but counted
    assert {status for status, _, _ in answers} == {400, 429}
    windows = pair.rows("SELECT hits FROM rate_windows WHERE bucket = 'visit-agent:bot'")
    assert admitted == sum(window["hits"] for window in windows)
    assert max(window["hits"] for window in windows) == 30
    rail = pair.rows("SELECT hits FROM rate_windows WHERE bucket = 'visit-rail:127.0.0.1'")
    assert sum(window["hits"] for window in rail) == admitted
    assert len(windows) <= 2  # a minute may have ended meanwhile


def test_two_servers_create_exactly_the_plans_agents(pair):
    answers = pair.post_all("PROFESSIONAL", [interaction(agentId=f"bot-{n % 48}") for n in range(192)])
    refused = [body["error"]["code"] for status, _, body in answers if status != 200]
    assert set(refused) == {"AGENT_LIMIT_EXCEEDED"}
    assert len(refused) == 192 - 10 * 4
    assert len({body["agentId"] for status, _, body in answers if status == 200}) == 10
    assert len(pair.rows("SELECT id FROM agents")) == 10


def test_two_servers_store_one_interaction_a_key(pair):
    answers = pair.post_all("ENTERPRISE", [interaction()] * 96, **{"Idempotency-Key": "order-1"})
    assert {status for status, _, _ in answers} == {200}
    assert len({body["interactionId"] for _, _, body in answers}) == 1
    assert sum(headers["Idempotent-Replayed"] != "true" for _, headers, _ in answers) == 1
    assert len(pair.rows("SELECT id FROM interactions")) == 1


# --- the guard and its events


@pytest.fixture
def system(pair: Pair) -> str:
    """A system of the organization that has no limits."""
    with closing(open_database(pair.database)) as db:
        who = db.read(lambda tx: tx.one("SELECT id FROM organizations WHERE name = 'ENTERPRISE'"))
        db.write(
            lambda tx: tx.run(
                "INSERT INTO systems (id, organization_id, name, created_at) VALUES ('sys-1', :id, 's', 0)",
                id=who["id"],
            )
        )
    return "sys-1"


def test_two_servers_take_an_event_once_and_give_one_verdict(pair, system):
    event_id = fresh()
    told = pair.post_all("ENTERPRISE", [event(event_id, system_id=system)] * 64, path=EVENTS)
    assert sorted(status for status, _, _ in told) == [200] + [409] * 63
    asked = [prompt(ATTACK, system_id=system, client_event_id=event_id)] * 64
    verdicts = pair.post_all("ENTERPRISE", asked, path=GUARD)
    assert {status for status, _, _ in verdicts} == {403}
    assert len({body["guard_event_id"] for _, _, body in verdicts}) == 1
    (row,) = pair.rows("SELECT id FROM interactions")
    (impact,) = pair.rows("SELECT interaction_id FROM impact_events")
    assert impact["interaction_id"] == row["id"]


def test_two_servers_keep_every_verdict_that_they_gave(pair, system):
    verdicts = pair.post_all("ENTERPRISE", [prompt(system_id=system)] * 256, path=GUARD)
    assert {status for status, _, _ in verdicts} == {200}
    assert not [body for _, _, body in verdicts if "degraded" in body]
    kept = {row["event_id"] for row in pair.rows("SELECT event_id FROM interactions")}
    assert kept == {body["client_event_id"] for _, _, body in verdicts}
