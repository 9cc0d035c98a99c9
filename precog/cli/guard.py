"""The guard without a server: what it says about one text."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from ..core.policies import DEFAULT_POLICY
from ..detection.engine import Report, shared
from ..detection.findings import Finding
from ..detection.policy import Verdict, decide
from .common import tell
from .evaluate import evaluate
from .tables import shown, table

LONGEST_BYTES = 1 << 20
_BLOCKED = 3


@click.group()
def guard() -> None:
    """What the guard would say, without an instance."""


guard.add_command(evaluate)


@guard.command()
@click.argument("text", default="-")
@click.option("--tool", help="The text is the arguments of a call of the tool with this name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(ctx: click.Context, text: str, tool: str | None, as_json: bool) -> None:
    """Tell the verdict on TEXT under the default policy; - reads standard input.

    The exit status is 3 when the text would be blocked, else 0.
    """
    text = _standard_input() if text == "-" else _argument(text)
    report = shared().scan(text) if tool is None else shared().scan_tool_call(tool, text)
    verdict = decide(report.findings, DEFAULT_POLICY.detection)
    tell(as_json, _check_data(text, report, verdict), _check_text(text, report, verdict))
    ctx.exit(_BLOCKED if verdict.decision == "block" else 0)


def _standard_input() -> str:
    data = sys.stdin.buffer.read(LONGEST_BYTES + 1)
    _check_length(data)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise click.ClickException("The text is not UTF-8.") from error


def _argument(text: str) -> str:
    _check_length(text.encode())
    return text


def _check_length(data: bytes) -> None:
    if len(data) > LONGEST_BYTES:
        raise click.ClickException(f"The text is longer than {LONGEST_BYTES} bytes.")


def _check_data(text: str, report: Report, verdict: Verdict) -> dict[str, Any]:
    return {
        "decision": verdict.decision,
        "reason": verdict.reason,
        "scores": _worst_first(verdict.scores),
        "findings": [_finding_data(text, finding) for finding in _told(report)],
        "complete": report.complete,
    }


def _finding_data(text: str, finding: Finding) -> dict[str, Any]:
    start, end = finding.span
    return {**asdict(finding), "text": text[start : min(end, start + 80)]}


def _check_text(text: str, report: Report, verdict: Verdict) -> str:
    parts = [f"{verdict.decision}  {verdict.reason or ''}".rstrip()]
    if told := _told(report):
        scores = [(name, f"{score:.2f}") for name, score in _worst_first(verdict.scores).items()]
        parts.append(table(("category", "score"), scores))
        head = ("category", "rule", "score", "span", "transform", "text")
        parts.append(table(head, [_finding_row(text, finding) for finding in told]))
    if not report.complete:
        parts.append("Not everything in the text could be looked at.")
    return "\n\n".join(parts)


def _told(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.is_worth_telling]


def _worst_first(scores: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _finding_row(text: str, finding: Finding) -> tuple[str, ...]:
    start, end = finding.span
    how, matched = finding.transform or "", shown(text[start:end], 40)
    return finding.category, finding.rule, f"{finding.score:.2f}", f"{start}-{end}", how, matched
