"""JSON as hypothesis makes it up."""

from __future__ import annotations

from hypothesis import strategies as st

from precog.surfaces.body import MAX_INTEGER


def any_json(*names: str) -> st.SearchStrategy:
    """Values of every type, also those that no database can hold; `names` are likely keys."""
    text = st.text(st.characters(), max_size=8)  # with NUL and halves of surrogate pairs
    keys = st.sampled_from(names) | text if names else text
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=8),
        max_leaves=16,
    )


def storable_json() -> st.SearchStrategy:
    """Values that must be taken, and come back as they were."""
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    numbers = st.integers(-MAX_INTEGER - 1, MAX_INTEGER) | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        st.none() | st.booleans() | numbers | text,
        lambda inner: st.lists(inner) | st.dictionaries(text, inner),
        max_leaves=16,
    )
