"""Ids of interactions sort by time and by the order in which they were made."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from precog.core import ids
from precog.core.ids import InteractionIds, first_interaction_id, is_interaction_id, timed_uuid
from tests.parallel import in_threads

TIMES = st.integers(0, 2**48 - 1)


@given(st.lists(TIMES, max_size=50))
def test_ids_sort_by_time(times: list[int]) -> None:
    maker = InteractionIds()
    made = [maker.make(now) for now in times]
    assert [ids.received_at(one) for one in sorted(made)] == sorted(times)


@given(st.lists(st.integers(0, 3)), st.integers(0, ids.COUNTS // 3))
def test_ids_of_one_time_sort_in_the_order_they_were_made(times: list[int], made_before: int) -> None:
    """Also while other threads come with later times."""
    maker = InteractionIds()
    maker._count = made_before
    made = [(now, maker.make(now)) for now in times]
    for moment in range(4):
        of_moment = [one for now, one in made if now == moment]
        assert of_moment == sorted(of_moment)


def test_the_numbers_do_not_run_out() -> None:
    maker = InteractionIds()
    maker._count = ids.COUNTS - 2
    made = [maker.make(0) for _ in range(4)]
    assert all(is_interaction_id(one) for one in made)
    assert int(maker.make(1)[16:21], 16) == 0


def test_no_two_ids_are_equal() -> None:
    makers = [InteractionIds() for _ in range(4)]  # as in four processes
    made = in_threads(4, lambda number: [makers[number].make(0) for _ in range(2_000)])
    assert len({one for of_thread in made for one in of_thread}) == 8_000  # type: ignore[union-attr]


@given(TIMES, TIMES)
def test_the_first_id_of_a_time_parts_what_came_before_from_the_rest(received: int, bound: int) -> None:
    made = InteractionIds().make(received)
    assert (made >= first_interaction_id(bound)) == (received >= bound)


@given(st.integers())
def test_every_time_has_a_first_id(bound: int) -> None:
    assert first_interaction_id(0) <= first_interaction_id(bound) <= first_interaction_id(2**48 - 1)


@given(TIMES)
def test_an_id_tells_when_it_was_received(received: int) -> None:
    made = InteractionIds().make(received)
    assert is_interaction_id(made)
    assert ids.received_at(made) == received


@given(st.text())
def test_no_other_text_is_an_id(text: str) -> None:
    assert not is_interaction_id(text)


def test_without_an_id_there_is_no_time() -> None:
    assert ids.received_at(None) is None


@given(st.integers(0, 2**48 - 2))
def test_a_timed_uuid_sorts_by_time(now: int) -> None:
    made = timed_uuid(now)
    assert made < timed_uuid(now + 1)
    assert (UUID(made).version, UUID(made).variant, str(UUID(made))) == (7, RFC_4122, made)


def test_no_two_timed_uuids_of_one_moment_are_equal() -> None:
    assert len({timed_uuid(0) for _ in range(1000)}) == 1000
