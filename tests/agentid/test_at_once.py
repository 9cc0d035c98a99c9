"""Many reports of one event at the same moment, on each kind of database."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .guarded import HARMLESS, Guarded, guarded, ingest_ms

AT_ONCE = 16


@pytest.fixture
def both(tmp_path: Path, database_url: str) -> Iterator[Guarded]:
    with guarded(tmp_path / "instance", database_url) as found:
        yield found


def post_at_once(live: Guarded, path: str, bodies: list[dict[str, Any]]) -> list[int]:
    """The statuses, in the order of the bodies."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        return [status for status, _, _ in pool.map(lambda body: live.post(path, body), bodies)]


def test_one_event_told_many_times_at_once_is_stored_once(both: Guarded) -> None:
    event_id = str(uuid.uuid4())
    bodies = [
        {**both.about(), "event_id": event_id, "input": HARMLESS, "output": f"answer {number}"}
        for number in range(AT_ONCE)
    ]

    statuses = post_at_once(both, "ingest", bodies)

    assert Counter(statuses) == {200: 1, 409: AT_ONCE - 1}
    (row,) = both.rows()
    assert row["response"] == f"answer {statuses.index(200)}"


def test_verdicts_and_events_of_many_calls_at_once_meet_each_in_its_row(both: Guarded) -> None:
    ids = [str(uuid.uuid4()) for _ in range(AT_ONCE)]
    asked = [{**both.about(), "client_event_id": one, "input": HARMLESS} for one in ids]
    told = [{**both.about(), "event_id": one, "input": HARMLESS, "output": f"to {one}"} for one in ids]
    ended = [{"client_event_id": one, "system_id": both.system_id, "sdk_ingest_ms": 7} for one in ids]
    calls = [call for pair in zip(asked, told, strict=True) for call in pair]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        paths = ["guard" if "client_event_id" in call else "ingest" for call in calls]
        statuses = [status for status, _, _ in pool.map(both.post, paths, calls)]
    twice = post_at_once(both, "ingest/finalize", ended + ended)

    assert Counter(statuses + twice) == {200: 4 * AT_ONCE}
    rows = both.rows()
    assert sorted(row["response"] for row in rows) == sorted(f"to {one}" for one in ids)
    assert {(row["guard"]["action"], ingest_ms(row)) for row in rows} == {("allow", 7)}


def test_one_prompt_judged_many_times_at_once_is_one_row(both: Guarded) -> None:
    event_id = str(uuid.uuid4())
    bodies = [{**both.about(), "client_event_id": event_id, "input": HARMLESS}] * AT_ONCE
    assert Counter(post_at_once(both, "guard", bodies)) == {200: AT_ONCE}
    (row,) = both.rows()
    assert row["eventId"] == event_id
