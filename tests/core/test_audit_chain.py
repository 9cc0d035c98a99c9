"""Whatever is done to a chain behind the server's back is found."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog.core import audit, audit_chain
from precog.core.audit_chain import Checkpoint
from precog.errors import AuditLogBroken
from tests.auditing import (
    change,
    entries,
    forged,
    only_with,
    organization,
    put,
    remove,
    set_column,
    set_head,
    write,
)
from tests.conftest import NOW

DRAWN = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def organization_id(db):
    return organization(db)


@pytest.fixture
def services(db):
    return only_with(db)


def checkpoint(db, organization_id):
    last = entries(db, organization_id)[-1]
    return Checkpoint(organization_id, last.sequence_number, last.entry_hash, NOW)


def faults(services, organization_id, **kwargs):
    return list(audit_chain.verify(services, organization_id, **kwargs).errors)


# --- whole chains


def test_a_chain_that_nobody_touched_is_valid(db, services, organization_id, monkeypatch):
    monkeypatch.setattr(audit_chain, "ENTRIES_A_LOOK", 3)
    write(db, organization_id, 10)
    found = audit_chain.verify(services, organization_id)
    assert found.is_valid
    assert (found.entries_verified, found.first_entry_sequence, found.last_entry_sequence) == (10, 1, 10)


def test_a_chain_without_entries_is_valid(services, organization_id):
    found = audit_chain.verify(services, organization_id)
    assert found.is_valid
    assert (found.entries_verified, found.first_entry_sequence, found.last_entry_sequence) == (0, 0, 0)


def test_a_look_goes_on_where_the_one_before_has_ended(db, services, organization_id):
    write(db, organization_id, 10)
    first = audit_chain.verify(services, organization_id, most=4)
    assert (first.is_valid, first.first_entry_sequence, first.last_entry_sequence) == (True, 1, 4)
    second = audit_chain.verify(services, organization_id, start=first.last_entry_sequence + 1)
    assert (second.is_valid, second.first_entry_sequence, second.last_entry_sequence) == (True, 5, 10)
    third = audit_chain.verify(services, organization_id, start=second.last_entry_sequence + 1)
    assert (third.is_valid, third.entries_verified, third.last_entry_sequence) == (True, 0, 10)


def test_a_look_that_goes_on_sees_where_it_goes_on_from(db, services, organization_id):
    write(db, organization_id, 10)
    set_column(db, organization_id, 4, "entry_hash", "0" * 63 + "1")
    assert faults(services, organization_id, start=5) == [
        "Entry 5 names another entry before it than entry 4"
    ]
    remove(db, organization_id, 4, 4)
    assert faults(services, organization_id, start=5) == ["Entry 4 is missing"]


def test_of_what_is_far_behind_the_end_it_is_said_that_it_is_missing(db, services, organization_id):
    write(db, organization_id, 2)
    assert faults(services, organization_id, start=100) == ["Entry 99 is missing"]


def test_a_checkpoint_of_a_longer_past_is_no_fault(db, services, organization_id):
    write(db, organization_id, 5)
    past = checkpoint(db, organization_id)
    write(db, organization_id, 5)
    assert faults(services, organization_id, checkpoint=past) == []
    assert faults(services, organization_id, checkpoint=past, start=7) == []
    assert faults(services, organization_id, checkpoint=replace(past, sequence_number=0)) == []


# --- what is found, in which words


def test_an_altered_entry_is_named(db, services, organization_id):
    write(db, organization_id, 5)
    set_column(db, organization_id, 3, "metadata", '{"n":3}')
    assert faults(services, organization_id) == ["Entry 3 is not what its hash was made of"]


def test_an_altered_entry_with_a_new_hash_is_found_by_the_next(db, services, organization_id):
    write(db, organization_id, 5)
    altered = replace(entries(db, organization_id)[2], event_type="agent.revoked")
    set_column(db, organization_id, 3, "event_type", altered.event_type)
    set_column(db, organization_id, 3, "entry_hash", audit.hash_of(altered))
    assert faults(services, organization_id) == ["Entry 4 names another entry before it than entry 3"]


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (1, 1, "Entry 1 is missing"),
        (2, 3, "Entries 2 to 3 are missing"),
        (4, 5, "Entries 4 to 5 are missing"),
        (1, 5, "Entries 1 to 5 are missing"),
    ],
)
def test_removed_entries_are_named(db, services, organization_id, first, last, sentence):
    write(db, organization_id, 5)
    remove(db, organization_id, first, last)
    assert faults(services, organization_id) == [sentence]


@pytest.mark.parametrize("number", [0, -5])
def test_an_entry_before_the_first_is_found(db, services, organization_id, number):
    write(db, organization_id, 2)
    put(db, forged(organization_id, number, "1" * 64))
    assert f"Entry {number} stands before the first" in faults(services, organization_id)


@pytest.mark.parametrize("number", [3, 9])
def test_an_entry_behind_the_end_is_found(db, services, organization_id, number):
    write(db, organization_id, 2)
    put(db, forged(organization_id, number, entries(db, organization_id)[-1].entry_hash))
    assert faults(services, organization_id) == ["What is behind entry 2 was not written by a change"]


def test_a_chain_without_its_noted_end_is_looked_at_all_the_same(db, services, organization_id):
    write(db, organization_id, 3)
    change(db, "DELETE FROM audit_heads WHERE organization_id = :id", id=organization_id)
    set_column(db, organization_id, 2, "agent", "another")
    assert faults(services, organization_id) == [
        "Entry 2 is not what its hash was made of",
        "What is behind entry 0 was not written by a change",
    ]


def test_a_newest_entry_that_was_made_anew_is_found(db, services, organization_id):
    write(db, organization_id, 3)
    last = entries(db, organization_id)[-1]
    remove(db, organization_id, 3, 3)
    put(db, forged(organization_id, 3, last.previous_hash))
    assert faults(services, organization_id) == ["Entry 3 is not the one that was written last"]


def test_a_tail_that_was_cut_off_with_its_noted_end_is_found_by_a_checkpoint(db, services, organization_id):
    write(db, organization_id, 5)
    past = checkpoint(db, organization_id)
    remove(db, organization_id, 4, 5)
    set_head(db, organization_id, 3, entries(db, organization_id)[-1].entry_hash)
    assert faults(services, organization_id) == []
    assert faults(services, organization_id, checkpoint=past) == [
        "Entry 5 is missing, which the checkpoint of 2026-01-15T10:30:00.000Z has seen"
    ]
    write(db, organization_id, 5)
    assert faults(services, organization_id, checkpoint=past) == [
        "Entry 5 is another one than the checkpoint of 2026-01-15T10:30:00.000Z has seen"
    ]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("created_at", "yesterday"),
        ("created_at", 2**62),
        ("created_at", 1.5),
        ("created_at", NOW + 1.25),
        ("metadata", b"\xff"),
        ("metadata", 7),
        ("event_type", b"\xff"),
        ("id", 2**60),
    ],
)
def test_what_never_was_an_entry_is_found(db, services, organization_id, column, value):
    write(db, organization_id, 3)
    set_column(db, organization_id, 2, column, value)
    assert faults(services, organization_id) == ["Entry 2 is not what its hash was made of"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "column",
    ["id", "event_type", "agent", "session_id", "transaction_id", "metadata", "previous_hash", "entry_hash"],
)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_entry_with_what_is_no_text_is_named(db, services, organization_id, column, number):
    write(db, organization_id, 3)
    past = checkpoint(db, organization_id)
    change(
        db,
        f"UPDATE audit_entries SET {column} = CAST(x'61ff' AS TEXT) WHERE sequence_number = :number",
        number=number,
    )
    named = f"Entry {number} is not what its hash was made of"
    assert faults(services, organization_id)[0] == named
    assert faults(services, organization_id, start=2)[:1] == ([named] if number > 1 else [])
    assert len(faults(services, organization_id, checkpoint=past)) <= 3


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_noted_end_that_is_no_text_is_found_and_nothing_is_written_behind_it(
    db, services, organization_id, caplog
):
    write(db, organization_id, 3)
    change(db, "UPDATE audit_heads SET entry_hash = CAST(x'ff' AS TEXT)")
    assert faults(services, organization_id) == ["Entry 3 is not the one that was written last"]
    with pytest.raises(AuditLogBroken):
        write(db, organization_id)
    assert "\\xff" not in caplog.text


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM audit_heads",
        "UPDATE audit_heads SET sequence_number = 2",
        "UPDATE audit_heads SET sequence_number = 0, entry_hash = '0000'",
    ],
)
def test_behind_a_noted_end_that_is_gone_or_set_back_nothing_is_written(
    db, services, organization_id, sql, caplog
):
    write(db, organization_id, 3)
    change(db, sql)
    before = entries(db, organization_id)
    with pytest.raises(AuditLogBroken):
        write(db, organization_id)
    assert f"precog audit verify --org {organization_id}" in caplog.text
    assert entries(db, organization_id) == before
    assert faults(services, organization_id) != []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_number_that_is_none_is_found(db, services, organization_id):
    write(db, organization_id, 3)
    set_column(db, organization_id, 3, "sequence_number", "third")
    assert faults(services, organization_id) == [
        "Entry 3 is missing",
        "What is behind entry 3 was not written by a change",
    ]


def test_of_very_many_faults_the_first_are_named_and_the_others_counted(db, services, organization_id):
    write(db, organization_id, audit_chain.FAULTS_SHOWN + 10)
    change(db, "UPDATE audit_entries SET agent = 'x' WHERE organization_id = :id", id=organization_id)
    found = faults(services, organization_id)
    assert len(found) == audit_chain.FAULTS_SHOWN + 1
    assert found[-1] == "And 10 more"


# --- whatever is done

COLUMNS = ("id", "previous_hash", "entry_hash", "event_type", "agent", "session_id", "transaction_id")


def tamper(db, organization_id, data):
    """Do one thing to a chain, whatever it is.

    What is drawn never depends on what was read: a slow database must not look like a fickle strategy.
    """
    chain = entries(db, organization_id)
    numbers = st.integers(0, 59).map(lambda n: n % len(chain) + 1)
    how = data.draw(st.sampled_from(["alter", "alter time", "alter metadata", "drop", "insert", "swap"]))
    if how == "alter":
        value = data.draw(st.text("0123456789abcdef", min_size=1, max_size=8)) + "~"
        set_column(db, organization_id, data.draw(numbers), data.draw(st.sampled_from(COLUMNS)), value)
    elif how == "alter time":
        number = data.draw(numbers)
        moved = chain[number - 1].created_at + data.draw(st.integers(1, 10**9))
        set_column(db, organization_id, number, "created_at", moved)
    elif how == "alter metadata":
        number = data.draw(numbers)
        same = chain[number - 1].metadata
        other = data.draw(st.sampled_from([same + " ", "{}", '{"n":"0"}', "[]", "", same.upper()]))
        set_column(db, organization_id, number, "metadata", other if other != same else "null")
    elif how == "drop":
        first = data.draw(numbers)
        remove(db, organization_id, first, max(first, data.draw(numbers)))
    elif how == "insert":
        insert(db, organization_id, chain, data.draw(st.integers(0, 59)) % (len(chain) + 1))
    else:
        swap(db, organization_id, data.draw(numbers), data.draw(numbers.map(lambda n: n % len(chain) + 1)))


def insert(db, organization_id, chain, behind):
    """Put an entry that follows its predecessor between two others, and number the rest anew."""
    for entry in reversed(chain[behind:]):
        set_column(db, organization_id, entry.sequence_number, "sequence_number", entry.sequence_number + 1)
    previous = chain[behind - 1].entry_hash if behind else audit.audit.GENESIS
    if behind < len(chain):
        set_column(db, organization_id, behind + 2, "previous_hash", "moved")
    put(db, forged(organization_id, behind + 1, previous))


def swap(db, organization_id, one, other):
    """Have two entries change places; one with itself is replaced by an entry of its own."""
    if one == other:
        return set_column(db, organization_id, one, "event_type", "another")
    for number, to in ((one, -1), (other, one), (-1, other)):
        set_column(db, organization_id, number, "sequence_number", to)
    return None


@given(count=st.integers(1, 6), data=st.data())
@DRAWN
def test_whatever_is_done_behind_the_servers_back_is_found(db, services, count, data):
    organization_id = organization(db)
    write(db, organization_id, count, event_type=data.draw(st.sampled_from(["a.b", "é", ""])))
    assert faults(services, organization_id) == []
    tamper(db, organization_id, data)
    assert faults(services, organization_id) != []


@given(count=st.integers(1, 6), later=st.integers(0, 3), data=st.data())
@DRAWN
def test_a_past_that_was_written_anew_is_found_by_a_checkpoint(db, services, count, later, data):
    """With right hashes all along, and a noted end that fits: only who has a checkpoint can know."""
    organization_id = organization(db)
    write(db, organization_id, count)
    past = checkpoint(db, organization_id)
    kept = data.draw(st.integers(0, count - 1))
    remove(db, organization_id, kept + 1, count)
    last = entries(db, organization_id)[-1].entry_hash if kept else audit.audit.GENESIS
    set_head(db, organization_id, kept, last)
    write(db, organization_id, later, event_type="agent.suspended")
    assert faults(services, organization_id) == []
    assert len(faults(services, organization_id, checkpoint=past)) == 1


# --- memory


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_memory_does_not_grow_with_the_chain(db, services, organization_id, monkeypatch):
    monkeypatch.setattr(audit_chain, "ENTRIES_A_LOOK", 50)

    def peak():
        tracemalloc.start()
        assert audit_chain.verify(services, organization_id).is_valid
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def grow(tx, count):
        for _ in range(count):
            audit.append(tx, organization_id, event_type="agent.created", now=NOW)

    db.write(grow, 200)
    peak()  # what is made once
    short = peak()
    db.write(grow, 4_000)
    assert peak() < short + 50_000
