"""Ids: those of interactions sort by time, the others are random."""

from __future__ import annotations

import os
import random
import re
import threading
import uuid

COUNTS = 16**5
_INTERACTION_ID = re.compile(r"int-[0-9a-f]{29}")


class InteractionIds:
    """Makes `int-` + 12 hex digits of time (ms) + 5 of a counter + 12 random ones.

    Within one process and time the counter keeps the order in which ids were made.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._count = 0

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._lock = threading.Lock()

    def make(self, now: int) -> str:
        """A new id for this time."""
        with self._lock:
            # Not anew with every millisecond: other threads come with later times while one makes
            # the ids of a batch.
            begins_anew = now > self._last and self._count > COUNTS // 2
            self._count = 0 if begins_anew else self._count + 1
            self._last = now
            count = self._count
        # Not a secret, so it need not cost a system call; `random` seeds itself anew after a fork.
        return f"int-{now:012x}{count % COUNTS:05x}{random.getrandbits(48):012x}"


def is_interaction_id(text: str) -> bool:
    """Whether the text has the form of an interaction's id."""
    return _INTERACTION_ID.fullmatch(text) is not None


def first_interaction_id(ms: int) -> str:
    """No interaction received at this time or later has a smaller id, and none before a larger one."""
    return first_timed_id("int-", ms)


def random_id(prefix: str) -> str:
    """64 random bits in hex behind a prefix: short, since every row of an organization repeats its id."""
    return prefix + os.urandom(8).hex()


def timed_id(prefix: str, now: int) -> str:
    """A prefix, 12 hex digits of time (ms) and 64 random bits in hex: such ids sort by time."""
    return first_timed_id(prefix, now) + os.urandom(8).hex()


def first_timed_id(prefix: str, ms: int) -> str:
    """No such id of this time or later is smaller, and none from before is larger."""
    return f"{prefix}{min(max(ms, 0), 0xFFFFFFFFFFFF):012x}"


def random_uuid() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


def timed_uuid(now: int) -> str:
    """A UUID of version 7, which begins with the time (ms): an index of such ids grows at its end alone."""
    ms, more = now & 0xFFFFFFFFFFFF, random.getrandbits(72)  # no secret either, as above
    return (
        f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{more >> 60:03x}-"
        f"a{more >> 48 & 0xFFF:03x}-{more & 0xFFFFFFFFFFFF:012x}"
    )


def received_at(interaction_id: str | None) -> int | None:
    """When an interaction was received, in unix milliseconds, as its id tells."""
    return None if interaction_id is None else int(interaction_id[4:16], 16)
