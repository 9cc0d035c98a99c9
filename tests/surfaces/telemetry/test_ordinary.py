"""The quick way through the schema says what the schema says."""

from __future__ import annotations

import marshmallow as ma
from hypothesis import given
from hypothesis import strategies as st

from precog.surfaces.telemetry.schemas import INTERACTION, ordinary

NAMES = st.none() | st.text(max_size=3) | st.integers() | st.just("n" * 512) | st.just("n" * 513)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "agentId": st.text(max_size=3) | st.sampled_from([None, 7, " x ", "a" * 200, "a" * 201]),
        "prompt": st.text(max_size=3) | st.sampled_from([None, 1, []]),
        "response": st.text(max_size=3) | st.sampled_from([None, 1, {}]),
        "metadata": st.sampled_from([None, {}, {"platform": "p"}, [], "text"]),
        "toolCalls": st.sampled_from([None, [], [{}], [{"name": "t"}, 1], {}, "text"]),
        "userId": NAMES,
        "sessionId": NAMES,
        "conversationId": NAMES,
        "another": st.sampled_from([None, 1, "x"]),
    },
)


@given(BODIES)
def test_a_body_is_ordinary_exactly_when_the_schema_takes_it_and_means_the_same(body: dict) -> None:
    quick = ordinary(body)
    try:
        slow = ma.Schema.load(INTERACTION, body)
    except ma.ValidationError:
        assert quick is None
        return
    assert quick is not None
    assert INTERACTION.build(dict(quick)) == INTERACTION.build(dict(slow))
