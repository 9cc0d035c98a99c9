"""What is to be changed of a policy, and the policy with it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from ..detection.policy import Policy, Thresholds
from .system_policy import SystemPolicy, check_categories


class Keep(Enum):
    """Stands for what a patch leaves as it is, where None says something else."""

    KEEP = 0


@dataclass(frozen=True, slots=True)
class Patch:
    """What is to be changed of a policy. None is left as it is, and so is a category that is not named.

    A category with thresholds of None goes back to the default ones, a rate of None to the plan's.
    """

    enforce: Mapping[str, bool] = field(default_factory=dict)
    thresholds: Mapping[str, Thresholds | None] = field(default_factory=dict)
    mask: bool | None = None
    shadow_mode: bool | None = None
    failure_mode: str | None = None
    transparency: bool | None = None
    mask_at_client: bool | None = None
    strict: bool | None = None
    expected_languages: tuple[str, ...] | None = None
    requests_per_second: int | Keep | None = Keep.KEEP
    requests_per_minute: int | Keep | None = Keep.KEEP


def apply(policy: SystemPolicy, patch: Patch) -> SystemPolicy:
    """The policy with the patch's changes. Raises WrongValue for a category that does not exist."""
    check_categories("enforced", patch.enforce)
    check_categories("thresholds", patch.thresholds)
    changes: dict[str, Any] = {
        name: value
        for name in ("failure_mode", "transparency", "mask_at_client", "strict", "expected_languages")
        if (value := getattr(patch, name)) is not None
    }
    for name in ("requests_per_second", "requests_per_minute"):
        if (value := getattr(patch, name)) is not Keep.KEEP:
            changes[name] = value
    return replace(policy, detection=_apply_detection(policy.detection, patch), **changes)


def _apply_detection(policy: Policy, patch: Patch) -> Policy:
    added = {category for category, wanted in patch.enforce.items() if wanted}
    thresholds = {**policy.thresholds, **patch.thresholds}
    return Policy(
        enforced=(policy.enforced - patch.enforce.keys()) | added,
        thresholds=MappingProxyType(
            {category: pair for category, pair in thresholds.items() if pair is not None}
        ),
        mask=policy.mask if patch.mask is None else patch.mask,
        shadow_mode=policy.shadow_mode if patch.shadow_mode is None else patch.shadow_mode,
    )
