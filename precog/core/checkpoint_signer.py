"""Signs where an audit chain ended, so that whoever keeps that can tell later whether it was cut off.

A signed checkpoint is a compact JWS (RFC 7515, EdDSA). Its key is derived from the server's secret and is in
no table: who can rewrite the database can neither make one nor put a key of its own in the place of that one,
and a checkpoint is good for as long as the secret is kept, however often the keys of tokens are changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ..errors import WrongValue
from . import times
from .sealing import derived

if TYPE_CHECKING:  # it takes 10 MB, and few requests need it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LONGEST = 2_048
_TYPE = "audit-checkpoint"  # in the header, so that no other token of this server passes for one
_PURPOSE = "precog.audit-checkpoint"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where an organization's chain ended at a time (unix ms): its newest entry's number and hash."""

    organization_id: str
    sequence_number: int
    entry_hash: str
    time: int


class CheckpointSigner:
    """Signs by the newest of the server's secrets and reads what any of them has signed; oldest first."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._secret_keys = secret_keys
        self._made: list[Ed25519PrivateKey] | None = None

    @property
    def _keys(self) -> list[Ed25519PrivateKey]:
        from . import jwk

        # No cached_property, whose lock a forked child may find held by a thread that it has not.
        if self._made is None:
            self._made = [jwk.private_of(derived(one, _PURPOSE)) for one in reversed(self._secret_keys)]
        return self._made

    @property
    def public_key(self) -> Ed25519PublicKey:
        """By which anybody can verify what is signed now."""
        return self._keys[0].public_key()

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a compact JWS of `{seq, head, time, org}`."""
        import jwt

        from . import jwk

        payload = {
            "seq": checkpoint.sequence_number,
            "head": checkpoint.entry_hash,
            "time": times.to_rfc3339(checkpoint.time),
            "org": checkpoint.organization_id,
        }
        header = {"typ": _TYPE, "kid": jwk.thumbprint(jwk.to_jwk(self.public_key))}
        return jwt.api_jws.encode(orjson.dumps(payload), self._keys[0], algorithm="EdDSA", headers=header)

    def read(self, text: str) -> Checkpoint:
        """What was signed. Raises WrongValue for what this server did not sign."""
        import jwt

        for key in self._keys if len(text) <= LONGEST else ():
            try:
                found = jwt.api_jws.decode_complete(text, key.public_key(), algorithms=["EdDSA"])
            except (jwt.PyJWTError, ValueError):
                continue
            if found["header"].get("typ") == _TYPE:
                return _from_payload(orjson.loads(found["payload"]))
        raise WrongValue("checkpoint", expected="one that this server signed", received="another string")


def _from_payload(payload: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        organization_id=payload["org"],
        sequence_number=payload["seq"],
        entry_hash=payload["head"],
        time=times.from_rfc3339(payload["time"]),
    )
