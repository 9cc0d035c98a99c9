"""Callers wake each other in turn, and nobody waits behind one who has gone."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
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


class Watched:
    """In the place of a job's lock: tells when its caller waits, and notes whose thread lets it go on."""

    def __init__(self) -> None:
        self.is_waited_for, self.released_by = threading.Event(), ""
        self._may_go = threading.Event()

    def acquire(self, timeout: float = -1) -> bool:
        self.is_waited_for.set()
        return self._may_go.wait(10)

    def release(self) -> None:
        self.released_by = threading.current_thread().name
        self._may_go.set()


def test_each_caller_wakes_the_next():
    jobs, locks = [job("a"), patient("b"), job("c")], [Watched() for _ in range(3)]
    threads = [threading.Thread(target=one.wait, name=one.result) for one in jobs]
    for one, lock, thread in zip(jobs, locks, threads, strict=True):
        one._done = lock  # type: ignore[assignment]
        thread.start()
        assert lock.is_waited_for.wait(10)
    wake_in_turn(jobs)
    for thread in threads:
        thread.join(10)
    assert [lock.released_by for lock in locks] == [threading.current_thread().name, "a", "b"]


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


def interrupted(first: Job, second: PatientJob) -> None:
    """Two callers begin to wait, and are broken off."""
    first._done = second._done = Interrupting()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        first.wait()
    with pytest.raises(KeyboardInterrupt):
        second.wait_for(10, lambda error: pytest.fail("nobody is there to be told"))


def in_thread(fn: Any, *args: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fn, *args).result(10)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("run", [in_thread, lambda fn, *args: fn(*args)])
def test_nobody_waits_behind_a_caller_who_was_interrupted(before, run):
    first, second, last = job("first"), patient("second"), job("last")
    if before:
        wake_in_turn([first, second, last])
    run(interrupted, first, second)
    if not before:
        wake_in_turn([first, second, last])
    assert waited(last) == ["last"]


def test_nobody_waits_behind_a_caller_who_was_interrupted_before_it_could_wait():
    jobs = [job("gone"), patient("gone as well"), job("last")]
    wake_in_turn(jobs)
    assert waited(jobs[2]) == ["last"]


class Ending:
    """In the place of a job's lock: the end comes while its caller waits."""

    def __init__(self, *jobs: Job) -> None:
        self.jobs = jobs
        self.told: list[Any] = []

    def acquire(self, timeout: float = -1) -> bool:
        wake_in_turn(self.jobs)
        self.told = waited(*self.jobs[1:])
        return True

    def release(self) -> None:
        pass


def test_nobody_waits_for_the_main_thread_which_a_signal_may_interrupt_anywhere():
    first, last = job("first"), job("last")
    ending = Ending(first, last)
    first._done = ending  # type: ignore[assignment]
    first.wait()
    assert ending.told == ["last"]


def test_nobody_waits_behind_a_host_whose_logging_raises(monkeypatch):
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(logging.getLogger("precog.storage.jobs"), "handle", fail)
    posted, late, last = PostedJob(lambda tx: None, (), {}), patient("late"), job("last")
    posted.error = ValueError()
    with pytest.raises(StorageSlow):
        late.wait_for(0, fail)
    wake_in_turn([posted, late, last])
    assert waited(last) == ["last"]


def test_nobody_waits_behind_a_job_that_nobody_waits_for(caplog):
    posted, last = PostedJob(lambda tx: None, (), {}), job("last")
    posted.error = ValueError("a secret")
    wake_in_turn([posted, last])
    assert waited(last) == ["last"]
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text
