"""Findings as they are kept and told: where and what, never the text itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..detection.findings import Finding

MOST = 200
"""Findings told of one text; the strongest, should there be more."""


def told(findings: Sequence[Finding], *, where: str | None = None) -> Mapping[str, Any]:
    """The findings worth telling in text order, and how many more there were."""
    worth = [one for one in findings if one.is_worth_telling]
    shown = worth
    if len(worth) > MOST:
        strongest = sorted(worth, key=lambda one: -one.score)[:MOST]
        shown = sorted(strongest, key=lambda one: one.span)
    return {
        "findings": [_told(one, where) for one in shown],
        "findings_omitted": len(worth) - len(shown),
    }


def _told(finding: Finding, where: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "category": finding.category,
        "rule": finding.rule,
        "score": round(finding.score, 4),
        "span": list(finding.span),
    }
    if finding.transform is not None:
        found["transform"] = finding.transform
    if where is not None:
        found["where"] = where
    return found
