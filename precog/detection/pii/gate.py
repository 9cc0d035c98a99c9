"""Hints by which one pass over a text tells which finders it is for at all, so that most need not look.

A hint is wider than what its finder finds. It is matched in the text's bytes, capitals as small letters.
"""

from __future__ import annotations


def any_of(stems: tuple[str, ...]) -> str:
    """The hint that one of these stands anywhere."""
    return "|".join(_literal(stem) for stem in stems)


def _literal(stem: str) -> str:
    return "".join(f"\\{char}" if char.isascii() and not char.isalnum() else char for char in stem)
