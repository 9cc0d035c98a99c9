"""How tokens of agents are ended before their time, and looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidToken
from ..storage import agent_tokens, identities
from ..storage.agent_tokens import RefreshToken
from ..storage.engine import Transaction
from . import audit
from .agent_tokens import AgentCaller, Claims
from .identities import scopes_of, status_of
from .keys import Caller, digest, is_well_formed
from .services import Services
from .signing_keys import ACCESS_LIFE_MS
from .times import MINUTE_MS, SECOND_MS
from .tokens import Asking, refuse_other


def revoke(services: Services, agent: AgentCaller, refresh_token: str | None) -> None:
    """End the access token that the agent came with, and its refresh token when it is its own, with all
    access tokens that came of that."""
    well_formed = refresh_token is not None and is_well_formed(refresh_token)
    kept = digest(services.pepper, refresh_token) if refresh_token is not None and well_formed else None
    try:
        services.db.write(_revoke, agent, kept, now=services.clock())
    finally:
        services.agent_tokens.forget()


def revoke_by_itself(services: Services, asking: Asking, token: str) -> None:
    """End a refresh token with all access tokens that came of it, or one access token: who has it may.

    Also one of a suspended agent, which would else be good again when that goes on. Of what is no token, or
    has ended, nothing is told. Raises WrongOrganization for one of another organization than the key's that
    came along.
    """
    if is_well_formed(token):
        found = services.db.read(agent_tokens.by_digest, digest(services.pepper, token))
        if found is not None:
            refuse_other(asking, found.organization_id)
            _end(services, _revoke_refresh, found)
        return
    try:
        claims = services.agent_tokens.claims_of(token)
    except InvalidToken:
        return
    refuse_other(asking, claims.organization_id)
    _end(services, _revoke, claims)


def _end(services: Services, how: Callable[..., None], what: Claims | RefreshToken) -> None:
    try:
        services.db.write(how, what, now=services.clock())
    finally:
        services.agent_tokens.forget()


def introspect(services: Services, caller: Caller, token: str) -> Mapping[str, Any] | None:
    """What is known of an access or refresh token of the organization's agents; None when it is not good."""
    if is_well_formed(token):
        kept = digest(services.pepper, token)
        return services.db.read(_introspect, caller.organization_id, kept, now=services.clock())
    try:
        agent = services.agent_tokens.agent_of(token, comes_itself=False)
    except InvalidToken:
        return None
    if agent.organization_id != caller.organization_id:
        return None
    return {
        "sub": agent.agent_id,
        "scope": " ".join(sorted(agent.scopes)),
        "jti": agent.jti,
        "exp": agent.expires_at // SECOND_MS,
        "token_type": "access_token",
    }


def _revoke(tx: Transaction, agent: AgentCaller | Claims, kept: str | None = None, *, now: int) -> None:
    ended = agent_tokens.end_access(tx, agent.jti, expires_at=agent.expires_at + MINUTE_MS)
    token = None if kept is None else agent_tokens.by_digest(tx, kept)
    mine = token if token is not None and token.agent == agent.agent_id else None
    revoked = mine is not None and _end_refresh(tx, mine.id, now)
    if not ended and not revoked:
        return
    audit.append(
        tx,
        agent.organization_id,
        event_type="token.revoked",
        agent_id=agent.agent_id,
        metadata={"jti": agent.jti, "refresh_token": mine.id if mine is not None and revoked else None},
        now=now,
    )


def _revoke_refresh(tx: Transaction, token: RefreshToken, *, now: int) -> None:
    if not _end_refresh(tx, token.id, now):
        return
    audit.append(
        tx,
        token.organization_id,
        event_type="token.revoked",
        agent_id=token.agent,
        metadata={"jti": None, "refresh_token": token.id},
        now=now,
    )


def _end_refresh(tx: Transaction, refresh_id: str, now: int) -> bool:
    """End a refresh token, and the access tokens that came of it; False when it has ended."""
    agent_tokens.end_access(tx, refresh_id, expires_at=now + ACCESS_LIFE_MS + MINUTE_MS)
    return agent_tokens.revoke(tx, refresh_id, now=now)


def _introspect(tx: Transaction, organization_id: str, kept: str, *, now: int) -> Mapping[str, Any] | None:
    token = agent_tokens.by_digest(tx, kept)
    if token is None or token.revoked_at is not None or token.expires_at <= now:
        return None
    identity = identities.get(tx, organization_id, token.agent)
    if identity is None or status_of(identity) != "active":
        return None
    return {
        "sub": identity.id,
        "scope": " ".join(scopes_of(identity)),
        "jti": token.id,
        "exp": token.expires_at // SECOND_MS,
        "token_type": "refresh_token",
    }
