"""Agents that have a key: rows of the agents' table, under their UUID."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class Identity:
    """One agent with a key; `scopes` is JSON. `revoked_at` is for good, `suspended_at` until it is lifted."""

    id: str
    organization_id: str
    name: str
    public_key: str
    key_fingerprint: str
    scopes: str
    created_at: int
    updated_at: int | None
    deactivated_at: int | None
    suspended_at: int | None
    revoked_at: int | None
    last_auth_at: int | None


def from_row(row: Row) -> Identity:
    """The agent in a row that has its columns."""
    return Identity(
        id=row["id"],
        organization_id=row["organization_id"],
        name=row["name"],
        public_key=row["public_key"],
        key_fingerprint=row["key_fingerprint"],
        scopes=row["scopes"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deactivated_at=row["deactivated_at"],
        suspended_at=row["suspended_at"],
        revoked_at=row["revoked_at"],
        last_auth_at=row["last_auth_at"],
    )


ADD = """
INSERT INTO agents (id, organization_id, agent_id, created_at, name, public_key, key_fingerprint,
                    secret_digest, scopes, updated_at)
VALUES (:id, :organization_id, :id, :created_at, :name, :public_key, :key_fingerprint,
        :secret_digest, :scopes, :created_at)
"""


def add(tx: Transaction, identity: Identity, *, secret_digest: str) -> None:
    """Store a new agent."""
    tx.run(
        ADD,
        id=identity.id,
        organization_id=identity.organization_id,
        created_at=identity.created_at,
        name=identity.name,
        public_key=identity.public_key,
        key_fingerprint=identity.key_fingerprint,
        secret_digest=secret_digest,
        scopes=identity.scopes,
    )


GET = """
SELECT * FROM agents
WHERE organization_id = :organization_id AND agent_id = :id AND public_key IS NOT NULL
"""


def get(tx: Transaction, organization_id: str, id: str) -> Identity | None:
    """The organization's agent of that id, or None."""
    row = tx.one(GET, organization_id=organization_id, id=id)
    return None if row is None else from_row(row)


BY_ID = "SELECT * FROM agents WHERE id = :id AND public_key IS NOT NULL"


def by_id(tx: Transaction, id: str) -> Identity | None:
    """The agent of that id, whoever it belongs to, or None."""
    row = tx.one(BY_ID, id=id)
    return None if row is None else from_row(row)


DIGEST = "SELECT secret_digest FROM agents WHERE id = :id"


def secret_digest(tx: Transaction, id: str) -> str | None:
    """What is kept of the agent's secret."""
    row = tx.one(DIGEST, id=id)
    return None if row is None else row["secret_digest"]


PAGE = """
SELECT * FROM agents
WHERE organization_id = :organization_id AND public_key IS NOT NULL
  AND (CAST(:status AS TEXT) IS NULL OR :status =
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
            WHEN suspended_at IS NOT NULL OR deactivated_at IS NOT NULL THEN 'suspended'
            ELSE 'active' END)
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
"""


def page(
    tx: Transaction, organization_id: str, *, status: str | None, limit: int, offset: int
) -> list[Identity]:
    """The organization's agents, newest first; of all statuses when `status` is None."""
    rows = tx.all(PAGE, organization_id=organization_id, status=status, limit=limit, offset=offset)
    return [from_row(row) for row in rows]


COUNT = """
SELECT COUNT(*) AS number FROM agents
WHERE organization_id = :organization_id AND public_key IS NOT NULL
  AND (CAST(:status AS TEXT) IS NULL OR :status =
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
            WHEN suspended_at IS NOT NULL OR deactivated_at IS NOT NULL THEN 'suspended'
            ELSE 'active' END)
"""


def count(tx: Transaction, organization_id: str, *, status: str | None) -> int:
    """How many such agents there are."""
    row = tx.one(COUNT, organization_id=organization_id, status=status)
    return 0 if row is None else int(row["number"])


REVOKE = """
UPDATE agents SET revoked_at = :now, updated_at = :now
WHERE organization_id = :organization_id AND agent_id = :id AND public_key IS NOT NULL AND revoked_at IS NULL
"""


def revoke(tx: Transaction, organization_id: str, id: str, *, now: int) -> bool:
    """End the agent for good; False when it has ended before, or there is none."""
    return tx.run(REVOKE, organization_id=organization_id, id=id, now=now) > 0


SUSPEND = """
UPDATE agents SET suspended_at = :now, updated_at = :now
WHERE organization_id = :organization_id AND agent_id = :id AND public_key IS NOT NULL
  AND revoked_at IS NULL AND suspended_at IS NULL
"""


def suspend(tx: Transaction, organization_id: str, id: str, *, now: int) -> bool:
    """Stop an agent for now; False when it is stopped."""
    return tx.run(SUSPEND, organization_id=organization_id, id=id, now=now) > 0


RESUME = """
UPDATE agents SET suspended_at = NULL, updated_at = :now
WHERE organization_id = :organization_id AND agent_id = :id AND public_key IS NOT NULL
  AND revoked_at IS NULL AND suspended_at IS NOT NULL
"""


def resume(tx: Transaction, organization_id: str, id: str, *, now: int) -> bool:
    """Let a suspended agent go on; False when there is no such one."""
    return tx.run(RESUME, organization_id=organization_id, id=id, now=now) > 0


DESCRIBE = """
UPDATE agents SET name = COALESCE(:name, name), scopes = COALESCE(:scopes, scopes), updated_at = :now
WHERE organization_id = :organization_id AND agent_id = :id AND public_key IS NOT NULL AND revoked_at IS NULL
"""


def describe(
    tx: Transaction, organization_id: str, id: str, *, name: str | None, scopes: str | None, now: int
) -> bool:
    """Change the name and scopes, where they are given; False when there is none, or it was revoked."""
    return tx.run(DESCRIBE, organization_id=organization_id, id=id, name=name, scopes=scopes, now=now) > 0


SEEN = """
UPDATE agents SET last_auth_at = :now
WHERE id = :id AND (last_auth_at IS NULL OR last_auth_at < :before)
"""


def seen(tx: Transaction, id: str, *, now: int, before: int) -> None:
    """The agent was here, unless it is known to have been since `before`."""
    tx.run(SEEN, id=id, now=now, before=before)
