"""Keeps personal data and secrets out of what is stored, where a system's policy asks for it.

Every text of a system's rows passes here, whichever way it came in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..detection.engine import Engine
from ..detection.findings import Finding
from ..detection.masking import mask
from .policies import SystemPolicy

SURE = 0.5  # weaker findings are left: a number is not masked because it might be somebody's

# Most names and values of metadata, in which nothing can be: they are not worth a scan each.
_PLAIN = re.compile(r"[a-z_]{0,40}|[A-Za-z_.-]{0,16}[0-9]{0,4}")


def masks(policy: SystemPolicy) -> bool:
    """Whether the policy masks; in shadow mode nothing is changed."""
    return policy.detection.mask and not policy.detection.shadow_mode


def mask_text(text: str, findings: Sequence[Finding]) -> str:
    """The text with placeholders for what was found in it."""
    return mask(text, [one for one in findings if one.score >= SURE]).text


def mask_json(engine: Engine, value: Any) -> Any:
    """The JSON value with every string in it masked, names of members too."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value):
            return value
        return mask_text(value, engine.scan(value, source="output").findings)
    if isinstance(value, list | tuple):
        return [mask_json(engine, inner) for inner in value]
    if isinstance(value, dict):
        masked: dict[str, Any] = {}
        for name, inner in value.items():
            masked[_free(mask_json(engine, name), masked)] = mask_json(engine, inner)
        return masked
    return value


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or one like it: the names of two people may have become the same placeholder."""
    number = 2
    found = name
    while found in taken:
        found = f"{name} {number}"
        number += 1
    return found
