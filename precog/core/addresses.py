"""Addresses that requests come from, as they are counted."""

from __future__ import annotations

import ipaddress
import re

NOWHERE = "unknown"
"""What is counted of everything that is no address: one place, whatever it says."""

_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_CUSTOMER_BITS = 64  # of an IPv6 address; the rest one customer chooses


def without_port(address: str) -> str:
    """The address without brackets and port: some proxies write those of the connection beside it."""
    match = _WITH_PORT.fullmatch(address.strip())
    return (match[1] or match[2]) if match else address.strip()


def network_of(address: str) -> str:
    """What is counted of an address: all of IPv4, and of IPv6 the 64 bits that one customer has."""
    try:
        found = ipaddress.ip_address(without_port(address).partition("%")[0])
    except ValueError:
        return NOWHERE  # a socket's path, say
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _CUSTOMER_BITS), strict=False))
