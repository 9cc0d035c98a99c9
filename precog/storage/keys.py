"""API keys, as digests."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key: never the key."""

    id: str
    organization_id: str
    system_id: str | None
    kind: str
    name: str
    environment: str
    display: str
    scopes: frozenset[str]
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None
    rotated_to: str | None


def from_row(row: Row) -> ApiKey:
    """The key in a row that has its columns."""
    return ApiKey(
        row["id"],
        row["organization_id"],
        row["system_id"],
        row["kind"],
        row["name"],
        row["environment"],
        row["display"],
        frozenset(row["scopes"].split()),
        row["created_at"],
        row["expires_at"],
        row["last_used_at"],
        row["revoked_at"],
        row["rotated_to"],
    )


ADD = """
INSERT INTO api_keys (id, organization_id, system_id, kind, name, environment, display, digest, scopes,
                      created_at, expires_at)
VALUES (:id, :organization_id, :system_id, :kind, :name, :environment, :display, :digest, :scopes,
        :created_at, :expires_at)
"""


def add(tx: Transaction, key: ApiKey, *, digest: str) -> None:
    """Store a new key."""
    tx.run(
        ADD,
        id=key.id,
        organization_id=key.organization_id,
        system_id=key.system_id,
        kind=key.kind,
        name=key.name,
        environment=key.environment,
        display=key.display,
        digest=digest,
        scopes=" ".join(sorted(key.scopes)),
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


BY_DIGEST = "SELECT * FROM api_keys WHERE digest = :digest"


def by_digest(tx: Transaction, digest: str) -> ApiKey | None:
    """The key with this digest, live or not, or None."""
    row = tx.one(BY_DIGEST, digest=digest)
    return None if row is None else from_row(row)


GET = "SELECT * FROM api_keys WHERE id = :id"


def get(tx: Transaction, id: str) -> ApiKey | None:
    """The key, live or not, or None."""
    row = tx.one(GET, id=id)
    return None if row is None else from_row(row)


ALL = "SELECT * FROM api_keys WHERE organization_id = :organization_id ORDER BY created_at, id"


def all(tx: Transaction, organization_id: str) -> list[ApiKey]:
    """An organization's keys, oldest first, dead ones too."""
    return [from_row(row) for row in tx.all(ALL, organization_id=organization_id)]


ANY = "SELECT 1 AS found FROM api_keys WHERE revoked_at IS NULL LIMIT 1"


def any(tx: Transaction) -> bool:
    """Whether there is a key at all."""
    return tx.one(ANY) is not None


REVOKE = "UPDATE api_keys SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL"


def revoke(tx: Transaction, id: str, *, now: int) -> bool:
    """End the key at once; False when there is none or it has ended."""
    return tx.run(REVOKE, id=id, now=now) > 0


# Only a live key can be replaced, and only once.
REPLACE = """
UPDATE api_keys
SET rotated_to = :rotated_to,
    expires_at = CASE WHEN expires_at IS NOT NULL AND expires_at < :expires_at THEN expires_at
                      ELSE :expires_at END
WHERE id = :id AND revoked_at IS NULL AND rotated_to IS NULL AND (expires_at IS NULL OR expires_at > :now)
"""


def replace(tx: Transaction, id: str, *, rotated_to: str, expires_at: int, now: int) -> bool:
    """Let the key end at `expires_at` at the latest; False when it is not live or was replaced before."""
    return tx.run(REPLACE, id=id, rotated_to=rotated_to, expires_at=expires_at, now=now) > 0


# However many processes see the key, one write a minute.
TOUCH = """
UPDATE api_keys SET last_used_at = :now WHERE id = :id AND (last_used_at IS NULL OR last_used_at <= :before)
"""


def touch(tx: Transaction, id: str, *, now: int, before: int) -> None:
    """Remember that the key was used, unless a use since `before` is remembered."""
    tx.run(TOUCH, id=id, now=now, before=before)
