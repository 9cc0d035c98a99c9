"""What a retry is answered with."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Transaction


@dataclass(frozen=True, slots=True)
class Claim:
    """The first use of a key."""

    fingerprint: str
    interaction_id: str


ADD = """
INSERT INTO idempotency_keys (organization_id, idempotency_key, fingerprint, interaction_id, created_at)
VALUES (:organization_id, :key, :fingerprint, :interaction_id, :now)
ON CONFLICT (organization_id, idempotency_key) DO NOTHING
RETURNING interaction_id
"""


def add(
    tx: Transaction, organization_id: str, key: str, *, fingerprint: str, interaction_id: str, now: int
) -> bool:
    """Claim the key for an interaction; False when it is taken."""
    row = tx.one(
        ADD,
        organization_id=organization_id,
        key=key,
        fingerprint=fingerprint,
        interaction_id=interaction_id,
        now=now,
    )
    return row is not None


GET = """
SELECT fingerprint, interaction_id FROM idempotency_keys
WHERE organization_id = :organization_id AND idempotency_key = :key
"""


def get(tx: Transaction, organization_id: str, key: str) -> Claim | None:
    """Who claimed the key, or None."""
    row = tx.one(GET, organization_id=organization_id, key=key)
    return None if row is None else Claim(row["fingerprint"], row["interaction_id"])


# A few at a time, by whoever adds one, so that no scheduler is needed.
FORGET = """
DELETE FROM idempotency_keys WHERE (organization_id, idempotency_key) IN (
    SELECT organization_id, idempotency_key FROM idempotency_keys WHERE created_at < :before
    ORDER BY created_at LIMIT 4
)
"""


def forget_before(tx: Transaction, before: int) -> None:
    """Delete a few keys that were claimed before a time."""
    tx.run(FORGET, before=before)
