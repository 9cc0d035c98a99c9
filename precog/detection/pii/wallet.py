"""Crypto wallets, by the checksums of their addresses; Ethereum's are told by their form alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from ..findings import Finding
from .page import Page

_CHECKS = 500

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUES = {char: value for value, char in enumerate(_BASE58)}
_BASE58_WALLET = re.compile(rf"(?<![0-9A-Za-z_])[13LMDTA9][{_BASE58}]{{25,34}}(?![0-9A-Za-z_])")
# Bitcoin, its script hashes, Litecoin (two), Dogecoin (two), Tron.
_VERSIONS = frozenset((0x00, 0x05, 0x30, 0x32, 0x1E, 0x16, 0x41))
_BECH32_WALLET = re.compile(r"(?<![0-9A-Za-z_])(?:bc1|ltc1)[02-9ac-hj-np-z]{8,87}(?![0-9A-Za-z_])")
_ETHEREUM_WALLET = re.compile(r"(?<![0-9A-Za-z_])0x[0-9a-fA-F]{40}(?![0-9A-Za-z_])")


HINTS = {
    "base58": r"\b[13lmdta9][1-9a-z]{25,34}\b",
    "bech32": r"\b(?:bc1|ltc1)[02-9a-z]{8}",
    "ethereum": r"\b0x[0-9a-f]{40}\b",
}


def find(page: Page) -> Iterator[Finding]:
    """Addresses of Bitcoin and its like, Tron and Ethereum."""
    text = page.text
    for match in _BASE58_WALLET.finditer(text) if "base58" in page.hints else ():
        if page.spend("wallet", _CHECKS) and _is_base58check(match[0]):
            yield _finding(0.95, *match.span())
    if "bech32" in page.hints:
        for match in _BECH32_WALLET.finditer(page.lower):
            if page.spend("wallet", _CHECKS) and is_bech32(match[0]):
                yield _finding(0.95, *match.span())
    if "ethereum" in page.hints:
        for match in _ETHEREUM_WALLET.finditer(text):
            yield _finding(0.7, *match.span())


def _finding(score: float, start: int, end: int) -> Finding:
    return Finding("pii_leakage", "pii.crypto_wallet", score, (start, end), label="CRYPTO_WALLET")


def _is_base58check(address: str) -> bool:
    value = 0
    for char in address:
        value = value * 58 + _BASE58_VALUES[char]
    if value.bit_length() > 200:
        return False
    raw = value.to_bytes(25, "big")
    check = hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()
    return raw[0] in _VERSIONS and raw[21:] == check[:4]


_BECH32 = {char: value for value, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def is_bech32(address: str) -> bool:
    """Whether a lower-case address carries the checksum of bech32 (first of its kind) or bech32m (since)."""
    prefix, _, data = address.rpartition("1")
    expanded = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = 1
    for value in expanded + [_BECH32[char] for char in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check in (1, 0x2BC830A3)
