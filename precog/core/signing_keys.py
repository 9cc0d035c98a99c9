"""The server's own keys, which sign access tokens and are shared by all servers on a database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from ..errors import CannotSign
from ..storage import signing_keys
from ..storage.engine import Database, Transaction
from ..storage.signing_keys import SigningKey
from .sealing import Sealer
from .times import MINUTE_MS, SECOND_MS, Clock

if TYPE_CHECKING:  # it takes 10 MB, and only agents with keys need it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

log = logging.getLogger(__name__)

ACCESS_LIFE_MS = 3_600 * SECOND_MS
CACHE_MS = 2_000  # how long another process's rotation may go unnoticed
JWKS_MAX_AGE_S = 300  # how long a verifier may remember what is published
PUBLISHED_AHEAD_MS = JWKS_MAX_AGE_S * SECOND_MS + 5 * CACHE_MS
_GRACE_MS = MINUTE_MS  # for what another process signs until then, and clocks that differ


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of a moment: all that tokens may be signed by, and the one that signs, if it can be opened."""

    kid: str
    signer: Signer | None
    public: Mapping[str, Ed25519PublicKey]
    jwks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rotation:
    """A new key, and when it begins to sign."""

    kid: str
    signs_from: int


class SigningKeys:
    """Makes the first key when it is needed, and remembers what the database said for CACHE_MS."""

    def __init__(self, db: Database, *, secret_keys: Sequence[str], clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._sealer = Sealer(secret_keys, purpose="precog.signing-key")
        self._lock = threading.Lock()
        self._held: tuple[Ring, int] | None = None

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Ask the database again."""
        self._held = None

    def ring(self) -> Ring:
        """The present keys. Raises StorageUnavailable."""
        now = self._clock()
        held = self._held
        if held is not None and held[1] - CACHE_MS <= now < held[1]:
            return held[0]
        with self._lock:
            ring = self._load(now)
            self._held = (ring, now + CACHE_MS)
        return ring

    def signer(self) -> Signer:
        """The key that signs. Raises CannotSign when this server cannot open it, or StorageUnavailable."""
        ring = self.ring()
        if ring.signer is None:
            log.error(
                "the signing key %s was sealed under a secret_key that this server does not have; "
                "give it that one too, or run `precog keys rotate-signing`",
                ring.kid,
            )
            raise CannotSign()
        return ring.signer

    def public(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that name; another process may have begun to sign by it just now."""
        found = self.ring().public.get(kid)
        if found is None:
            self.forget()
            found = self.ring().public.get(kid)
        return found

    def rotate(self) -> Rotation:
        """Publish a new key now, and sign by it once nobody can remember what was published before.

        The old one stays published while its tokens are good. One that this server cannot open is not
        waited for.
        """
        now = self._clock()
        signs_from = now if self.ring().signer is None else now + PUBLISHED_AHEAD_MS
        return self._begin(self._db.write(self._rotate, now=now, signs_from=signs_from))

    def withdraw(self) -> Rotation:
        """Sign by a new key at once, and take all others away: no access token from before is good."""
        return self._begin(self._db.write(self._withdraw, now=self._clock()))

    def _begin(self, newest: SigningKey) -> Rotation:
        self.forget()
        return Rotation(newest.kid, newest.signs_from)

    def _load(self, now: int) -> Ring:
        from . import jwk

        found = self._db.read(signing_keys.published, now=now)
        if not any(key.retired_at is None for key in found):
            self._db.write(self._add, now=now, signs_from=now)
            found = self._db.read(signing_keys.published, now=now)
        present = _present(found, now)
        if any(key.private_sealed and key.signs_from < present.signs_from for key in found):
            self._db.post(signing_keys.wipe, now=now)
        jwks = [orjson.loads(key.public_jwk) for key in found]
        return Ring(
            kid=present.kid,
            signer=self._signer(present),
            public={one["kid"]: jwk.from_jwk(one) for one in jwks},
            jwks=tuple(jwks),
        )

    def _signer(self, key: SigningKey) -> Signer | None:
        from . import jwk

        raw = self._sealer.open(key.private_sealed, name=key.kid)
        if raw is None:
            return None
        if not self._sealer.is_current(key.private_sealed, name=key.kid):
            sealed = self._sealer.seal(raw, name=key.kid)
            self._db.post(signing_keys.reseal, key.kid, before=key.private_sealed, private_sealed=sealed)
        return Signer(key.kid, jwk.private_of(raw))

    def _rotate(self, tx: Transaction, *, now: int, signs_from: int) -> SigningKey:
        signing_keys.forget(tx, now=now)
        signing_keys.retire(tx, at=signs_from, until=signs_from + ACCESS_LIFE_MS + _GRACE_MS)
        signing_keys.wipe(tx, now=now)
        return self._add(tx, now=now, signs_from=signs_from)

    def _withdraw(self, tx: Transaction, *, now: int) -> SigningKey:
        signing_keys.withdraw(tx)
        return self._add(tx, now=now, signs_from=now)

    def _add(self, tx: Transaction, *, now: int, signs_from: int) -> SigningKey:
        """Store a new key; the newest there is, which is another's when that was first."""
        from . import jwk

        private = jwk.new()
        bare = jwk.to_jwk(private.public_key())
        kid = jwk.thumbprint(bare)
        raw = private.private_bytes_raw()
        made = SigningKey(
            kid=kid,
            public_jwk=orjson.dumps({**bare, "kid": kid, "use": "sig", "alg": "EdDSA"}).decode(),
            private_sealed=self._sealer.seal(raw, name=kid),
            created_at=now,
            signs_from=signs_from,
            retired_at=None,
        )
        if signing_keys.add(tx, made):
            return made
        return next(key for key in signing_keys.published(tx, now=now) if key.retired_at is None)


def _present(found: Sequence[SigningKey], now: int) -> SigningKey:
    """Of the published keys, newest first, the one that signs now.

    A server whose clock is behind may find that none has begun; then it is the one that begins first.
    """
    signing = [key for key in found if key.private_sealed]
    return next((key for key in signing if key.signs_from <= now), signing[-1])
