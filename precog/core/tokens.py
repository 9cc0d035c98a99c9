"""How an agent gets its tokens, by its secret or its key, and how they are renewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import (
    AgentRevoked,
    AgentSuspended,
    InvalidCredentials,
    RateLimited,
    WrongOrganization,
)
from ..storage import agent_tokens, identities
from ..storage.engine import Transaction
from ..storage.identities import Identity
from . import assertions, audit, limits
from .agent_tokens import AgentCaller as AgentCaller  # surfaces take it from here
from .agent_tokens import caller_of
from .identities import is_id, status_of
from .ids import random_id, random_uuid
from .keys import Caller, digest, generate, is_well_formed
from .limits import Quota, Rate
from .services import Services
from .signing_keys import ACCESS_LIFE_MS
from .times import DAY_MS, MINUTE_MS, SECOND_MS

_Holds = Callable[[Transaction, Identity], bool]

REFRESH_LIFE_MS = 7 * DAY_MS
REFRESH_PREFIX = "rt_live_"
FAILURES_PER_AGENT = Rate("agent-failures", 10, 10, MINUTE_MS)
FAILURES_PER_ADDRESS = Rate("address-failures", 30, 30, MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a token: under which name it found this server, from where, and perhaps with whose key."""

    issuer: str
    address: str
    organization_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an agent was given. `caller` is who the request turned out to be, `quota` what is left of its
    organization's after it."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    caller: Caller
    quota: Quota
    expires_in_s: int = ACCESS_LIFE_MS // SECOND_MS


@dataclass(frozen=True, slots=True)
class _Proof:
    """What an agent shows; `holds` looks at it, `once` sees that it is not shown again."""

    agent_id: str
    method: str
    holds: _Holds


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a proof, or a refresh token, has earned."""

    identity: Identity
    refresh_id: str
    caller: Caller
    quota: Quota


def agent_of(services: Services, token: str) -> AgentCaller:
    """The agent whose access token this is. Raises InvalidToken, also when it or its agent was ended."""
    return services.agent_tokens.agent_of(token)


def by_secret(services: Services, asking: Asking, *, agent_id: str, secret: str) -> Tokens:
    """Tokens for an agent that knows its secret.

    Raises InvalidCredentials, AgentSuspended, AgentRevoked, WrongOrganization, or RateLimited after too many
    failures for the agent or from the address.
    """
    return _issue(services, asking, _Proof(agent_id, "secret", _known(services, secret)))


def _known(services: Services, secret: str) -> _Holds:
    """Whether it is the secret of an agent."""
    kept = digest(services.pepper, secret) if is_well_formed(secret) else None

    def holds(tx: Transaction, identity: Identity) -> bool:
        return kept is not None and assertions.equal(identities.secret_digest(tx, identity.id), kept)

    return holds


def by_assertion(
    services: Services,
    asking: Asking,
    assertion: str,
    *,
    audiences: frozenset[str],
    agent_id: str | None = None,
) -> Tokens:
    """Tokens for an agent that has signed an assertion (RFC 7523) by its key; each is good once.

    An id that comes along must be the same agent's. Raises as `by_secret` does.
    """
    now = services.clock()
    claimed = assertions.read(assertion, audiences=audiences, now=now)

    def holds(tx: Transaction, identity: Identity) -> bool:
        return (
            claimed is not None
            and agent_id in (None, identity.id)
            and assertions.is_signed(assertion, identity.public_key)
            and agent_tokens.use_assertion(
                tx, identity.id, claimed.jti_digest, expires_at=claimed.expires_at + assertions.LEEWAY_MS
            )
        )

    return _issue(services, asking, _Proof("" if claimed is None else claimed.agent_id, "assertion", holds))


def refresh(
    services: Services, asking: Asking, token: str, *, agent_id: str | None = None, secret: str | None = None
) -> Tokens:
    """A new access token for a refresh token, which stays good. Raises as `by_secret` does.

    Neither id nor secret is needed, but one that comes along must be its agent's.
    """
    services.signing_keys.signer()  # what cannot sign should not begin
    kept = digest(services.pepper, token) if is_well_formed(token) else None
    now, jti = services.clock(), random_uuid()
    known = None if secret is None else _known(services, secret)

    def holds(tx: Transaction, identity: Identity) -> bool:
        return agent_id in (None, identity.id) and (known is None or known(tx, identity))

    grant = services.db.write(_refresh, asking, kept, holds, jti=jti, now=now)
    return _tokens(services, asking, grant, None, jti=jti, now=now)


def _issue(services: Services, asking: Asking, proof: _Proof) -> Tokens:
    services.signing_keys.signer()  # what cannot sign should not begin
    now, jti, token = services.clock(), random_uuid(), generate(REFRESH_PREFIX)
    kept = digest(services.pepper, token)
    grant = services.db.write(_prove, asking, proof, kept, jti=jti, now=now)
    return _tokens(services, asking, grant, token, jti=jti, now=now)


def _tokens(
    services: Services, asking: Asking, grant: _Grant | None, refresh_token: str | None, *, jti: str, now: int
) -> Tokens:
    if grant is None:
        raise InvalidCredentials()
    access = services.agent_tokens.issue(
        grant.identity, issuer=asking.issuer, jti=jti, sid=grant.refresh_id, now=now
    )
    return Tokens(access, refresh_token, grant.caller, grant.quota)


def _prove(tx: Transaction, asking: Asking, proof: _Proof, kept: str, *, jti: str, now: int) -> _Grant | None:
    """Look at the proof; None when it fails, which must be counted, so nothing is raised for it."""
    identity = identities.by_id(tx, proof.agent_id) if is_id(proof.agent_id) else None
    if identity is None or not proof.holds(tx, identity):
        _count_failure(tx, asking, proof.agent_id, now)
        return None
    _refuse_stopped(asking, identity)
    grant = _granted(tx, identity, random_id("rt-"), now)
    agent_tokens.forget(tx, now=now)
    agent_tokens.add(
        tx,
        id=grant.refresh_id,
        agent=identity.id,
        organization_id=identity.organization_id,
        digest=kept,
        created_at=now,
        expires_at=now + REFRESH_LIFE_MS,
    )
    identities.seen(tx, identity.id, now=now, before=now)
    _note(tx, identity, "token.issued", now, jti=jti, method=proof.method)
    return grant


def _refresh(
    tx: Transaction, asking: Asking, kept: str | None, holds: _Holds, *, jti: str, now: int
) -> _Grant | None:
    token = None if kept is None else agent_tokens.by_digest(tx, kept)
    identity = None if token is None else identities.by_id(tx, token.agent)
    if (
        token is None
        or identity is None
        or token.revoked_at is not None
        or token.expires_at <= now
        or not holds(tx, identity)
    ):
        _count_failure(tx, asking, "", now)
        return None
    _refuse_stopped(asking, identity)
    grant = _granted(tx, identity, token.id, now)
    identities.seen(tx, identity.id, now=now, before=now)
    _note(tx, identity, "token.refreshed", now, jti=jti, refresh_token=token.id)
    return grant


def _granted(tx: Transaction, identity: Identity, refresh_id: str, now: int) -> _Grant:
    """What the agent is given, after taking the request from its organization's quota."""
    caller = caller_of(tx, identity)
    return _Grant(
        identity, refresh_id, caller, limits.spend(tx, caller.rate, caller.organization_id, now=now)
    )


