"""Few large texts are looked at at the same time, and small ones do not wait for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from precog.detection.engine import Engine
from precog.detection.rules import RuleSet, shipped
from precog.detection.turns import AT_ONCE, LARGE, Turns


@pytest.fixture
def busy() -> Iterator[Turns]:
    """With as many large texts being looked at as may be."""
    turns = Turns()
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(turns.take(LARGE))
        yield turns


def is_free(turn: Any) -> bool:
    free: bool = turn.acquire(blocking=False)
    return free


def test_a_large_text_waits_for_others(busy: Turns) -> None:
    assert not is_free(busy.take(LARGE))


def test_a_small_text_does_not_wait(busy: Turns) -> None:
    with busy.take(LARGE - 1):
        pass


def test_the_next_may_come_when_one_is_done() -> None:
    turns = Turns()
    for _ in range(3 * AT_ONCE):
        with turns.take(LARGE):
            pass
    assert is_free(turns.take(LARGE))


def test_a_forked_child_does_not_wait_for_what_its_parent_looks_at(busy: Turns) -> None:
    child = os.fork()
    if not child:
        os._exit(0 if is_free(busy.take(LARGE)) else 1)
    assert os.waitpid(child, 0)[1] == 0


class Noted(Turns):
    """Who has had a turn, and whether it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[int] = []
        self.ended: list[int] = []

    @contextmanager
    def take(self, length: int) -> Iterator[None]:
        self.taken.append(length)
        yield
        self.ended.append(length)


def test_the_engine_looks_at_texts_and_arguments_of_tools_in_turns() -> None:
    engine = Engine(RuleSet(shipped()[:1]))
    engine._turns = noted = Noted()
    engine.scan("a word")
    engine.scan_tool_call("search", '{"for": "words"}')
    assert noted.taken == noted.ended == [6, 16]
