"""Encrypts what must not stand in the database in clear, under keys derived from the server's secret."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes 10 MB, and only agents with keys need it
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Sealer:
    """Seals with the newest of the server's secrets, and opens with every one; oldest first.

    `purpose` keeps what was sealed for one thing from being opened for another.
    """

    def __init__(self, secret_keys: Sequence[str], *, purpose: str) -> None:
        self._secret_keys = secret_keys
        self._purpose = purpose
        self._made: list[AESGCM] | None = None

    @property
    def _ciphers(self) -> list[AESGCM]:
        # No cached_property, whose lock a forked child may find held by a thread that it has not.
        if self._made is None:
            self._made = [_cipher(secret, self._purpose) for secret in reversed(self._secret_keys)]
        return self._made

    def seal(self, content: bytes, *, name: str) -> str:
        """The content, readable again only under the same name."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, content, name.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, *, name: str) -> bytes | None:
        """What was sealed; None when it was altered, or sealed under no secret of this server."""
        for cipher in self._ciphers:
            content = _opened(cipher, sealed, name)
            if content is not None:
                return content
        return None

    def is_current(self, sealed: str, *, name: str) -> bool:
        """Whether it was sealed under the newest of the secrets."""
        return _opened(self._ciphers[0], sealed, name) is not None


def _opened(cipher: AESGCM, sealed: str, name: str) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        raw = base64.urlsafe_b64decode(sealed)
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
    except (binascii.Error, InvalidTag, ValueError):
        return None


def _cipher(secret: str, purpose: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(derived(secret, purpose))


def derived(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, by HKDF with SHA-256 (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())