def _refuse_stopped(asking: Asking, identity: Identity) -> None:
    """What is told only to whom has proved to be the agent."""
    refuse_other(asking, identity.organization_id)
    match status_of(identity):
        case "revoked":
            raise AgentRevoked()
        case "suspended":
            raise AgentSuspended()


def refuse_other(asking: Asking, organization_id: str) -> None:
    """Raise WrongOrganization when there came a key of another organization along."""
    if asking.organization_id not in (None, organization_id):
        raise WrongOrganization()


def _count_failure(tx: Transaction, asking: Asking, agent_id: str, now: int) -> None:
    """Count a proof that failed. Raises RateLimited when there were too many, and counts nothing then.

    Only who fails is told so: else anybody could keep an agent, or all at an address, from their tokens. An
    id that no agent has is counted alike, since else the answers would tell which ids there are.
    """
    of_agent = [(FAILURES_PER_AGENT, agent_id)] if is_id(agent_id) else []
    try:
        for rate, who in (*of_agent, (FAILURES_PER_ADDRESS, asking.address)):
            limits.spend(tx, rate, who, now=now)
    except RateLimited as refusal:
        raise RateLimited(
            quota=refusal.quota, retry_after_ms=refusal.retry_after_ms, reason="Too many failed attempts"
        ) from None


def _note(tx: Transaction, identity: Identity, event_type: str, now: int, **metadata: Any) -> None:
    audit.append(
        tx, identity.organization_id, event_type=event_type, agent_id=identity.id, metadata=metadata, now=now
    )
