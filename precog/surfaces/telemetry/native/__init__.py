"""The platforms' own bodies in, our telemetry payload out; knows no HTTP and no storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import dify, flowise, n8n
from .shared import MOST_ITEMS, Mapped, TooManyItems, Unmappable

__all__ = ["MOST_ITEMS", "PLATFORMS", "Mapped", "TooManyItems", "Unmappable", "to_canonical"]


def _custom(body: Any) -> list[Mapped]:
    """Our own form only: whether its fields are right is for the validation that follows."""
    if not isinstance(body, dict):
        raise Unmappable(("prompt", "response"))
    return [Mapped(dict(body))]


PLATFORMS: dict[str, Callable[[Any], list[Mapped]]] = {
    "flowise": flowise.to_mapped,
    "n8n": n8n.to_mapped,
    "dify": dify.to_mapped,
    "custom": _custom,
}


def to_canonical(platform: str, body: Any) -> list[Mapped]:
    """The interactions in a platform's body, at least one; raises Unmappable when there is none,
    TooManyItems when there are more than MOST_ITEMS.

    `platform` is a key of PLATFORMS. A body that is in our form already comes back as it is.
    """
    return PLATFORMS[platform](body)
