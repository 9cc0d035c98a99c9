"""The keys that sign access tokens: the present one, those whose tokens are good, and perhaps the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key; `public_jwk` is JSON, `private_sealed` '' once it signs no more. `retired_at` may be ahead."""

    kid: str
    public_jwk: str
    private_sealed: str = field(repr=False)
    created_at: int
    signs_from: int
    retired_at: int | None


def from_row(row: Row) -> SigningKey:
    """The key in a row that has its columns."""
    return SigningKey(
        row["kid"],
        row["public_jwk"],
        row["private_sealed"],
        row["created_at"],
        row["signs_from"],
        row["retired_at"],
    )


# Of two servers that make the first key at once, one does; so of two that rotate.
ADD = """
INSERT INTO signing_keys (kid, public_jwk, private_sealed, created_at, signs_from, last_signed_until)
VALUES (:kid, :public_jwk, :private_sealed, :created_at, :signs_from, 0)
ON CONFLICT DO NOTHING
RETURNING kid
"""


def add(tx: Transaction, key: SigningKey) -> bool:
    """Store the newest key; False when there is one that nothing has put an end to."""
    row = tx.one(
        ADD,
        kid=key.kid,
        public_jwk=key.public_jwk,
        private_sealed=key.private_sealed,
        created_at=key.created_at,
        signs_from=key.signs_from,
    )
    return row is not None


PUBLISHED = """
SELECT * FROM signing_keys WHERE retired_at IS NULL OR last_signed_until > :now
ORDER BY signs_from DESC, kid
"""


def published(tx: Transaction, *, now: int) -> list[SigningKey]:
    """The keys by which a token that is good now, or soon, may be signed; the newest first."""
    return [from_row(row) for row in tx.all(PUBLISHED, now=now)]


RETIRE = "UPDATE signing_keys SET retired_at = :at, last_signed_until = :until WHERE retired_at IS NULL"


def retire(tx: Transaction, *, at: int, until: int) -> None:
    """Put an end to the newest key: when it signs no more, and until when its last token is good."""
    tx.run(RETIRE, at=at, until=until)


WITHDRAW = "DELETE FROM signing_keys"


def withdraw(tx: Transaction) -> None:
    """Take every key away, and with it all tokens that it signed."""
    tx.run(WITHDRAW)


RESEAL = """
UPDATE signing_keys SET private_sealed = :private_sealed WHERE kid = :kid AND private_sealed = :before
"""


def reseal(tx: Transaction, kid: str, *, before: str, private_sealed: str) -> None:
    """Keep the private half under another secret, unless somebody else was first."""
    tx.run(RESEAL, kid=kid, before=before, private_sealed=private_sealed)


WIPE = "UPDATE signing_keys SET private_sealed = '' WHERE retired_at <= :now AND private_sealed <> ''"


def wipe(tx: Transaction, *, now: int) -> None:
    """Forget the private half of the keys that sign no more."""
    tx.run(WIPE, now=now)


FORGET = "DELETE FROM signing_keys WHERE retired_at IS NOT NULL AND last_signed_until <= :now"


def forget(tx: Transaction, *, now: int) -> None:
    """Drop the keys whose last token has expired."""
    tx.run(FORGET, now=now)
