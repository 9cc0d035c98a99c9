"""Callers wake each other in turn, and nobody waits behind one who has gone."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from precog.errors import StorageSlow
from precog.storage.jobs import Job, PatientJob, PostedJob, wake_in_turn


class Interrupting:
    """In the place of a job's lock: its caller's wait is broken off, as by Ctrl-C."""

    def acquire(self, timeout: float = -1) -> bool:
        raise KeyboardInterrupt

    def release(self) -> None:
        pass


def job(name: str) -> Job:
    made = Job(lambda tx: name, (), {})
    made.run(None)
    return made


def patient(name: str) -> PatientJob:
    made = PatientJob(lambda tx, items: items, name, whose="one")
    made.run(None)
    return made


def waited(*jobs: Job) -> list[Any]:
    """What the callers are told, who wait one after the other in a thread that is given up if they hang."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(one.wait() for one in jobs), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return found


def test_each_caller_wakes_the_next():
    jobs = [job("a"), patient("b"), job("c")]
    wake_in_turn(jobs)
    with pytest.raises(StorageSlow):
        jobs[1].wait_for(0, lambda error: None)  # type: ignore[attr-defined]  # nobody has woken it yet
    assert waited(jobs[0], jobs[2]) == ["a", "c"]


@pytest.mark.parametrize("gone", [1, 5])
def test_nobody_waits_behind_callers_who_have_lost_patience(gone):
    ends: list[Exception | None] = []
    left = [patient(str(number)) for number in range(gone)]
    for one in left:
        with pytest.raises(StorageSlow):
            one.wait_for(0, ends.append)
    last = job("last")
    wake_in_turn([*left, last])
    assert waited(last) == ["last"]
    assert ends == [None] * gone


@pytest.mark.parametrize("before", [False, True])
def test_nobody_waits_behind_a_caller_who_was_interrupted(before):
    ends: list[Exception | None] = []
    first, second, last = job("first"), patient("second"), job("last")
    first._done = second._done = Interrupting()  # type: ignore[assignment]
    if before:
        wake_in_turn([first, second, last])
    with pytest.raises(KeyboardInterrupt):
        first.wait()
    with pytest.raises(KeyboardInterrupt):
        second.wait_for(10, ends.append)
    if not before:
        wake_in_turn([first, second, last])
    assert waited(last) == ["last"]
    assert ends == []


def test_nobody_waits_behind_a_job_that_nobody_waits_for(caplog):
    posted, last = PostedJob(lambda tx: None, (), {}), job("last")
    posted.error = ValueError("a secret")
    wake_in_turn([posted, last])
    assert waited(last) == ["last"]
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text
