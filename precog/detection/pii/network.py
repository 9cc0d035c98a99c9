"""Addresses of machines, which lead to the people behind them: IP and MAC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ..findings import Finding
from .page import Page, in_word, mentions, words

_CHECKS = 500
_V4 = re.compile(
    r"[0-9](?<![0-9A-Za-z_.-].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_]|\.[0-9A-Za-z]|-[0-9A-Za-z])"
)
# A run of the characters of an address is entered only at its beginning and never given back: linear.
_V6 = re.compile(r"[0-9A-Fa-f:](?<![0-9A-Za-z_:.].)(?:(?<=:)|[0-9A-Fa-f]{0,3}+:)[0-9A-Fa-f:.]++")
_MAC = re.compile(
    r"(?<![0-9A-Za-z_:-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z_]|[:-][0-9A-Fa-f])"
)
_DOTTED_MAC = re.compile(
    r"(?<![0-9A-Za-z_.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![0-9A-Za-z_]|\.[0-9A-Fa-f])"
)
_IP_WORDS = words("ip*, address*, host*, server*, client*, ping*, network*, dns, gateway, ssh")
_MAC_WORDS = words("mac, ethernet, hardware address, bssid, wifi, device*")
_OTHER_WORDS = words("""
    version*, v, ver, release*, build, firmware, upgrade*, section, chapter, clause, article, oid,
    figure, table, paragraph, package, rev, revision
""")


HINTS = {
    "v4": r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
    "v6": "[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:]",
    "mac": r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b|\b[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b",
}


def find(page: Page) -> Iterator[Finding]:
    """IP addresses of both versions, and MAC addresses."""
    if "v6" in page.hints:
        yield from _v6(page)
    if "v4" in page.hints:
        yield from _v4(page)
    if "mac" in page.hints:
        yield from _macs(page)


def _finding(name: str, score: float, span: tuple[int, int]) -> Finding:
    return Finding("pii_leakage", f"pii.{name}", score, span, label=name.upper())


def _v4(page: Page) -> Iterator[Finding]:
    for match in _V4.finditer(page.text):
        if not page.spend("ip", _CHECKS):
            return
        try:
            address = ipaddress.IPv4Address(match[0])
        except ValueError:
            continue
        start, end = match.span()
        before = page.before(start, 24)
        if mentions(" " + " ".join(before.split()[-2:]) + " ", _OTHER_WORDS):
            continue
        yield _finding("ip", _v4_score(address, mentions(before, _IP_WORDS)), (start, end))


def _v4_score(address: ipaddress.IPv4Address, named: bool) -> float:
    """Machines that all the world has, or that are reached from nowhere else, tell little of anybody."""
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved:
        return 0.2
    if address.is_private or address.is_link_local:
        return 0.4
    # 1.2.3.4 and 8.8.8.8 are examples, name servers or versions far more often than anybody's address.
    if not named and all(octet < 20 for octet in address.packed):
        return 0.3
    return 0.85 if named else 0.75


def _v6(page: Page) -> Iterator[Finding]:
    for match in _V6.finditer(page.text):
        text = match[0].rstrip(".")
        if text.endswith(":") and not text.endswith("::"):
            text = text[:-1]
        start, end = match.start(), match.start() + len(text)
        if not 3 < len(text) < 46 or text.count(":") < 2 or in_word(page.text[end : end + 1]):
            continue
        if not page.spend("ip", _CHECKS):
            return
        yield from _v6_address(page, text, (start, end))


def _v6_address(page: Page, text: str, span: tuple[int, int]) -> Iterator[Finding]:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        yield _finding("ip", 0.2, span)
        return
    named = mentions(page.before(span[0], 24), _IP_WORDS)
    # `a::b` is a name in half a dozen programming languages.
    if named or (len(text) > 8 and sum(map(bool, text.split(":"))) > 2):
        yield _finding("ip", 0.85 if address.is_global else 0.5, span)


def _macs(page: Page) -> Iterator[Finding]:
    for match in _MAC.finditer(page.text):
        digits = match[0].replace("-", "").replace(":", "").lower()
        if digits not in ("0" * 12, "f" * 12) and (":" in match[0] or not digits.isdecimal()):
            yield _finding("mac", 0.85, match.span())
    for match in _DOTTED_MAC.finditer(page.text):
        if page.spend("mac", _CHECKS) and mentions(page.before(match.start(), 30), _MAC_WORDS):
            yield _finding("mac", 0.8, match.span())
