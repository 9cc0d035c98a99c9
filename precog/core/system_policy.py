"""A system's policy as data: its defaults, what may stand in it, and its JSON for storage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson

from ..detection.findings import CATEGORIES as CATEGORIES
from ..detection.policy import Policy, Thresholds
from ..errors import WrongValue

FAILURE_MODES = ("fail_open", "fail_close")
ENFORCED = frozenset({"prompt_injection", "jailbreak", "db_access", "code_execution", "secret_leakage"})
LANGUAGES = 32
LANGUAGE_CHARACTERS = 35  # what RFC 5646 asks to have room for
MOST_REQUESTS = 1_000_000_000

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class SystemPolicy:
    """What the guard does for one system.

    `detection` says what is enforced and from which score on; `failure_mode` what a fault of ours means;
    `transparency` adds the disclosure of an AI to answers, `mask_at_client` has the client mask personal data
    before it sends, `strict` has it refuse when the guard cannot be reached. A rate of None is the plan's.
    """

    detection: Policy = field(default_factory=lambda: Policy(enforced=ENFORCED))
    failure_mode: str = "fail_open"
    transparency: bool = False
    mask_at_client: bool = False
    strict: bool = False
    expected_languages: tuple[str, ...] = ()
    requests_per_second: int | None = None
    requests_per_minute: int | None = None


DEFAULT_POLICY = SystemPolicy()
FIRST_VERSION = 1
"""The version of DEFAULT_POLICY, which every system begins with."""


# --- what may stand in it


def check(policy: SystemPolicy) -> None:
    """Raise WrongValue for what no policy may say."""
    check_categories("enforced", policy.detection.enforced)
    check_thresholds(policy.detection.thresholds)
    if policy.failure_mode not in FAILURE_MODES:
        raise WrongValue(
            "failure_mode", expected=f"one of {', '.join(FAILURE_MODES)}", received="another string"
        )
    _check_languages(policy.expected_languages)
    _check_rate("requests_per_second", policy.requests_per_second)
    _check_rate("requests_per_minute", policy.requests_per_minute)


def check_categories(name: str, categories: Iterable[str]) -> None:
    """Raise WrongValue unless each is a category that findings have."""
    if not set(categories) <= set(CATEGORIES):
        raise WrongValue(name, expected=f"some of {', '.join(CATEGORIES)}", received="another category")


def check_thresholds(thresholds: Mapping[str, Thresholds]) -> None:
    """Raise WrongValue unless they are of known categories, with 0 < review <= block <= 1."""
    check_categories("thresholds", thresholds)
    for category, pair in thresholds.items():
        if not 0 < pair.review <= pair.block <= 1:
            raise WrongValue(
                f"thresholds.{category}", expected="0 < review <= block <= 1", received="other numbers"
            )


def is_language(tag: str) -> bool:
    """Whether it looks like a language tag of BCP 47, such as `de` or `pt-BR`."""
    return len(tag) <= LANGUAGE_CHARACTERS and _LANGUAGE.fullmatch(tag) is not None


def _check_languages(tags: tuple[str, ...]) -> None:
    if len(tags) > LANGUAGES:
        raise WrongValue(
            "expected_languages", expected=f"at most {LANGUAGES} languages", received=f"{len(tags)}"
        )
    if not all(is_language(tag) for tag in tags):
        raise WrongValue(
            "expected_languages", expected="language tags such as de or pt-BR", received="another string"
        )


def _check_rate(name: str, rate: int | None) -> None:
    if rate is not None and not 1 <= rate <= MOST_REQUESTS:
        raise WrongValue(name, expected=f"whole number from 1 to {MOST_REQUESTS}", received="another number")


# --- its JSON for storage


def to_json(policy: SystemPolicy) -> str:
    """The policy as it is stored."""
    detection = policy.detection
    return _text(
        {
            "enforced": sorted(detection.enforced),
            "thresholds": _pairs(detection.thresholds),
            "mask": detection.mask,
            "shadow_mode": detection.shadow_mode,
            "failure_mode": policy.failure_mode,
            "transparency": policy.transparency,
            "mask_at_client": policy.mask_at_client,
            "strict": policy.strict,
            "expected_languages": list(policy.expected_languages),
            "requests_per_second": policy.requests_per_second,
            "requests_per_minute": policy.requests_per_minute,
        }
    )


def from_json(text: str) -> SystemPolicy:
    """The policy in a stored text; what an older version did not know has its default."""
    kept: dict[str, Any] = orjson.loads(text)
    default = DEFAULT_POLICY
    return SystemPolicy(
        detection=Policy(
            enforced=frozenset(kept.get("enforced", default.detection.enforced)),
            thresholds=_thresholds(kept.get("thresholds", {})),
            mask=kept.get("mask", default.detection.mask),
            shadow_mode=kept.get("shadow_mode", default.detection.shadow_mode),
        ),
        failure_mode=kept.get("failure_mode", default.failure_mode),
        transparency=kept.get("transparency", default.transparency),
        mask_at_client=kept.get("mask_at_client", default.mask_at_client),
        strict=kept.get("strict", default.strict),
        expected_languages=tuple(kept.get("expected_languages", ())),
        requests_per_second=kept.get("requests_per_second"),
        requests_per_minute=kept.get("requests_per_minute"),
    )


def thresholds_to_json(thresholds: Mapping[str, Thresholds]) -> str:
    """Thresholds as they are stored."""
    return _text(_pairs(thresholds))


def thresholds_from_json(text: str | None) -> Mapping[str, Thresholds]:
    """The thresholds in a stored text; of None, none."""
    return _thresholds({} if text is None else orjson.loads(text))


def _pairs(thresholds: Mapping[str, Thresholds]) -> dict[str, list[float]]:
    return {category: [pair.review, pair.block] for category, pair in thresholds.items()}


def _thresholds(pairs: Mapping[str, list[float]]) -> Mapping[str, Thresholds]:
    return MappingProxyType({category: Thresholds(*pair) for category, pair in pairs.items()})


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
