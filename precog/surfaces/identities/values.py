"""Values of answers that go out digit for digit."""

from __future__ import annotations

import orjson

from ...core import money
from ...core.times import to_rfc3339


def usd(e4: int | None) -> orjson.Fragment | None:
    """An amount as a JSON number, without a detour over binary floating point."""
    return None if e4 is None else orjson.Fragment(money.to_text(e4))


def json(text: str | None) -> orjson.Fragment | None:
    """What was kept as JSON, as it was kept."""
    return None if text is None else orjson.Fragment(text)


def time(ms: int | None) -> str | None:
    """A time, or None where nothing has happened."""
    return None if ms is None else to_rfc3339(ms)
