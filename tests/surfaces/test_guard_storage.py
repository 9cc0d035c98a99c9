"""While the database is away: a policy says whether verdicts go on, and no row that was promised is lost."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from precog.core import deferred, lifecycle, reach
from precog.storage import engine as storage_engine
from tests.conftest import Sandbox
from tests.parallel import in_threads
from tests.surfaces.guarding import (
    ATTACK,
    CONFIG,
    EVENTS,
    FINALIZE,
    GUARD,
    HARMLESS,
    ask,
    client_of,
    event,
    fresh,
    prompt,
    refused,
    rows,
    set_policy,
    table,
)

PATIENCE_S = 0.3
CLOSED = {"allowed": False, "reason": "system_failure_db_unavailable"}
Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def busy_ms() -> int:
    """How long a write waits for a lock, unless the test says otherwise."""
    return 100


@pytest.fixture(autouse=True)
def _soon(monkeypatch, busy_ms):
    """Waits are short, for a database that will not come back before the test wants it."""
    monkeypatch.setattr(storage_engine, "BUSY_TIMEOUT_MS", busy_ms)
    monkeypatch.setattr(lifecycle, "PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(reach, "PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(deferred, "TRY_EVERY_S", 0.02)


@pytest.fixture
def warm(guarded, sandbox):
    """The client, once the server knows its key and policy and has let go of every connection's lock."""
    ask(guarded, "the first")
    return guarded


