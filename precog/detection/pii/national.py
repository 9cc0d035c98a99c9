"""National and tax numbers: a shape, then the number's own checksum, then the words around it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from ..findings import Finding
from . import checksums
from .identifiers import IDENTIFIERS, Identifier
from .page import Page, mentions

_CHECKS = 500
_BOUNDED = (
    # What every shape begins with, so that most words are left at once.
    r"(?<![0-9A-Za-z_])(?=[0-9]{2}|[0-9][ .-][0-9]{2}|[A-Za-z]{1,6}+[ -]?[0-9]{2})"
    # Nor after the digits of a larger number or a part of it.
    r"(?<![0-9][-./:,+])(?<![0-9A-Fa-f]{4}-)"
    r"(?:%s)(?![0-9A-Za-z_]|[-./:,+][0-9A-Za-z])"
)
_CLASSES = {"9": "[0-9]", "A": "[A-Za-z]", "*": "[0-9A-Za-z]"}


@dataclass(frozen=True, slots=True)
class _Shapes:
    """All shapes as one pattern whose last group tells which of them it was."""

    pattern: re.Pattern[str]
    identifiers: tuple[tuple[Identifier, ...], ...]


# Six digits, or the few shapes that have fewer.
HINTS = {"national": "[0-9](?:[ ./+-]?[0-9]){5}|[a-z]{5}[0-9]{4}[a-z]|[a-z]{6}[0-9]{2}[a-z]"}


def find(page: Page) -> Iterator[Finding]:
    """The best reading of each place that looks like a national or tax number."""
    if "national" not in page.hints:
        return
    shapes = _shapes()
    for match in shapes.pattern.finditer(page.text):
        if not page.spend("national", _CHECKS):
            return
        context = page.around(*match.span())
        readings = shapes.identifiers[(match.lastindex or 1) - 1]
        best = max(((_score(one, match[0], context), one) for one in readings), key=lambda pair: pair[0])
        score, identifier = best
        if score:
            name = identifier.name
            yield Finding("pii_leakage", f"pii.{name}", score, match.span(), label=name.upper())


def _score(identifier: Identifier, number: str, context: str) -> float:
    """0 when it is no such number, or when it takes a word nearby to say so and none does."""
    named = mentions(context, identifier.words)
    if not named and not identifier.score:
        return 0.0
    if not is_valid(identifier, number):
        return 0.0
    return max(0.9, identifier.score) if named else identifier.score


def is_valid(identifier: Identifier, number: str) -> bool:
    """Whether the number carries the identifier's checksum."""
    compact = number.upper().replace(" ", "").replace(".", "")
    if identifier.validator in checksums.OWN:
        return checksums.OWN[identifier.validator](compact.replace("-", ""))
    try:
        return bool(_module(identifier.validator).is_valid(compact))
    except Exception:
        # stdnum takes for granted that its own tables are complete, and raises anything where they are not.
        return False


@cache
def _module(name: str) -> ModuleType:
    return importlib.import_module(f"stdnum.{name}")


@cache
def _shapes() -> _Shapes:
    owners: dict[str, list[Identifier]] = {}
    for identifier in IDENTIFIERS:
        for shape in identifier.shapes:
            owners.setdefault(shape, []).append(identifier)
    tree: _Tree = {}
    for shape in owners:
        branch = tree
        for character in shape:
            branch = branch.setdefault(character, {})
        branch[""] = {}
    order: list[str] = []
    alternatives = _pattern(tree, "", order)
    return _Shapes(re.compile(_BOUNDED % alternatives), tuple(tuple(owners[shape]) for shape in order))


_Tree = dict[str, "_Tree"]


def _pattern(tree: _Tree, prefix: str, order: list[str]) -> str:
    """The shapes below a prefix as one pattern, the longer ones first, an empty group at each shape's end."""
    alternatives = []
    for character in sorted(tree, key=len, reverse=True):
        if character:
            rest = _pattern(tree[character], prefix + character, order)
            alternatives.append(_CLASSES.get(character, re.escape(character)) + rest)
        else:
            order.append(prefix)
            alternatives.append("()")
    return f"(?:{'|'.join(alternatives)})" if len(alternatives) > 1 else alternatives[0]
