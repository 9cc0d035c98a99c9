"""Each stored interaction is claimed by one, and what was found in it is kept once."""

from __future__ import annotations

from typing import Any

import pytest

from precog.storage import agents, analyses, interactions, lifecycles, organizations, systems
from precog.storage.analyses import Analyzed, Key
from precog.storage.engine import Database
from precog.storage.interactions import StoredInteraction
from precog.storage.lifecycles import EventRow, GuardRow
from tests.parallel import in_processes, in_threads

NOW, LEASE_MS = 1_000_000, 1_000


@pytest.fixture
def waiting(db: Database) -> Database:
    """An organization with an agent and a system."""

    def make(tx: Any) -> None:
        organizations.add(
            tx,
            id="org",
            name="org",
            plan="ENTERPRISE",
            agent_limit=None,
            impact_events_per_month=None,
            requests_per_minute=None,
            burst=None,
            created_at=0,
        )
        agents.add(tx, id="a", organization_id="org", agent_id="bot", created_at=0)
        systems.add(tx, id="sys", organization_id="org", name="s", created_at=0)

    db.write(make)
    return db


def add(db: Database, *ids: str, **fields: Any) -> None:
    common: dict[str, Any] = dict.fromkeys(
        ("platform session_id user_id conversation_id metadata tool_calls extra native occurred_at").split()
    )
    rows = [
        StoredInteraction(
            **{
                **common,
                "id": id,
                "agent_id": "bot",
                "prompt": "p",
                "response": "r",
                "received_at": 1,
                **fields,
            }
        )
        for id in ids
    ]
    db.write(lambda tx: interactions.add(tx, [("org", row) for row in rows]))


def claim(db: Database, *, now: int = NOW, limit: int = 10) -> list[str]:
    keys = db.write(lambda tx: analyses.claim(tx, now=now, lease_ms=LEASE_MS, limit=limit))
    assert {key.organization_id for key in keys} <= {"org"}
    return [key.id for key in keys]


def found(id: str, risk_score: float | None = 0.5, **fields: Any) -> Analyzed:
    return Analyzed(Key("org", id), fields.pop("findings", "{}"), risk_score, fields.pop("guarded_at", None))


def store(db: Database, *done: Analyzed, claimed_until: int = NOW + LEASE_MS) -> set[str]:
    keys = db.write(lambda tx: analyses.store(tx, done, claimed_until=claimed_until, now=NOW + 1))
    return {key.id for key in keys}


def row(db: Database, id: str) -> Any:
    return db.read(lambda tx: tx.one("SELECT * FROM interactions WHERE id = :id", id=id))


def test_the_oldest_are_claimed_first_and_in_order(waiting):
    add(waiting, "3", "1", "2")
    assert claim(waiting, limit=2) == ["1", "2"]
    assert claim(waiting, limit=2) == ["3"]


def test_what_is_claimed_is_nobody_elses_until_the_claim_ends(waiting):
    add(waiting, "1")
    claim(waiting)
    assert claim(waiting, now=NOW + LEASE_MS) == []
    assert claim(waiting, now=NOW + LEASE_MS + 1) == ["1"]


def test_what_is_analyzed_is_not_claimed_again(waiting):
    add(waiting, "1", "2")
    claim(waiting, limit=1)
    assert store(waiting, found("1")) == {"1"}
    assert claim(waiting, now=NOW + 10 * LEASE_MS) == ["2"]


def test_whether_something_waits_is_told(waiting):
    def waits(now: int) -> bool:
        return waiting.read(lambda tx: analyses.is_waiting(tx, now=now))

    assert not waits(NOW)
    add(waiting, "1")
    assert waits(NOW)
    claim(waiting)
    assert not waits(NOW + LEASE_MS)
    assert waits(NOW + LEASE_MS + 1)


def test_a_claim_that_was_taken_over_stores_and_reads_nothing(waiting):
    add(waiting, "1")
    claim(waiting)
    claim(waiting, now=NOW + LEASE_MS + 1)
    assert store(waiting, found("1", findings="late")) == set()
    assert row(waiting, "1")["findings"] is None
    late = waiting.read(lambda tx: analyses.read(tx, Key("org", "1"), claimed_until=NOW + LEASE_MS))
    assert late is None
    assert store(waiting, found("1", findings="own"), claimed_until=NOW + 2 * LEASE_MS + 1) == {"1"}
    assert row(waiting, "1")["findings"] == "own"


def test_a_claim_that_ended_and_that_nobody_took_still_stores(waiting):
    add(waiting, "1")
    claim(waiting)
    assert store(waiting, found("1")) == {"1"}
    assert store(waiting, found("1", findings="twice")) == set()


