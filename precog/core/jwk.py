"""Ed25519 keys: new ones, and public ones as PEM and as JSON Web Keys (RFC 8037).

Whoever uses this imports it where it is used: cryptography takes 10 MB, and only agents with keys need it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

_LONGEST_PEM = 4_096


def new() -> Ed25519PrivateKey:
    """A new key."""
    return Ed25519PrivateKey.generate()


def private_of(raw: bytes) -> Ed25519PrivateKey:
    """The key whose private half is these 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(raw)


def private_pem(key: Ed25519PrivateKey) -> str:
    """The private half as PKCS #8 in PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def to_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The key's own members, and nothing about its use."""
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}


def from_jwk(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    """The key in a JWK. Raises ValueError for any other, and for one with a private half."""
    x = jwk.get("x")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or not isinstance(x, str) or "d" in jwk:
        raise ValueError("not an Ed25519 public key")
    try:
        raw = base64.b64decode(x + "=" * (-len(x) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    return Ed25519PublicKey.from_public_bytes(raw)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The key's RFC 7638 thumbprint, by SHA-256."""
    needed = {name: jwk[name] for name in ("crv", "kty", "x")}
    return _base64url(hashlib.sha256(orjson.dumps(needed, option=orjson.OPT_SORT_KEYS)).digest())


def to_pem(key: Ed25519PublicKey) -> str:
    """The key as SubjectPublicKeyInfo in PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def from_pem(pem: str) -> Ed25519PublicKey:
    """The key in a PEM text. Raises ValueError for any other."""
    if len(pem) > _LONGEST_PEM or "PRIVATE" in pem:
        raise ValueError("not a public key")
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("not an Ed25519 public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 public key")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """`sha256:` and the SHA-256 of the DER of the key, in hex."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
