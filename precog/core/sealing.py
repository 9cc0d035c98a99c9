"""Encrypts what must not stand in the database in clear, under keys derived from the server's secret."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Sealer:
    """Seals with the newest of the server's secrets, and opens with every one; oldest first.

    `purpose` keeps what was sealed for one thing from being opened for another.
    """

    def __init__(self, secret_keys: Sequence[str], *, purpose: str) -> None:
        self._ciphers = [AESGCM(_derived(secret, purpose)) for secret in reversed(secret_keys)]

    def seal(self, content: bytes, *, name: str) -> str:
        """The content, readable again only under the same name."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, content, name.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, *, name: str) -> bytes | None:
        """What was sealed; None when it was altered, or sealed under no secret of this server."""
        try:
            raw = base64.urlsafe_b64decode(sealed)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
            except (InvalidTag, ValueError):
                continue
        return None


def _derived(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())
