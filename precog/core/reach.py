"""Asks the database on behalf of those who can go on with what they knew: not for long, nor in vain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from ..errors import StorageSlow, StorageUnavailable
from .times import Clock

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_S = 0.5
AWAY_MS = 2_000  # how long a database that was away is not asked again


class Reach:
    """Whether the database could be asked a moment ago, for all in this process who need not insist."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._away_until = 0

    @property
    def is_away(self) -> bool:
        """Whether the database gave no answer within the last AWAY_MS."""
        now = self._clock()
        return now < self._away_until <= now + AWAY_MS

    def ask(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function reads. Raises StorageUnavailable, after PATIENCE_S at most.

        The function then goes on, in a thread of its own, with nobody to hear its answer.
        """
        answer: Future[T] = Future()

        def find() -> None:
            try:
                answer.set_result(fn(*args, **kwargs))
            except BaseException as error:  # whatever it is, it is for the one who asked
                answer.set_exception(error)

        try:
            threading.Thread(target=find, name="precog-reach", daemon=True).start()
        except RuntimeError:  # no thread can be had at the moment
            return fn(*args, **kwargs)
        try:
            return answer.result(PATIENCE_S)
        except TimeoutError:
            self._away_until = self._clock() + AWAY_MS
            raise StorageSlow() from None
        except StorageUnavailable:
            self._away_until = self._clock() + AWAY_MS
            raise
