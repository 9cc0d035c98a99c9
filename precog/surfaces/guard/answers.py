"""What this API answers when all is well."""

from __future__ import annotations

import marshmallow as ma

from ...core.system_policy import CATEGORIES, FAILURE_MODES
from ..fields import Text
from ..policies import BLOCKS, SWITCHES

X_RATE_LIMIT_HEADERS = {
    "X-RateLimit-Limit": {
        "description": "Requests that the tightest of the present windows admits.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {
        "description": "Requests left in it.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-RateLimit-Reset": {
        "description": "When the next window begins, UNIX time in seconds.",
        "schema": {"type": "integer"},
    },
}


class FindingSchema(ma.Schema):
    """A place in the input and what is wrong with it; `span` counts code points."""

    category = ma.fields.String(required=True, metadata={"enum": list(CATEGORIES)})
    rule = ma.fields.String(required=True)
    score = ma.fields.Float(required=True, metadata={"minimum": 0, "maximum": 1})
    span = ma.fields.List(ma.fields.Integer(), required=True, metadata={"minItems": 2, "maxItems": 2})
    transform = ma.fields.String(
        metadata={"description": "What had to be undone before the rule saw it, such as `base64`."}
    )


class TransparencySchema(ma.Schema):
    """The disclosure that the reader is talking to an AI."""

    is_ai_generated = ma.fields.Boolean(required=True)
    disclosure = ma.fields.String(required=True)
    article = ma.fields.String(required=True)
    injection_mode = ma.fields.String(required=True)


class VerdictSchema(ma.Schema):
    """The verdict on a prompt; a refusal has `allowed` and `reason` alone."""

    allowed = ma.fields.Boolean(required=True)
    reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The category that decided; else null."}
    )
    verdict = ma.fields.String(metadata={"enum": ["allow", "review", "block"]})
    detected_pii = ma.fields.Boolean()
    transformed_input = ma.fields.String(metadata={"description": "The masked input, where it differs."})
    guard_event_id = ma.fields.String(metadata={"format": "uuid"})
    client_event_id = ma.fields.String(metadata={"format": "uuid"})
    shadow_mode = ma.fields.Boolean()
    shadow_blocked = ma.fields.Boolean()
    simulated_decision = ma.fields.String(metadata={"enum": ["allowed", "masked", "blocked"]})
    processing_time_ms = ma.fields.Float()
    policy_version = ma.fields.Integer()
    findings = ma.fields.List(ma.fields.Nested(FindingSchema))
    findings_omitted = ma.fields.Integer(metadata={"description": "Findings beyond those that are listed."})
    transparency = ma.fields.Nested(TransparencySchema)
    degraded = ma.fields.List(
        ma.fields.String(metadata={"enum": ["storage", "detection"]}),
        metadata={"description": "What did not work: the row is stored later; not all could be looked at."},
    )


class DoneSchema(ma.Schema):
    """The event is on disk."""

    status = ma.fields.Constant("success", required=True, metadata={"type": "string"})
    event_id = ma.fields.String(required=True, metadata={"format": "uuid"})
    client_event_id = ma.fields.String(required=True, metadata={"format": "uuid"})
    interaction_id = ma.fields.String(
        required=True, metadata={"example": "int-019b40c0a1b200000a1b2c3d4e5f6"}
    )


class FinalizedSchema(ma.Schema):
    """The timing is on disk."""

    status = ma.fields.Constant("success", required=True, metadata={"type": "string"})
    client_event_id = ma.fields.String(required=True, metadata={"format": "uuid"})


class ConfigQuery(ma.Schema):
    """Of which system."""

    class Meta:
        unknown = ma.EXCLUDE

    system_id = Text(longest=512, allow_none=False, load_default=lambda: None)


_Flags = ma.Schema.from_dict(
    {name: ma.fields.Boolean(required=True) for name in (*BLOCKS, *SWITCHES)}, name="FlagsSchema"
)


class ConfigSchema(_Flags):  # type: ignore[misc, valid-type]
    """What the system's policy asks of its clients."""

    failure_mode = ma.fields.String(required=True, metadata={"enum": list(FAILURE_MODES)})
    expected_languages = ma.fields.List(ma.fields.String(), required=True)
    system_id = ma.fields.String(required=True)
    policy_version = ma.fields.Integer(required=True)


VERDICT = VerdictSchema()
DONE = DoneSchema()
FINALIZED = FinalizedSchema()
CONFIG = ConfigSchema()
