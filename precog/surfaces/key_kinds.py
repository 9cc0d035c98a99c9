"""The kinds of API key, each known to its clients by a prefix, and the headers that they send it in."""

from __future__ import annotations

from ..core.administration import KeyRequest
from ..core.keys import DEFAULT_SCOPES, SCOPES

PREFIXES = {"precogx": "px_live_", "agentid": "sk_live_", "certusordo": "aa_"}

# As WSGI spells x-api-key and x-agentid-api-key.
KEY_HEADERS = ("HTTP_X_API_KEY", "HTTP_X_AGENTID_API_KEY")

# Clients of this kind are bound to one system and send its id.
SYSTEM_BOUND = "agentid"


def first_keys() -> list[KeyRequest]:
    """One key of each kind, for an empty instance."""
    return [
        KeyRequest(
            kind=kind,
            prefix=prefix,
            name=f"first {kind} key",
            scopes=DEFAULT_SCOPES if kind == SYSTEM_BOUND else frozenset(SCOPES),
            system="default" if kind == SYSTEM_BOUND else None,
        )
        for kind, prefix in PREFIXES.items()
    ]
