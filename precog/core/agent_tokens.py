"""Access tokens: signed for an agent, and whose a presented one is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import orjson

from ..errors import InvalidToken
from ..storage import agent_tokens, identities, organizations
from ..storage.engine import Database, Transaction
from ..storage.identities import Identity
from .keys import Caller, rate_of
from .signing_keys import ACCESS_LIFE_MS, SigningKeys
from .times import MINUTE_MS, SECOND_MS, Clock

CACHE_MS = 2_000  # how long another process's revocation may go unnoticed
LEEWAY_MS = 30_000  # for clocks that differ
LONGEST_TOKEN = 8_192
_CACHED = 10_000
_TELEMETRY = "telemetry:write"


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """The agent whose request this is; `caller` is what its organization allows, for it alone."""

    organization_id: str
    agent_id: str
    scopes: frozenset[str]
    jti: str
    expires_at: int
    caller: Caller


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says that was signed here and has not expired; its agent may be stopped."""

    organization_id: str
    agent_id: str
    scopes: frozenset[str]
    jti: str
    sid: str
    expires_at: int


class AgentTokens:
    """Issues access tokens and finds the agent behind one, remembering its state for CACHE_MS."""

    def __init__(self, db: Database, *, keys: SigningKeys, clock: Clock, issuer: str | None) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._lock = threading.Lock()
        self._generation = 0
        self._known: dict[tuple[str, str], tuple[Identity, Caller, int]] = {}
        self._touched: dict[str, int] = {}

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Ask the database again for every agent: one of them, or a token, was just ended here."""
        with self._lock:
            self._generation += 1
            self._known.clear()

    def issue(self, identity: Identity, *, issuer: str, jti: str, sid: str, now: int) -> str:
        """A token for an agent, good for an hour, which ends with the refresh token `sid`."""
        import jwt  # with cryptography it takes 10 MB, and only agents with keys need it

        signer = self._keys.signer()
        claims = {
            "iss": issuer,
            "sub": identity.id,
            "aud": issuer,
            "iat": now // SECOND_MS,
            "exp": (now + ACCESS_LIFE_MS) // SECOND_MS,
            "jti": jti,
            "sid": sid,
            "scope": " ".join(orjson.loads(identity.scopes)),
            "org": identity.organization_id,
        }
        return jwt.encode(claims, signer.private, algorithm="EdDSA", headers={"kid": signer.kid})

    def agent_of(self, token: str, *, comes_itself: bool = True) -> AgentCaller:
        """The agent whose token this is, who is seen by it unless somebody else asks.

        Raises InvalidToken, also when it was ended, or its agent was.
        """
        claims, now = self.claims_of(token), self._clock()
        identity, caller = self._state(claims.agent_id, claims.jti, claims.sid, now)
        if identity.organization_id != claims.organization_id:
            raise InvalidToken()
        scopes = claims.scopes & frozenset(orjson.loads(identity.scopes))
        if comes_itself:
            self._remember_use(claims.agent_id, now)
        return AgentCaller(
            organization_id=identity.organization_id,
            agent_id=claims.agent_id,
            scopes=scopes,
            jti=claims.jti,
            expires_at=claims.expires_at,
            caller=_with(caller, scopes),
        )

    def claims_of(self, token: str) -> Claims:
        """What a token says, however its agent fares, and also when it was ended. Raises InvalidToken."""
        claims = self._verified(token)
        expires_at = claims["exp"] * SECOND_MS
        if expires_at + LEEWAY_MS <= self._clock():
            raise InvalidToken()
        return Claims(
            organization_id=claims["org"],
            agent_id=claims["sub"],
            scopes=frozenset(claims["scope"].split()),
            jti=claims["jti"],
            sid=claims["sid"],
            expires_at=expires_at,
        )

    def _verified(self, token: str) -> dict[str, Any]:
        """The claims of a token that this server, or one on the same database, has signed."""
        import jwt

        if len(token) > LONGEST_TOKEN:
            raise InvalidToken()
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.public(kid) if isinstance(kid, str) else None
            if key is None:
                raise InvalidToken()
            # The times are held against the clock that was handed in.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidToken() from error
        # Without a setting, the name in it is the one under which the server was asked for it.
        issuer = self._issuer or claims.get("iss")
        if claims.get("iss") != issuer or claims.get("aud") != issuer or not _has_all(claims):
            raise InvalidToken()
        return claims

    def _state(self, agent_id: str, jti: str, sid: str, now: int) -> tuple[Identity, Caller]:
        found = self._known.get((agent_id, jti))
        if found is not None and found[2] - CACHE_MS <= now < found[2]:
            return found[0], found[1]
        generation = self._generation
        identity, caller = self._db.read(_find, agent_id, jti, sid)
        with self._lock:
            # An answer that was read before a revocation must not be remembered after it.
            if generation == self._generation:
                if len(self._known) >= _CACHED:
                    self._known.clear()
                self._known[agent_id, jti] = (identity, caller, now + CACHE_MS)
        return identity, caller

    def _remember_use(self, agent_id: str, now: int) -> None:
        last = self._touched.get(agent_id)
        if last is not None and last <= now < last + MINUTE_MS:
            return
        if len(self._touched) >= _CACHED:
            self._touched.clear()
        self._touched[agent_id] = now
        self._db.post(identities.seen, agent_id, now=now, before=now - MINUTE_MS)


def _has_all(claims: dict[str, Any]) -> bool:
    return isinstance(claims.get("exp"), int) and all(
        isinstance(claims.get(name), str) for name in ("sub", "jti", "sid", "scope", "org")
    )


def _find(tx: Transaction, agent_id: str, jti: str, sid: str) -> tuple[Identity, Caller]:
    identity = identities.by_id(tx, agent_id)
    if identity is None or _is_stopped(identity) or agent_tokens.is_ended(tx, jti, sid):
        raise InvalidToken()
    return identity, caller_of(tx, identity)


def caller_of(tx: Transaction, identity: Identity) -> Caller:
    """What the agent's organization allows, for this agent alone. Raises InvalidToken without one."""
    organization = organizations.get(tx, identity.organization_id)
    if organization is None:
        raise InvalidToken()
    return Caller(
        organization_id=organization.id,
        key_id=identity.id,
        system_id=None,
        scopes=frozenset(),
        expires_at=None,
        agent_limit=organization.agent_limit,
        rate=rate_of(organization),
        agent_id=identity.id,
    )


def _is_stopped(identity: Identity) -> bool:
    return (identity.revoked_at, identity.suspended_at, identity.deactivated_at) != (None, None, None)


def _with(caller: Caller, scopes: frozenset[str]) -> Caller:
    """What such an agent may do where organizations come with a key."""
    return replace(caller, scopes=frozenset({"telemetry"})) if _TELEMETRY in scopes else caller
