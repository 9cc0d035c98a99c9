"""The strings inside of a tool call's JSON arguments, as a tool will read them."""

from __future__ import annotations

import json
import re

from .view import Replaced, Rule, View

_BEGINS = re.compile(r"\s*[\[{\"]")
# A string, quotes and all, or what is between two. One that is left open ends the text.
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^"]+', re.DOTALL)
_LETTERS = re.compile(
    r'"|\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)', re.DOTALL
)


def strings(arguments: str) -> View | None:
    """All strings of the JSON text, a line each; None when it is none."""
    if not _BEGINS.match(arguments):
        return None
    text = _PARTS.sub(_plain, arguments)
    return View(arguments).then(text, Replaced(Rule("json", _PARTS, _plain, piece=_LETTERS), arguments))


def _plain(match: re.Match[str]) -> str:
    """A string as its letters, a letter of it as itself, and anything between strings as a line break."""
    found = match[0]
    if match.re is _LETTERS:
        return "" if found == '"' else _loaded(f'"{found}"')
    return _loaded(found) if found.startswith('"') else "\n"


def _loaded(literal: str) -> str:
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal
