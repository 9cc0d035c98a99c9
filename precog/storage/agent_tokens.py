"""Refresh tokens, access tokens that were ended early, and assertions that were used."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Transaction

FORGET_AT_ONCE = 20  # old rows that one write takes away


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token, without what it is recognised by."""

    id: str
    agent: str
    organization_id: str
    expires_at: int
    revoked_at: int | None


ADD = """
INSERT INTO refresh_tokens (id, agent, organization_id, digest, created_at, expires_at)
VALUES (:id, :agent, :organization_id, :digest, :created_at, :expires_at)
"""


def add(
    tx: Transaction,
    *,
    id: str,
    agent: str,
    organization_id: str,
    digest: str,
    created_at: int,
    expires_at: int,
) -> None:
    """Store a refresh token."""
    tx.run(
        ADD,
        id=id,
        agent=agent,
        organization_id=organization_id,
        digest=digest,
        created_at=created_at,
        expires_at=expires_at,
    )


BY_DIGEST = "SELECT * FROM refresh_tokens WHERE digest = :digest"


def by_digest(tx: Transaction, digest: str) -> RefreshToken | None:
    """The refresh token, however it has ended, or None."""
    row = tx.one(BY_DIGEST, digest=digest)
    if row is None:
        return None
    return RefreshToken(row["id"], row["agent"], row["organization_id"], row["expires_at"], row["revoked_at"])


REVOKE = "UPDATE refresh_tokens SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL"


def revoke(tx: Transaction, id: str, *, now: int) -> bool:
    """End a refresh token; False when it has ended."""
    return tx.run(REVOKE, id=id, now=now) > 0


END_ACCESS = """
INSERT INTO revoked_tokens (jti, expires_at) VALUES (:jti, :expires_at)
ON CONFLICT (jti) DO NOTHING
RETURNING jti
"""


def end_access(tx: Transaction, jti: str, *, expires_at: int) -> bool:
    """End an access token, or those of a refresh token's id, before they expire; False when done before."""
    return tx.one(END_ACCESS, jti=jti, expires_at=expires_at) is not None


IS_ENDED = "SELECT jti FROM revoked_tokens WHERE jti IN (:jti, :sid)"


def is_ended(tx: Transaction, jti: str, sid: str) -> bool:
    """Whether an access token was ended before it expired, or the refresh token that it came of."""
    return tx.one(IS_ENDED, jti=jti, sid=sid) is not None


USE_ASSERTION = """
INSERT INTO used_assertions (agent, jti, expires_at) VALUES (:agent, :jti, :expires_at)
ON CONFLICT (agent, jti) DO NOTHING
RETURNING jti
"""


def use_assertion(tx: Transaction, agent: str, jti: str, *, expires_at: int) -> bool:
    """Take an assertion; False when it was taken before."""
    return tx.one(USE_ASSERTION, agent=agent, jti=jti, expires_at=expires_at) is not None


FORGET_REFRESH = """
DELETE FROM refresh_tokens WHERE id IN
    (SELECT id FROM refresh_tokens WHERE expires_at < :now ORDER BY expires_at LIMIT :at_once)
"""
FORGET_ENDED = """
DELETE FROM revoked_tokens WHERE jti IN
    (SELECT jti FROM revoked_tokens WHERE expires_at < :now ORDER BY expires_at LIMIT :at_once)
"""
FORGET_USED = "DELETE FROM used_assertions WHERE expires_at < :now"


def forget(tx: Transaction, *, now: int) -> None:
    """Drop some of what has expired, so that no table grows without bound."""
    tx.run(FORGET_REFRESH, now=now, at_once=FORGET_AT_ONCE)
    tx.run(FORGET_ENDED, now=now, at_once=FORGET_AT_ONCE)
    tx.run(FORGET_USED, now=now)
