"""An outside agent registers itself."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core import callers
from ...core.callers import LONGEST_DESCRIPTION, LONGEST_NAME, Registered, Registration
from ...errors import WrongValue
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Text, fault
from . import visitors
from .blueprints import public_blueprint
from .forms import ERROR

_LONGEST_EMAIL = 254
_is_email = ma.validate.Email()
_NOTE = "Send both headers on every /recommend call. Treat the key like a password — never log or commit it."


class Email(Text):
    """An e-mail address."""

    expected = "e-mail address"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            # Quoted names may hold control characters, which nobody has in an address.
            if text.isprintable() and _is_email(text):
                return text
        except ma.ValidationError:
            pass
        raise fault(WrongValue, self.expected, "another string")


class RegistrationSchema(ma.Schema):
    """Who the agent says it is."""

    class Meta:
        unknown = ma.EXCLUDE

    name = Text(
        required=True,
        shortest=1,
        longest=LONGEST_NAME,
        trim=True,
        metadata={"example": "My Personal Assistant"},
    )
    contact_email = Email(
        data_key="contactEmail",
        longest=_LONGEST_EMAIL,
        metadata={"format": "email", "example": "you@example.com"},
    )
    description = Text(longest=LONGEST_DESCRIPTION, metadata={"example": "AI shopping helper for end users"})

    @ma.post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Registration:
        """The core's form of it."""
        return Registration(**data)


class UsageHeadersSchema(ma.Schema):
    """What to send."""

    agent_id = ma.fields.String(required=True, data_key="X-Agent-Id")
    caller_key = ma.fields.String(required=True, data_key="X-Caller-Key")


class UsageSchema(ma.Schema):
    """How to be known as this caller."""

    headers = ma.fields.Nested(UsageHeadersSchema, required=True)
    note = ma.fields.String(required=True)


class RegisteredSchema(ma.Schema):
    """The new caller, and its key, which is shown this once."""

    ok = ma.fields.Constant(True, required=True, metadata={"type": "boolean"})
    caller_id = ma.fields.String(
        required=True, data_key="callerId", metadata={"example": "my-personal-assistant-3f2a1c"}
    )
    caller_key = ma.fields.String(required=True, data_key="callerKey")
    tier = ma.fields.String(required=True)
    rate_limit = ma.fields.String(
        required=True, data_key="rateLimit", metadata={"example": "120 requests / minute"}
    )
    usage = ma.fields.Nested(UsageSchema, required=True)


_REGISTRATION = RegistrationSchema()
_REGISTERED = RegisteredSchema()


@public_blueprint.route("/recommendation/register", methods=["POST"])
@public_blueprint.arguments(_REGISTRATION)
@public_blueprint.response(201, _REGISTERED, headers=RATE_LIMIT_HEADERS)
@public_blueprint.errors(ERROR, 400, 401, 404, 413, 415, 429, 500, 503, headers=RATE_LIMIT_HEADERS)
def register(registration: Registration) -> dict[str, Any]:
    """Register an agent. The key is shown this once; lose it, and register again.

    An address may register a few agents an hour, whatever its quota of requests is.
    """
    visitors.charged_visitor()
    return _from_registered(callers.register(services(), registration, address=visitors.address()))


def _from_registered(made: Registered) -> dict[str, Any]:
    return {
        "caller_id": made.caller.id,
        "caller_key": made.key,
        "tier": made.caller.tier,
        "rate_limit": f"{made.requests_per_minute} requests / minute",
        "usage": {"headers": {"agent_id": made.caller.id, "caller_key": made.key}, "note": _NOTE},
    }