def test_many_rows_are_stored_each_with_its_own(waiting):
    ids = [f"{number:03}" for number in range(60)]
    add(waiting, *ids)
    claim(waiting, limit=60)
    done = [found(id, int(id) / 100, findings=f"of {id}") for id in ids]
    assert store(waiting, *done) == set(ids)
    assert [(row(waiting, id)["findings"], row(waiting, id)["risk_score"]) for id in ids] == [
        (f"of {id}", int(id) / 100) for id in ids
    ]
    assert row(waiting, "001")["analyzed_at"] == NOW + 1
    assert row(waiting, "001")["claimed_until"] is None


def test_what_is_given_back_is_claimed_at_once(waiting):
    add(waiting, "1", "2")
    claim(waiting)
    waiting.write(lambda tx: analyses.release(tx, [Key("org", "2")], claimed_until=NOW + LEASE_MS))
    assert claim(waiting) == ["2"]


def test_another_claim_is_not_given_back(waiting):
    add(waiting, "1")
    claim(waiting)
    waiting.write(lambda tx: analyses.release(tx, [Key("org", "1")], claimed_until=NOW))
    assert claim(waiting) == []


def test_storing_and_giving_back_nothing_is_nothing(waiting):
    assert store(waiting) == set()
    waiting.write(lambda tx: analyses.release(tx, [], claimed_until=NOW))


def test_a_row_is_read_with_all_there_is_to_look_at(waiting):
    add(waiting, "1", metadata="{}", tool_calls="[]", extra='{"a":1}')
    claim(waiting)
    read = waiting.read(lambda tx: analyses.read(tx, Key("org", "1"), claimed_until=NOW + LEASE_MS))
    assert read == analyses.Waiting(
        "org", "1", "bot", None, None, "p", "r", None, "[]", "{}", '{"a":1}', None, None
    )


# --- rows of systems


def guard_row(**fields: Any) -> GuardRow:
    common: dict[str, Any] = {
        "id": "g",
        "system_id": "sys",
        "event_id": "e",
        "agent_id": None,
        "user_id": None,
        "event_category": None,
        "workflow_run_id": None,
        "prompt": "asked",
        "guard": "{}",
        "action": "allow",
        "risk_score": 0.7,
        "received_at": NOW - 1,
    }
    return GuardRow(**{**common, **fields})


def event_row(**fields: Any) -> EventRow:
    common: dict[str, Any] = {
        **dict.fromkeys("agent_id user_id event_category workflow_run_id metadata extra occurred_at".split()),
        "id": "i",
        "system_id": "sys",
        "event_id": "e",
        "prompt": "asked",
        "response": "answered",
        "received_at": NOW - 1,
    }
    return EventRow(**{**common, **fields})


def add_guard(db: Database, **fields: Any) -> None:
    assert db.write(lambda tx: lifecycles.add_guards(tx, "org", [guard_row(**fields)]))


def add_event(db: Database, **fields: Any) -> None:
    assert db.write(lambda tx: lifecycles.add_events(tx, "org", [event_row(**fields)]))


def test_a_verdict_alone_needs_no_analysis_until_its_event_comes(waiting):
    add_guard(waiting)
    assert claim(waiting) == []
    add_event(waiting)
    assert claim(waiting) == ["g"]


@pytest.mark.parametrize(("risk_score", "kept"), [(0.2, 0.7), (0.9, 0.9), (None, 0.7)])
def test_the_greater_risk_stays(waiting, risk_score, kept):
    add_guard(waiting)
    add_event(waiting)
    claim(waiting)
    assert store(waiting, found("g", risk_score, guarded_at=NOW - 1)) == {"g"}
    assert row(waiting, "g")["risk_score"] == kept


def test_what_was_found_before_a_verdict_joined_is_not_stored(waiting):
    add_event(waiting)
    claim(waiting)
    add_guard(waiting)
    assert store(waiting, found("i")) == set()
    assert row(waiting, "i")["analyzed_at"] is None


# --- many at once

ROWS = 600


def test_threads_never_claim_the_same_row(waiting):
    ids = [f"{number:04}" for number in range(ROWS)]
    add(waiting, *ids)

    def take(number: int) -> list[str]:
        mine: list[str] = []
        while waiting.read(lambda tx: analyses.is_waiting(tx, now=NOW)):
            mine += claim(waiting, limit=7)
        return mine

    taken = [id for mine in in_threads(8, take) for id in mine]
    assert sorted(taken) == ids


CLAIMER = """
from precog.storage import analyses
from precog.storage.engine import open_database

db = open_database(arguments[0])
go()
while db.read(lambda tx: analyses.is_waiting(tx, now=1_000_000)):
    for key in db.write(lambda tx: analyses.claim(tx, now=1_000_000, lease_ms=1_000, limit=7)):
        print(key.id)
db.close()
"""


def test_processes_never_claim_the_same_row(waiting, database_url):
    ids = [f"{number:04}" for number in range(ROWS)]
    add(waiting, *ids)
    printed = in_processes(3, CLAIMER, database_url)
    assert sorted(id for text in printed for id in text.split()) == ids
