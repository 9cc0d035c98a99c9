"""Assertions that agents sign to prove that they hold their key (RFC 7523)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from .times import MINUTE_MS, SECOND_MS

LEEWAY_MS = 30_000  # for clocks that differ
LONGEST_MS = 5 * MINUTE_MS
_LONGEST_TEXT = 8_192
_LONGEST_JTI = 512


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an assertion says of itself, whoever has signed it; of its jti a digest."""

    agent_id: str
    jti_digest: str
    expires_at: int


def read(assertion: str, *, audiences: frozenset[str], now: int) -> Claimed | None:
    """What a well-formed assertion for this server says; its signature is still to be looked at."""
    import jwt  # with cryptography it takes 10 MB, and only agents with keys need it

    if len(assertion) > _LONGEST_TEXT:
        return None
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        return None
    agent_id, jti, exp = claims.get("sub"), claims.get("jti"), claims.get("exp")
    if not isinstance(agent_id, str) or claims.get("iss") != agent_id or not _is_for(claims, audiences):
        return None
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI or not _is_time(exp):
        return None
    expires_at = int(float(exp or 0) * SECOND_MS)
    if not now - LEEWAY_MS < expires_at <= now + LONGEST_MS + LEEWAY_MS or _is_early(claims, now):
        return None
    jti_digest = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()
    return Claimed(agent_id, jti_digest, expires_at)


def is_signed(assertion: str, public_key: str) -> bool:
    """Whether the assertion was signed by the private half of this key (PEM)."""
    import jwt

    from . import jwk

    try:
        # The times are held against the clock that was handed in.
        jwt.decode(
            assertion,
            jwk.from_pem(public_key),
            algorithms=["EdDSA"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def equal(kept: str | None, presented: str) -> bool:
    """Whether two digests are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest((kept or "").encode(), presented.encode())


def _is_for(claims: dict[str, Any], audiences: frozenset[str]) -> bool:
    given = claims.get("aud")
    named = given if isinstance(given, list) else [given]
    return any(isinstance(name, str) and name.rstrip("/") in audiences for name in named)


def _is_early(claims: dict[str, Any], now: int) -> bool:
    begins = claims.get("nbf", 0)
    return not _is_time(begins) or begins * SECOND_MS > now + LEEWAY_MS


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40
