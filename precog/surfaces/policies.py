"""A system's policy as JSON, both ways: the names that every surface and the command line use for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from ..core.policies import Keep, Patch, PolicyVersion, SystemPolicy, Thresholds
from ..core.system_policy import CATEGORIES, FAILURE_MODES, LANGUAGES, MOST_REQUESTS, is_language
from ..core.times import to_rfc3339
from ..errors import WrongType, WrongValue
from .fields import Checked, Choice, Flag, Share, Text, Whole, fault, json_type

# What a flag blocks, and which setting a switch is.
BLOCKS = {
    "block_on_heuristic": ("prompt_injection", "jailbreak"),
    "block_pii_leakage": ("pii_leakage",),
    "block_secret_leakage": ("secret_leakage",),
    "block_db_access": ("db_access",),
    "block_code_execution": ("code_execution",),
    "block_toxicity": ("toxicity",),
}
SWITCHES = {
    "shadow_mode": "shadow_mode",
    "masking": "mask",
    "enable_sdk_pii_masking": "mask_at_client",
    "strict_security_mode": "strict",
    "inject_transparency_metadata": "transparency",
}
_RATES = {"per_second": "requests_per_second", "per_minute": "requests_per_minute"}


# --- out


def from_flags(policy: SystemPolicy) -> dict[str, Any]:
    """What a client must know of the policy: real booleans, and the failure mode."""
    enforced = policy.detection.enforced
    return {
        **{name: enforced.issuperset(categories) for name, categories in BLOCKS.items()},
        "shadow_mode": policy.detection.shadow_mode,
        "failure_mode": policy.failure_mode,
        "masking": policy.detection.mask,
        "enable_sdk_pii_masking": policy.mask_at_client,
        "strict_security_mode": policy.strict,
        "inject_transparency_metadata": policy.transparency,
    }


def from_thresholds(thresholds: Mapping[str, Thresholds]) -> dict[str, Any]:
    """Thresholds by category."""
    return {category: {"review": pair.review, "block": pair.block} for category, pair in thresholds.items()}


def from_version(found: PolicyVersion) -> dict[str, Any]:
    """One version of a system's policy, whole."""
    policy = found.policy
    return {
        "system_id": found.system.id,
        "name": found.system.name,
        "version": found.version,
        "updated_at": to_rfc3339(found.updated_at),
        "updated_by": found.key_id,
        **from_flags(policy),
        "thresholds": from_thresholds(policy.detection.thresholds),
        "expected_languages": list(policy.expected_languages),
        "rate_limits": {
            "per_second": policy.requests_per_second,
            "per_minute": policy.requests_per_minute,
        },
    }


class RateLimitsSchema(ma.Schema):
    """Requests that the system may make; null is what the organization's plan allows."""

    per_second = ma.fields.Integer(required=True, allow_none=True)
    per_minute = ma.fields.Integer(required=True, allow_none=True)


class ThresholdSchema(ma.Schema):
    """From which score on a category is reviewed, and from which blocked."""

    review = ma.fields.Float(required=True, metadata={"example": 0.4})
    block = ma.fields.Float(required=True, metadata={"example": 0.75})


class PolicySchema(ma.Schema):
    """A version of a system's policy. `thresholds` has the categories that differ from the default."""

    system_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)
    updated_at = ma.fields.String(required=True, metadata={"format": "date-time"})
    updated_by = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The key's id; null for the operator."}
    )
    block_on_heuristic = ma.fields.Boolean(
        required=True, metadata={"description": "Block prompt injection and jailbreaks."}
    )
    block_pii_leakage = ma.fields.Boolean(required=True)
    block_secret_leakage = ma.fields.Boolean(required=True)
    block_db_access = ma.fields.Boolean(required=True)
    block_code_execution = ma.fields.Boolean(required=True)
    block_toxicity = ma.fields.Boolean(required=True)
    shadow_mode = ma.fields.Boolean(required=True)
    failure_mode = ma.fields.String(required=True, metadata={"enum": list(FAILURE_MODES)})
    masking = ma.fields.Boolean(required=True)
    enable_sdk_pii_masking = ma.fields.Boolean(required=True)
    strict_security_mode = ma.fields.Boolean(required=True)
    inject_transparency_metadata = ma.fields.Boolean(required=True)
    thresholds = ma.fields.Dict(values=ma.fields.Nested(ThresholdSchema), required=True)
    expected_languages = ma.fields.List(ma.fields.String(), required=True)
    rate_limits = ma.fields.Nested(RateLimitsSchema, required=True)


# --- in


