"""Looks at all that there is to an interaction: which texts, where each comes from, what they mean together.

Knows no storage beyond the row that it is given.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import orjson

from ..detection.engine import Engine, Report
from ..detection.findings import Finding
from ..detection.policy import DECISIONS, decide
from ..storage.analyses import Waiting
from .findings import MOST, told
from .system_policy import SystemPolicy

CHARACTERS = 1024 * 1024
"""Of one interaction that are looked at."""
STRINGS = 10_000
"""Of one interaction that are looked at: each costs something, however short."""

# Under these names senders keep what was retrieved for a prompt.
RETRIEVED = (
    "context",
    "contexts",
    "retrieved",
    "documents",
    "sources",
    "chunks",
    "source_documents",
    "retrieved_contexts",
)
TOOL = "tool"
"""The category of an event that is a tool's call: its prompt is what the tool was given."""

_CALLED = ("name", "tool", "toolName", "tool_name")
_ARGUMENTS = ("input", "arguments", "args", "parameters")
_OUTPUTS = ("output", "result")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: JSON, the risk within 0..1, and the category for which a policy would block it."""

    findings: str
    risk_score: float
    blocked_for: str | None


@dataclass(frozen=True, slots=True)
class _Passage:
    """Strings that are read together, each with where it stands; of a tool's call, `tool` is its name."""

    source: str
    strings: Sequence[tuple[str, str]]
    tool: str | None = None


def examine(
    row: Waiting, engine: Engine, policy: SystemPolicy, *, between: Callable[[], None] = lambda: None
) -> Examined:
    """Look at the row under the policy. Each text is judged alone, and the worst verdict is the row's.

    `between` is called after each text, so that whoever asks may rest.
    """
    allowance = _Allowance()
    found: list[Mapping[str, Any]] = []
    omitted, complete, risk, worst, reason = 0, True, 0.0, 0, None
    for passage in _passages(row):
        passage = allowance.cut(passage)
        if not passage.strings:
            continue
        report = _scan(engine, passage, policy)
        between()
        complete = complete and report.complete
        if not report.findings:
            continue
        verdict = decide(report.findings, policy.detection)
        risk = max(risk, *verdict.scores.values())
        if verdict.action == "block" and DECISIONS.index(verdict.decision) > worst:
            worst, reason = DECISIONS.index(verdict.decision), verdict.reason
        for where, findings in _by_place(passage, report.findings):
            part = told(findings, where=where)
            found += part["findings"]
            omitted += part["findings_omitted"]
    kept = _strongest(found)
    result = {
        "findings": kept,
        "findings_omitted": omitted + len(found) - len(kept),
        "complete": complete and not allowance.exceeded,
    }
    return Examined(orjson.dumps(result).decode(), round(risk, 4), reason)


def _scan(engine: Engine, passage: _Passage, policy: SystemPolicy) -> Report:
    text = "\n".join(text for _, text in passage.strings)
    if passage.tool is not None:
        return engine.scan_tool_call(passage.tool, text)
    expected = policy.expected_languages if passage.source == "prompt" else ()
    return engine.scan(text, source=passage.source, expected_languages=expected)


def _strongest(found: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if len(found) <= MOST:
        return found
    order = sorted(range(len(found)), key=lambda index: -found[index]["score"])
    return [found[index] for index in sorted(order[:MOST])]


class _Allowance:
    """How much of an interaction is still to be looked at."""

    def __init__(self) -> None:
        self._characters = CHARACTERS
        self._strings = STRINGS
        self.exceeded = False

    def cut(self, passage: _Passage) -> _Passage:
        """As much of the passage as may be looked at."""
        kept: list[tuple[str, str]] = []
        for where, text in passage.strings:
            self.exceeded = self.exceeded or len(text) > self._characters or self._strings == 0
            if self._characters <= 0 or self._strings == 0:
                break
            kept.append((where, text[: self._characters]))
            self._characters -= len(text)
            self._strings -= 1
        return replace(passage, strings=kept)


def _by_place(passage: _Passage, findings: Sequence[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """The findings in the strings that each begins in, with places in those strings."""
    lengths = [len(text) for _, text in passage.strings]
    starts = [0, *accumulate(length + 1 for length in lengths)]
    places: dict[int, list[Finding]] = {}
    for finding in findings:
        at = min(bisect_right(starts, finding.span[0]), len(lengths)) - 1
        first = min(finding.span[0] - starts[at], lengths[at])
        last = min(finding.span[1] - starts[at], lengths[at])
        places.setdefault(at, []).append(replace(finding, span=(first, last)))
    for at, moved in places.items():
        yield passage.strings[at][0], moved


# --- what there is


def _passages(row: Waiting) -> Iterator[_Passage]:
    """The texts of a row, the most telling first. A prompt that was judged before is not judged again."""
    metadata, extra = _loaded(row.metadata), _loaded(row.extra)
    is_call = row.event_category == TOOL
    tool = _tool(metadata) if is_call else None
    if row.guarded_at is None:
        yield _Passage("prompt", [("prompt", row.prompt)], tool)
    elif row.prompt_sent is not None:
        yield _Passage("prompt", [("prompt_sent", row.prompt_sent)], tool)
    yield _Passage("retrieved" if is_call else "output", [("response", row.response)])
    calls = _loaded(row.tool_calls)
    for index, call in enumerate(calls if isinstance(calls, list) else []):
        if isinstance(call, dict):
            yield from _of_call(call, f"tool_calls[{index}]")
    for column, fields in (("metadata", metadata), ("extra", extra)):
        for name in RETRIEVED if isinstance(fields, dict) else ():
            if name in fields:
                yield _Passage("retrieved", list(_strings(fields[name], f"{column}.{name}")))


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _of_call(call: Mapping[str, Any], where: str) -> Iterator[_Passage]:
    function = call.get("function")
    if isinstance(function, dict):  # as models write their calls
        yield from _of_call(function, f"{where}.function")
    tool = _tool(call) or (function if isinstance(function, str) else "")
    given = [(f"{where}.{name}", _as_json(call[name])) for name in _ARGUMENTS if call.get(name) is not None]
    if not given and tool:
        given = [(where, "")]
    for one in given:
        yield _Passage("tool_call", [one], tool)
    for name in _OUTPUTS:
        if call.get(name) is not None:
            yield _Passage("retrieved", list(_strings(call[name], f"{where}.{name}")))


def _tool(fields: Any) -> str:
    """The name of a tool, where there is one."""
    if not isinstance(fields, dict):
        return ""
    return next((fields[name] for name in _CALLED if isinstance(fields.get(name), str)), "")


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """All strings in a value; names that may be anything are not repeated in the places."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _strings(inner, f"{where}[{index}]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, f"{where}.{name if _PLAIN_NAME.fullmatch(name) else '?'}")
