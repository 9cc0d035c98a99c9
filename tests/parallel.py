"""Many callers at once: in threads, and in processes of their own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.live import clean_environment

T = TypeVar("T")

# What stands before each script: go() says that the process is ready and waits to be let go.
_BEGINNING = """
import sys
arguments = sys.argv[1:]

def go():
    print("ready", flush=True)
    sys.stdin.readline()

"""


def in_threads(count: int, fn: Callable[[int], T]) -> list[T | Exception]:
    """What each of `count` calls gave or raised, after all were let go together."""
    gate = threading.Barrier(count)

    def one(number: int) -> T | Exception:
        gate.wait()
        try:
            return fn(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@contextlib.contextmanager
def process(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs a script; it has come to its go() when this yields."""
    started = subprocess.Popen(
        [sys.executable, "-c", _BEGINNING + textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    with started:
        try:
            assert started.stdout is not None
            if started.stdout.readline() != "ready\n":
                raise AssertionError(started.communicate(timeout=60)[1])
            yield started
        finally:
            started.kill()


def let_go(waiting: subprocess.Popen[str]) -> str:
    """Let a process go on to its end; what it printed."""
    printed, complaint = waiting.communicate("\n", timeout=60)
    assert waiting.returncode == 0, complaint
    return printed


def in_processes(count: int, script: str, *arguments: str) -> list[str]:
    """What each of `count` processes printed behind its go(), after all were let go together."""
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(process(script, *arguments)) for _ in range(count)]
        for one in waiting:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        return [let_go(one) for one in waiting]