class Strict(ma.Schema):
    """Settings by name; another name is an error, since nobody would see that nothing was changed."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {  # noqa: RUF012  (as marshmallow declares it)
        "unknown": {"kind": WrongValue.code, "expected": "a field that exists", "received": "another"}  # type: ignore[dict-item]
    }


class Part(Checked, ma.fields.Nested):
    """An object with fields of its own."""

    expected = "object"

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, dict):
            raise fault(WrongType, self.expected, json_type(value))
        return super()._deserialize(value, attr, data, partial, **kwargs)


class ThresholdPatch(Strict):
    """From which score on a category is reviewed, and from which blocked: 0 < review <= block <= 1."""

    review = Share(required=True, metadata={"example": 0.4})
    block = Share(required=True, metadata={"example": 0.75})

    @ma.post_load
    def build(self, data: dict[str, float], **kwargs: Any) -> Thresholds:
        """As core knows it."""
        return Thresholds(**data)


# One field a category, so that a wrong one is named and all are documented.
ThresholdsPatch: type[ma.Schema] = Strict.from_dict(
    {category: Part(ThresholdPatch, load_default=ma.missing, allow_none=True) for category in CATEGORIES},
    name="ThresholdsPatch",
)


class RateLimitsPatch(Strict):
    """Requests that the system may make; null is what the organization's plan allows."""

    per_second = Whole(least=1, most=MOST_REQUESTS, load_default=ma.missing)
    per_minute = Whole(least=1, most=MOST_REQUESTS, load_default=ma.missing)


class Languages(Checked, ma.fields.List[Any]):
    """Language tags as in BCP 47."""

    expected = "array"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"maxItems": LANGUAGES, "example": ["en", "pt-BR"], **kwargs.get("metadata", {})}
        super().__init__(Text(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        if len(value) > LANGUAGES:
            raise fault(WrongValue, f"array of at most {LANGUAGES} entries", f"array of {len(value)} entries")
        for index, tag in enumerate(value):
            if not isinstance(tag, str):
                raise ma.ValidationError({index: fault(WrongType, "string", json_type(tag)).messages})
            if not is_language(tag):
                wrong = fault(WrongValue, "language tag such as de or pt-BR", "another string")
                raise ma.ValidationError({index: wrong.messages})
        return list(dict.fromkeys(value))


class PolicyPatch(Strict):
    """What is to be changed of a policy; the rest stays as it is. What was read can be sent back."""

    block_on_heuristic = Flag(metadata={"description": "Block prompt injection and jailbreaks."})
    block_pii_leakage = Flag()
    block_secret_leakage = Flag()
    block_db_access = Flag()
    block_code_execution = Flag()
    block_toxicity = Flag(metadata={"example": True})
    shadow_mode = Flag(metadata={"description": "Enforce nothing, and tell what would have been."})
    failure_mode = Choice(FAILURE_MODES, metadata={"enum": [*FAILURE_MODES, None], "example": "fail_close"})
    masking = Flag(metadata={"description": "Replace personal data and secrets instead of blocking them."})
    enable_sdk_pii_masking = Flag(metadata={"description": "Have the client mask before it sends."})
    strict_security_mode = Flag()
    inject_transparency_metadata = Flag()
    thresholds = Part(
        ThresholdsPatch,
        load_default=ma.missing,
        metadata={"description": "By category; null is the default, of one category or of all."},
    )
    expected_languages = Languages(metadata={"description": "In which prompts are to be expected."})
    rate_limits = Part(RateLimitsPatch, load_default=ma.missing)
    version = Whole(
        least=1, most=2**53, metadata={"description": "Change this version, and fail when it is not current."}
    )
    system_id = Text(metadata={"description": "Ignored."})
    name = Text(metadata={"description": "Ignored."})
    updated_at = Text(metadata={"description": "Ignored."})
    updated_by = Text(metadata={"description": "Ignored."})


def to_patch(data: Mapping[str, Any]) -> Patch:
    """The changes in a loaded PolicyPatch."""
    rates = data.get("rate_limits", {})
    if rates is None:
        rates = dict.fromkeys(_RATES)
    languages = data["expected_languages"]
    return Patch(
        enforce={
            category: data[name]
            for name, categories in BLOCKS.items()
            if data[name] is not None
            for category in categories
        },
        thresholds=to_thresholds(data.get("thresholds", {})),
        failure_mode=data["failure_mode"],
        expected_languages=None if languages is None else tuple(languages),
        **{setting: data[name] for name, setting in SWITCHES.items()},
        **{setting: rates.get(name, Keep.KEEP) for name, setting in _RATES.items()},
    )


def to_thresholds(data: Mapping[str, Thresholds | None] | None) -> Mapping[str, Thresholds | None]:
    """The changes in a loaded ThresholdsPatch; null is of every category."""
    return dict.fromkeys(CATEGORIES) if data is None else data
