"""Entries of the audit log: written with the change, in one chain, and what their hashes are made of."""

from __future__ import annotations

import hashlib
import math

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from precog.core import audit, times
from precog.storage.audit import GENESIS, Entry
from tests.auditing import entries, organization, write
from tests.conftest import NOW
from tests.parallel import in_processes, in_threads

EACH = 8
APPEND_IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
from precog.core import audit
from precog.storage.engine import open_database

url, organization_id, each = arguments
db = open_database(url)

def append(number):
    for _ in range(int(each)):
        db.write(audit.append, organization_id, event_type="agent.created", now=1, metadata={"n": number})

go()
with ThreadPoolExecutor(16) as pool:
    list(pool.map(append, range(16)))
db.close()
"""


@pytest.fixture
def organization_id(db):
    return organization(db)


def is_unbroken(chain):
    hashes = [GENESIS, *(entry.entry_hash for entry in chain)]
    return (
        [entry.sequence_number for entry in chain] == list(range(1, len(chain) + 1))
        and [entry.previous_hash for entry in chain] == hashes[:-1]
        and all(audit.hash_of(entry) == entry.entry_hash for entry in chain)
    )


def test_an_entry_keeps_what_it_was_told(db, organization_id):
    write(
        db, organization_id, agent_id="a", session_id="s", transaction_id="t", metadata={"b": 1.0, "a": "é"}
    )
    (entry,) = entries(db, organization_id)
    assert (entry.sequence_number, entry.previous_hash, entry.event_type) == (1, GENESIS, "agent.created")
    assert (entry.agent_id, entry.session_id, entry.transaction_id) == ("a", "s", "t")
    assert (entry.metadata, entry.created_at) == ('{"a":"é","b":1}', NOW)


def test_each_entry_names_the_one_before_it(db, organization_id):
    write(db, organization_id, 5)
    chain = entries(db, organization_id)
    assert len(chain) == 5
    assert is_unbroken(chain)


def test_one_transaction_may_add_several_entries(db, organization_id):
    def twice(tx):
        for event in ("session.ended", "agent.revoked"):
            audit.append(tx, organization_id, event_type=event, now=NOW)

    db.write(twice)
    chain = entries(db, organization_id)
    assert [entry.event_type for entry in chain] == ["session.ended", "agent.revoked"]
    assert is_unbroken(chain)


def test_each_organization_has_a_chain_of_its_own(db, organization_id):
    other = organization(db)
    write(db, organization_id, 2)
    write(db, other, 1)
    assert [entry.sequence_number for entry in entries(db, organization_id)] == [1, 2]
    assert [entry.previous_hash for entry in entries(db, other)] == [GENESIS]


def test_a_change_that_is_undone_leaves_no_entry_and_no_gap(db, organization_id):
    def fail(tx):
        audit.append(tx, organization_id, event_type="agent.created", now=NOW)
        raise LookupError

    write(db, organization_id)
    with pytest.raises(LookupError):
        db.write(fail)
    write(db, organization_id)
    chain = entries(db, organization_id)
    assert len(chain) == 2
    assert is_unbroken(chain)


def test_sixteen_threads_leave_one_chain(db, organization_id):
    results = in_threads(16, lambda _: write(db, organization_id, EACH))
    assert results == [None] * 16
    chain = entries(db, organization_id)
    assert len(chain) == 16 * EACH
    assert is_unbroken(chain)


def test_two_processes_of_sixteen_threads_leave_one_chain(db, database_url, organization_id):
    in_processes(2, APPEND_IN_THREADS, database_url, organization_id, str(EACH))
    chain = entries(db, organization_id)
    assert len(chain) == 2 * 16 * EACH
    assert is_unbroken(chain)


# --- what a hash is made of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
METADATA = st.dictionaries(TEXT, JSON, max_size=4)
ENTRIES = st.builds(
    Entry,
    organization_id=TEXT,
    sequence_number=st.integers(1, 2**53 - 1),
    id=TEXT,
    previous_hash=TEXT,
    entry_hash=TEXT,
    event_type=TEXT,
    agent_id=st.none() | TEXT,
    session_id=st.none() | TEXT,
    transaction_id=st.none() | TEXT,
    metadata=METADATA.map(audit.canonical_metadata),
    created_at=st.integers(0, 2**41),
)


@given(ENTRIES)
def test_a_hash_is_of_the_canonical_json_of_all_but_itself(entry):
    whole = {
        "id": entry.id,
        "sequence_number": entry.sequence_number,
        "previous_hash": entry.previous_hash,
        "event_type": entry.event_type,
        "organization_id": entry.organization_id,
        "agent_id": entry.agent_id,
        "session_id": entry.session_id,
        "transaction_id": entry.transaction_id,
        "metadata": orjson.loads(entry.metadata),
        "created_at": times.to_rfc3339(entry.created_at),
    }
    # Whole doubles come back as integers, some larger than the library takes.
    assert orjson.loads(audit.canonical(entry)) == whole
    assert audit.hash_of(entry) == hashlib.sha256(audit.canonical(entry)).hexdigest()
    if all(exact(value) for value in whole["metadata"].values()):
        assert audit.canonical(entry) == rfc8785.dumps(whole)


def exact(value):
    if isinstance(value, dict):
        return all(exact(inner) for inner in value.values())
    if isinstance(value, list):
        return all(exact(inner) for inner in value)
    return not isinstance(value, int) or abs(value) < 2**53


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (0.1 + 0.2, "0.30000000000000004"),
        (True, "true"),
        (None, "null"),
        ((1, 2), "[1,2]"),
        (2**53 - 1, "9007199254740991"),
        (2**53, '"9007199254740992"'),
        (-(2**70), '"-1180591620717411303424"'),
        ("\x00\x1f\x7f\u2028/", '"\\u0000\\u001f\x7f\u2028/"'),
        ({"\U0001f600": 1, "\ufb33": 2, "a": 3}, '{"a":3,"\U0001f600":1,"\ufb33":2}'),
    ],
)
def test_odd_metadata_has_one_text(value, text):
    assert audit.canonical_metadata({"x": value}) == f'{{"x":{text}}}'


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", {1: 2}, {"a": object()}, b"bytes"])
def test_what_json_cannot_hold_is_refused_before_anything_is_written(db, organization_id, value):
    with pytest.raises(ValueError):
        write(db, organization_id, metadata={"x": value})
    assert entries(db, organization_id) == []


@given(METADATA)
def test_metadata_is_the_same_text_when_it_is_read_and_written_again(metadata):
    text = audit.canonical_metadata(metadata)
    if exact(orjson.loads(text)):
        assert audit.canonical_metadata(orjson.loads(text)) == text
