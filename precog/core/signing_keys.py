"""The server's own keys, which sign access tokens and are shared by all servers on a database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ..errors import StorageUnavailable
from ..storage import signing_keys
from ..storage.engine import Database, Transaction
from . import jwk
from .sealing import Sealer
from .times import MINUTE_MS, SECOND_MS, Clock

log = logging.getLogger(__name__)

ACCESS_LIFE_MS = 3_600 * SECOND_MS
CACHE_MS = 2_000  # how long another process's rotation may go unnoticed
_GRACE_MS = MINUTE_MS  # for what another process signs until then, and clocks that differ


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of a moment: the one that signs, and all that tokens may be signed by."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    public: Mapping[str, Ed25519PublicKey]
    jwks: tuple[Mapping[str, str], ...]


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
        """The present keys. Raises StorageUnavailable, also when this server cannot open the newest."""
        now = self._clock()
        held = self._held
        if held is not None and held[1] - CACHE_MS <= now < held[1]:
            return held[0]
        with self._lock:
            ring = self._load(now)
            self._held = (ring, now + CACHE_MS)
        return ring

    def public(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that name; another process may have begun to sign by it just now."""
        found = self.ring().public.get(kid)
        if found is None:
            self.forget()
            found = self.ring().public.get(kid)
        return found

    def rotate(self) -> str:
        """Sign by a new key from now on; its id. The old one stays published while its tokens are good."""
        kid = self._db.write(self._rotate, now=self._clock())
        self.forget()
        return kid

    def _load(self, now: int) -> Ring:
        found = self._db.read(signing_keys.published, now=now)
        if not any(key.retired_at is None for key in found):
            self._db.write(self._add, now=now)
            found = self._db.read(signing_keys.published, now=now)
        signing = next(key for key in found if key.retired_at is None)
        raw = self._sealer.open(signing.private_sealed, name=signing.kid)
        if raw is None:
            log.error(
                "the signing key %s was sealed under a secret_key that this server does not have; "
                "give it that one too, or run `precog keys rotate-signing`",
                signing.kid,
            )
            raise StorageUnavailable()
        jwks = [orjson.loads(key.public_jwk) for key in found]
        return Ring(
            kid=signing.kid,
            private=Ed25519PrivateKey.from_private_bytes(raw),
            public={one["kid"]: jwk.from_jwk(one) for one in jwks},
            jwks=tuple(jwks),
        )

    def _rotate(self, tx: Transaction, *, now: int) -> str:
        signing_keys.forget(tx, now=now)
        signing_keys.retire(tx, now=now, until=now + ACCESS_LIFE_MS + _GRACE_MS)
        return self._add(tx, now=now)

    def _add(self, tx: Transaction, *, now: int) -> str:
        private = Ed25519PrivateKey.generate()
        bare = jwk.to_jwk(private.public_key())
        kid = jwk.thumbprint(bare)
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        signing_keys.add(
            tx,
            kid=kid,
            public_jwk=orjson.dumps({**bare, "kid": kid, "use": "sig", "alg": "EdDSA"}).decode(),
            private_sealed=self._sealer.seal(raw, name=kid),
            created_at=now,
        )
        return kid
