"""Keeps the memory of a server's process small, where the C library is glibc; elsewhere it does nothing.

Only for a process of our own: an application that Precog is a part of decides this for itself.
"""

from __future__ import annotations

from typing import Any

# The parameters of mallopt, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Larger pieces, such as the readings of a long text, go back to the system as soon as they are free. Left
# alone, glibc would raise this with each of them that it sees freed, up to 32 MB.
_LARGE_BYTES = 256 * 1024


def be_frugal() -> None:
    """Have every thread share one heap, and free memory given back; to be called before there are threads.

    Each thread has a heap of its own otherwise, which keeps what its largest request once needed. Most of
    what is allocated is so under Python's own lock, so threads seldom wait for each other.
    """
    libc = _libc()
    if hasattr(libc, "mallopt"):
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Return to the system what was freed in the midst of the heap, as the compiling of rules leaves it."""
    libc = _libc()
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _libc() -> Any:
    """What this process calls into; None where Python was built without ctypes or cannot load libraries."""
    try:
        import ctypes

        return ctypes.CDLL(None)
    except (ImportError, OSError):
        return None