@pytest.fixture
def locked(engine: str, database_url: str) -> Outage:
    """Within it nothing can be written."""

    @contextlib.contextmanager
    def lock() -> Iterator[None]:
        if engine == "sqlite":
            other = sqlite3.connect(database_url, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
        else:
            import psycopg

            other = psycopg.connect(database_url)
            other.execute("LOCK TABLE interactions, rate_windows IN ACCESS EXCLUSIVE MODE")
        with contextlib.closing(other):
            yield

    return lock


@pytest.fixture
def gone(engine: str, database_url: str) -> Outage:
    """Within it nothing can be read either."""

    @contextlib.contextmanager
    def take() -> Iterator[None]:
        if engine == "sqlite":
            path = Path(database_url)
            path.rename(path.with_name("away"))
            yield
            path.with_name("away").rename(path)
            return
        import psycopg

        with psycopg.connect(database_url) as other:
            tables = "interactions, rate_windows, api_keys, organizations, systems, system_policies, agents"
            other.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            yield

    return take


def back(sandbox: Sandbox) -> None:
    """Have all stored that waits, and the thread that stores it end."""
    services = sandbox.services
    services.db.write_merged(lambda tx, items: items, None, whose="behind the others")
    services.deferred.flush()
    thread = services.deferred._thread
    if thread is not None:
        thread.join(10)
    assert (services.deferred.waiting, services.deferred.is_away) == (0, False)


# --- verdicts go on


@pytest.mark.parametrize("outage", ["locked", "gone"])
def test_who_fails_open_gets_the_verdict_and_the_row_comes_later(warm, sandbox, outage, request):
    with request.getfixturevalue(outage)():
        passed, blocked = ask(warm, HARMLESS), ask(warm, ATTACK)
    assert (passed["allowed"], passed["degraded"]) == (True, ["storage"])
    assert (blocked["allowed"], blocked["reason"], blocked["degraded"]) == (
        False,
        "prompt_injection",
        ["storage"],
    )
    back(sandbox)
    found = {row["eventId"]: row for row in rows(sandbox)}
    assert len(found) == 3
    for verdict in (passed, blocked):
        kept = found[verdict["client_event_id"]]
        assert kept["guard"]["guard_event_id"] == verdict["guard_event_id"]
    (impact,) = table(sandbox, "impact_events")
    assert impact["interaction_id"] == found[blocked["client_event_id"]]["interactionId"]
    assert "degraded" not in ask(warm, HARMLESS)
    assert sandbox.services.deferred.lost == 0


@pytest.mark.parametrize("busy_ms", [4_000])
def test_only_the_first_waits(warm, sandbox, monkeypatch, locked):
    tried = []
    wait = sandbox.services.db.write_patiently
    monkeypatch.setattr(
        type(sandbox.services.db),
        "write_patiently",
        lambda db, *args, **kwargs: tried.append(1) or wait(*args, **kwargs),
    )
    with locked():
        began = time.monotonic()
        ask(warm)
        waited = time.monotonic() - began
        for _ in range(5):
            assert ask(warm)["degraded"] == ["storage"]
    assert PATIENCE_S <= waited < PATIENCE_S + 1
    assert len(tried) == 1
    back(sandbox)
    assert len(rows(sandbox)) == 7


@pytest.mark.parametrize("later_ms", [10_000, 500_000])
def test_what_is_known_of_the_key_and_policy_holds_while_nothing_can_be_read(
    warm, sandbox, gone, later_ms, monkeypatch
):
    sandbox.clock.advance(later_ms)
    with gone():
        assert ask(warm)["degraded"] == ["storage"]
        reads = []
        read = sandbox.services.db.read

        def counted(db, *args, **kwargs):
            reads.append(1)
            return read(*args, **kwargs)

        monkeypatch.setattr(type(sandbox.services.db), "read", counted)
        for _ in range(5):
            assert ask(warm)["degraded"] == ["storage"]
        assert reads == []  # or each would wait for the answer that there is none
        assert warm.get(CONFIG).status_code == 200
    back(sandbox)
    assert len(rows(sandbox)) == 7


@pytest.mark.parametrize("busy_ms", [4_000])
def test_a_database_that_gives_no_answer_is_not_waited_for(warm, sandbox, gone):
    sandbox.clock.advance(10_000)
    with gone():
        waits = []
        for _ in range(3):
            began = time.monotonic()
            assert ask(warm)["degraded"] == ["storage"]
            assert warm.get(CONFIG).status_code == 200
            waits.append(time.monotonic() - began)
    assert waits[0] < 2 * PATIENCE_S + 1  # for the key, then for the row
    assert waits[1] + waits[2] < 1
    back(sandbox)
    assert len(rows(sandbox)) == 4


def test_a_key_that_was_good_too_long_ago_is_not_taken(warm, sandbox, gone):
    sandbox.clock.advance(700_000)
    with gone():
        answer = warm.post(GUARD, json=prompt())
    assert (answer.status_code, answer.json) == (503, CLOSED)


@pytest.mark.parametrize("busy_ms", [4_000])
def test_a_write_that_ends_late_is_stored_once(warm, sandbox, monkeypatch, locked):
    monkeypatch.setattr(lifecycle, "PATIENCE_S", 0.01)
    with locked():
        verdict = ask(warm, ATTACK)
    back(sandbox)
    assert len(rows(sandbox, eventId=verdict["client_event_id"])) == 1
    assert len(table(sandbox, "impact_events")) == 1
    assert len(rows(sandbox)) == 2


def test_one_question_asked_again_meanwhile_is_one_row(warm, sandbox, locked):
    event_id = fresh()
    with locked():
        for _ in range(3):
            ask(warm, ATTACK, client_event_id=event_id)
    back(sandbox)
    assert len(rows(sandbox, eventId=event_id)) == 1
    assert len(rows(sandbox)) == 2
    assert len(table(sandbox, "impact_events")) == 1


def test_an_event_that_was_told_before_the_verdict_was_stored_is_joined(warm, sandbox, gone):
    with gone():
        verdict = ask(warm)
        put = sandbox.services.deferred
        assert put.waiting == 1
    told = warm.post(EVENTS, json=event(verdict["client_event_id"]))
    assert told.status_code == 200, told.json
    back(sandbox)
    (row,) = rows(sandbox, eventId=verdict["client_event_id"])
    assert row["guard"]["guard_event_id"] == verdict["guard_event_id"]
    assert row["response"]


def test_many_at_once_all_get_their_verdicts_and_rows(warm, sandbox, locked):
    with locked():
        answers = in_threads(20, lambda number: ask(client_of(sandbox), f"question {number}"))
    assert all(answer["degraded"] == ["storage"] for answer in answers)
    back(sandbox)
    assert len(rows(sandbox)) == 21


def test_what_is_too_much_to_keep_is_counted_and_logged_by_numbers(warm, sandbox, gone, caplog):
    sandbox.services.deferred._rows_kept = 2
    with gone():
        answers = [ask(warm, f"question {number}") for number in range(4)]
    assert all(answer["allowed"] for answer in answers)
    assert sandbox.services.deferred.lost == 2
    assert "deferred rows lost: 2 so far" in caplog.text
    back(sandbox)
    assert len(rows(sandbox)) == 3


def test_what_waits_at_the_end_is_stored_at_the_end(warm, sandbox, gone, monkeypatch, database_url):
    monkeypatch.setattr(deferred, "TRY_EVERY_S", 600)
    with gone():
        ask(warm)
    sandbox.services.close()
    with contextlib.closing(storage_engine.open_database(database_url)) as db:
        assert db.read(lambda tx: tx.one("SELECT count(*) AS n FROM interactions"))["n"] == 2


def test_nothing_of_prompts_and_keys_is_logged(warm, sandbox, locked, gone, caplog):
    secrets = [key.secret for key in sandbox.first.keys.values()]
    with caplog.at_level(logging.DEBUG):
        for outage in (locked, gone):
            with outage():
                ask(warm, "Xylophones " + ATTACK)
                warm.post(EVENTS, json=event(input="Xylophones", output="Xylophones"))
        back(sandbox)
    written = caplog.text + str([vars(record) for record in caplog.records])
    assert "storage is away" in written
    for private in ("Xylophones", "Ignore all", *secrets):
        assert private not in written


# --- or nothing is answered that is not stored


@pytest.mark.parametrize("outage", ["locked", "gone"])
@pytest.mark.parametrize("setting", [{"failure_mode": "fail_close"}, {"strict_security_mode": True}])
def test_who_fails_closed_is_told_that_storage_is_away(guarded, sandbox, outage, setting, request):
    set_policy(sandbox, **setting)
    ask(guarded)
    with request.getfixturevalue(outage)():
        answers = [guarded.post(GUARD, json=prompt(text)) for text in (HARMLESS, ATTACK, "")]
    for answer in answers:
        assert (answer.status_code, answer.json) == (503, CLOSED)
        assert answer.headers["Retry-After"] == "1"
        assert refused(answer) == (503, "system_failure_db_unavailable")
    assert sandbox.services.deferred.waiting == 0
    assert ask(guarded)["allowed"] is True


@pytest.mark.parametrize("busy_ms", [4_000])
def test_who_fails_closed_is_told_so_within_its_patience(guarded, sandbox, locked):
    set_policy(sandbox, failure_mode="fail_close")
    ask(guarded)
    with locked():
        began = time.monotonic()
        assert guarded.post(GUARD, json=prompt()).json == CLOSED
        assert time.monotonic() - began < PATIENCE_S + 1
    back(sandbox)


def test_of_a_policy_that_was_never_known_nothing_is_assumed(guarded, gone):
    with gone():
        answer = guarded.post(GUARD, json=prompt())
    assert (answer.status_code, answer.json) == (503, CLOSED)


@pytest.mark.parametrize("outage", ["locked", "gone"])
@pytest.mark.parametrize("path", [EVENTS, FINALIZE])
def test_an_event_is_not_taken_while_it_cannot_be_stored(warm, sandbox, outage, path, request):
    event_id = fresh()
    warm.post(EVENTS, json=event(event_id))
    body = event() if path == EVENTS else {"client_event_id": event_id, "sdk_ingest_ms": 1}
    sandbox.clock.advance(10_000)
    with request.getfixturevalue(outage)():
        answer = warm.post(path, json=body)
    assert answer.status_code == 503
    assert answer.json == {"error": "Service unavailable", "reason": "system_failure_db_unavailable"}
    assert answer.headers["Retry-After"] == "1"
    assert warm.post(path, json=body).status_code == 200
