"""A server's process gives back the memory that it needs no more."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import textwrap

import pytest

from precog import memory
from tests.live import clean_environment

# Pieces of which every tenth is kept, so that what is between cannot be given back as the end of the heap.
MEASURE = """
import sys
from precog import memory

def resident_kb():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

def left_of(piece_bytes, *, count, then=lambda: None):
    before = resident_kb()
    pieces = [b"x" * piece_bytes for _ in range(count)]
    kept = pieces[::10]
    del pieces
    then()
    return (resident_kb() - before) / (count * piece_bytes / 1024)

frugal = sys.argv[1] == "frugal"
if frugal:
    memory.be_frugal()
bytes(1_000_000)  # glibc takes what is freed as a sign that pieces as large belong into the heap
print(left_of(400_000, count=50))
print(left_of(20_000, count=1_000, then=memory.give_back if frugal else lambda: None))
"""


def shares_left(how: str) -> list[float]:
    """Of large pieces and of small ones, what share of their memory stays with the process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), how],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_memory_that_was_freed_in_the_midst_of_the_heap_is_given_back() -> None:
    assert all(share > 0.5 for share in shares_left("as it comes"))
    assert all(share < 0.4 for share in shares_left("frugal"))


def test_a_python_without_ctypes_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    memory.be_frugal()
    memory.give_back()


def test_a_python_that_loads_no_libraries_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str | None) -> None:
        raise OSError("Dynamic loading not supported")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    memory.be_frugal()
    memory.give_back()
