"""What can go wrong, in the domain's words, each kind with a code that never changes."""

from __future__ import annotations


class PrecogError(Exception):
    """Anything that Precog refuses, with the data a caller needs to act on it."""

    code = "internal"


class MalformedBody(PrecogError):
    """The body is not one well-formed JSON object. `reason` is safe to show to the sender."""

    code = "malformed_body"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidField(PrecogError):
    """One field is wrong; `received` describes what came, never repeats it."""

    def __init__(self, field: str, *, expected: str, received: str) -> None:
        super().__init__(field)
        self.field = field
        self.expected = expected
        self.received = received


class MissingField(InvalidField):
    """A required field is absent or null."""

    code = "missing_field"


class WrongType(InvalidField):
    """A field holds another JSON type than it must."""

    code = "wrong_type"


class WrongValue(InvalidField):
    """A field has the right type and an impossible value."""

    code = "wrong_value"


class Unauthenticated(PrecogError):
    """No key, or one that is malformed, unknown, expired or revoked."""

    code = "unauthenticated"


class InsufficientScope(PrecogError):
    """The key is good, but was not given the scope that this needs."""

    code = "insufficient_scope"

    def __init__(self, needed: str) -> None:
        super().__init__(needed)
        self.needed = needed


class AgentLimitReached(PrecogError):
    """Every agent slot of the organization's plan is taken."""

    code = "agent_limit_reached"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class AgentDeactivated(PrecogError):
    """The operator has retired this agent; its telemetry is not taken."""

    code = "agent_deactivated"

    def __init__(self, agent_id: str) -> None:
        super().__init__(agent_id)
        self.agent_id = agent_id


class Forbidden(PrecogError):
    """It is there, but somebody else's to change. `reason` is safe to show to the sender."""

    code = "forbidden"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongSystem(PrecogError):
    """The key is another system's, or the organization has no such system."""

    code = "wrong_system"


class NotFound(PrecogError):
    """There is no such thing in this organization."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class AlreadyExists(PrecogError):
    """The name is taken."""

    code = "already_exists"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class IdempotencyKeyReused(PrecogError):
    """The key was used before, with another body."""

    code = "idempotency_key_reused"


class DuplicateEvent(PrecogError):
    """What happened under this event id has been told before; it is on disk."""

    code = "duplicate_event"

    def __init__(self, event_id: str) -> None:
        super().__init__(event_id)
        self.event_id = event_id


class VersionConflict(PrecogError):
    """Somebody else was first: `version` is the current one, not the one that was to be changed."""

    code = "version_conflict"

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class TooLarge(PrecogError):
    """The body is larger than is accepted, after decompression; or `what`, a part of it, is."""

    code = "too_large"

    def __init__(self, limit_bytes: int, what: str = "body") -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes
        self.what = what


class UnsupportedMediaType(PrecogError):
    """The body's type, charset or encoding is not one that is read here."""

    code = "unsupported_media_type"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RateLimited(PrecogError):
    """The caller has used up its quota for now. `reason` says of which limit, and is safe to show."""

    code = "rate_limited"

    def __init__(self, *, quota: int, retry_after_ms: int, reason: str | None = None) -> None:
        super().__init__(quota)
        self.quota = quota
        self.retry_after_ms = retry_after_ms
        self.reason = reason


class InvalidConversionToken(PrecogError):
    """The token was not issued by this server, or not for this session and agent."""

    code = "invalid_conversion_token"


class ConversionTokenExpired(PrecogError):
    """The token is good, but was issued more than a day ago."""

    code = "conversion_token_expired"


class InvalidCredentials(PrecogError):
    """The agent's secret, assertion or refresh token is wrong, or has ended; which one is not told."""

    code = "invalid_credentials"


class InvalidToken(PrecogError):
    """The agent's access token is missing, forged, expired or revoked."""

    code = "invalid_token"


class AgentSuspended(PrecogError):
    """The operator has suspended this agent for now."""

    code = "agent_suspended"


class AgentRevoked(PrecogError):
    """This agent was revoked, which is for good."""

    code = "agent_revoked"


class AgentMismatch(PrecogError):
    """An agent speaks for another one than itself."""

    code = "agent_mismatch"


class WrongOrganization(PrecogError):
    """The key and the agent's token are of two organizations."""

    code = "wrong_organization"


class SessionEnded(PrecogError):
    """Nothing more can be begun in this session."""

    code = "session_ended"


class SessionExpired(PrecogError):
    """The session's time is over."""

    code = "session_expired"


class SessionLimitReached(PrecogError):
    """The session's actions or value are used up. `limit` names which."""

    code = "session_limit_reached"

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


class InvalidTransition(PrecogError):
    """What was asked for is no step from where this stands. `status` says where."""

    code = "invalid_transition"

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class StorageUnavailable(PrecogError):
    """The database is locked, full, read-only or gone: an operator can cure it, a retry may help."""

    code = "storage_unavailable"


class StorageSlow(StorageUnavailable):
    """The caller would not wait longer; the write goes on."""


class CannotSign(StorageUnavailable):
    """The key that signs was sealed under a secret that this server does not have."""


class AuditLogBroken(StorageUnavailable):
    """The audit log is not as it was written: it cannot be read, or nothing can be written behind it."""


class DatabaseRefused(Exception):
    """The database is not one that this version may use. The text is for the operator."""


class ConfigurationError(Exception):
    """A setting is wrong. The text is for the operator."""
