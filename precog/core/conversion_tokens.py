"""Conversion tokens: proof that an agent recommended something in a session, good for a day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from itsdangerous import Signer

from ..errors import ConversionTokenExpired, InvalidConversionToken
from .times import DAY_MS, SECOND_MS

LIFE_MS = DAY_MS
TOLERANCE_MS = 30 * SECOND_MS  # that the clock of the server which issued it may be behind

# The time in UNIX seconds, and 32 bytes in base64url in the one way they can be written: the last character
# has two bits to spare, so that others would mean the same bytes.
_TOKEN = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])")


@dataclass(frozen=True, slots=True)
class ConversionToken:
    """`<expiresAt>.<signature>`, expiresAt in UNIX seconds."""

    text: str
    expires_at: int  # unix milliseconds, as every time inside


class ConversionTokens:
    """Issues tokens with the newest of the server's secrets and takes those of every one, oldest first."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._signer = Signer(
            list(secret_keys),
            salt=b"precog.conversion",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def issue(self, *, session_id: str, agent_id: str, now: int) -> ConversionToken:
        """A token for this session with this recommending agent."""
        expires_s = -(-(now + LIFE_MS) // SECOND_MS)
        signature = self._signer.get_signature(signed_text(session_id, agent_id, str(expires_s))).decode()
        return ConversionToken(f"{expires_s}.{signature}", expires_s * SECOND_MS)

    def verify(self, token: str, *, session_id: str, agent_id: str, now: int) -> None:
        """Raise InvalidConversionToken unless it was issued for these two, ConversionTokenExpired later on.

        The signatures are compared in constant time; what is not even shaped like a token is not compared.
        """
        shaped = _TOKEN.fullmatch(token)
        if shaped is None:
            raise InvalidConversionToken()
        expires_s, signature = shaped.groups()
        if not self._signer.verify_signature(signed_text(session_id, agent_id, expires_s), signature):
            raise InvalidConversionToken()
        if now > int(expires_s) * SECOND_MS + TOLERANCE_MS:
            raise ConversionTokenExpired()


def signed_text(session_id: str, agent_id: str, expires_s: str) -> bytes:
    """`<sessionId>|<agentId>|<expiresAt>`, and no two different triples have the same one.

    A `|` within a part would be taken for the end of it, so it is escaped, and so is what escapes it.
    """
    parts = (part.replace("%", "%25").replace("|", "%7C") for part in (session_id, agent_id, expires_s))
    return "|".join(parts).encode("utf-8", "surrogatepass")
