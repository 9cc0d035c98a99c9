"""Asking a database that may be away: not for long, and not in vain."""

from __future__ import annotations

import threading

import pytest

from precog.core import reach as reaching
from precog.core.reach import AWAY_MS, Reach
from precog.errors import NotFound, StorageSlow, StorageUnavailable


@pytest.fixture
def reach(clock):
    return Reach(clock)


def raises(error):
    def fn(*args):
        raise error

    return fn


def test_an_answer_is_given(reach):
    assert reach.ask(lambda a, b: a + b, 1, b=2) == 3
    assert not reach.is_away


def test_what_is_raised_is_raised_and_says_nothing_about_the_database(reach):
    with pytest.raises(NotFound):
        reach.ask(raises(NotFound("thing")))
    assert not reach.is_away


def test_a_database_that_is_away_counts_as_away_for_a_moment(reach, clock):
    with pytest.raises(StorageUnavailable):
        reach.ask(raises(StorageUnavailable()))
    assert reach.is_away
    clock.advance(AWAY_MS - 1)
    assert reach.is_away
    clock.advance(1)
    assert not reach.is_away


def test_a_clock_that_is_set_back_does_not_keep_it_away(reach, clock):
    with pytest.raises(StorageUnavailable):
        reach.ask(raises(StorageUnavailable()))
    clock.advance(-10 * AWAY_MS)
    assert not reach.is_away


def test_an_answer_is_not_waited_for_longer_than_patience_lasts(reach, monkeypatch):
    monkeypatch.setattr(reaching, "PATIENCE_S", 0.02)
    go_on, done = threading.Event(), threading.Event()

    def slow():
        go_on.wait(10)
        done.set()

    with pytest.raises(StorageSlow):
        reach.ask(slow)
    assert reach.is_away
    go_on.set()
    assert done.wait(10)


def test_without_a_thread_to_be_had_it_is_asked_all_the_same(reach, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", raises(RuntimeError("can't start new thread")))
    assert reach.ask(lambda: "answer") == "answer"
