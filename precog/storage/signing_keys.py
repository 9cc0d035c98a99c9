"""The keys that sign access tokens: one that signs, and those whose tokens are still good."""

from __future__ import annotations

from dataclasses import dataclass, field

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key; `public_jwk` is JSON, `private_sealed` '' once it signs no more."""

    kid: str
    public_jwk: str
    private_sealed: str = field(repr=False)
    created_at: int
    retired_at: int | None


def from_row(row: Row) -> SigningKey:
    """The key in a row that has its columns."""
    return SigningKey(
        row["kid"], row["public_jwk"], row["private_sealed"], row["created_at"], row["retired_at"]
    )


# Of two servers that make the first key at once, one does.
ADD = """
INSERT INTO signing_keys (kid, public_jwk, private_sealed, created_at, last_signed_until)
VALUES (:kid, :public_jwk, :private_sealed, :created_at, 0)
ON CONFLICT DO NOTHING
RETURNING kid
"""


def add(tx: Transaction, *, kid: str, public_jwk: str, private_sealed: str, created_at: int) -> bool:
    """Store the key that signs from now on; False when there is one already."""
    row = tx.one(ADD, kid=kid, public_jwk=public_jwk, private_sealed=private_sealed, created_at=created_at)
    return row is not None


PUBLISHED = """
SELECT * FROM signing_keys WHERE retired_at IS NULL OR last_signed_until > :now
ORDER BY created_at DESC, kid
"""


def published(tx: Transaction, *, now: int) -> list[SigningKey]:
    """The keys by which a token that is good now may be signed, newest first."""
    return [from_row(row) for row in tx.all(PUBLISHED, now=now)]


RETIRE = """
UPDATE signing_keys SET retired_at = :now, private_sealed = '', last_signed_until = :until
WHERE retired_at IS NULL
"""


def retire(tx: Transaction, *, now: int, until: int) -> None:
    """Sign no more by the present key, whose tokens are good until then."""
    tx.run(RETIRE, now=now, until=until)


FORGET = "DELETE FROM signing_keys WHERE retired_at IS NOT NULL AND last_signed_until <= :now"


def forget(tx: Transaction, *, now: int) -> None:
    """Drop the keys whose last token has expired."""
    tx.run(FORGET, now=now)
