"""Agents with keys of their own, as their organization makes, stops and ends them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ..errors import AgentLimitReached, InvalidTransition, NotFound, WrongValue
from ..storage import agents, identities, organizations
from ..storage.engine import Transaction
from ..storage.identities import Identity as Identity  # surfaces take it from here
from . import audit
from .ids import random_uuid
from .keys import Caller, digest, generate
from .operators import Operator
from .services import Services

if TYPE_CHECKING:  # it takes 10 MB, and only agents with keys need it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

STATUSES = ("active", "suspended", "revoked")
SECRET_PREFIX = "sk_live_"  # noqa: S105, what every secret begins with
LONGEST_NAME = 200
MOST_SCOPES = 64
_SCOPE = re.compile(r"[A-Za-z0-9_.-]{1,32}:[A-Za-z0-9_.-]{1,32}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An agent to make. With a public key (PEM or JWK) of its own, nothing private exists here."""

    name: str
    scopes: Sequence[str] = ()
    public_key: str | Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An agent that was just made; secret and private key are seen this once."""

    identity: Identity
    secret: str = field(repr=False)
    private_key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed of an agent; None is left as it is."""

    status: str | None = None
    name: str | None = None
    scopes: Sequence[str] | None = None


def status_of(identity: Identity) -> str:
    """One of STATUSES; an agent that management has deactivated counts as suspended."""
    if identity.revoked_at is not None:
        return "revoked"
    stopped = identity.suspended_at is not None or identity.deactivated_at is not None
    return "suspended" if stopped else "active"


def scopes_of(identity: Identity) -> list[str]:
    """What the agent may do, in the order in which it was given."""
    found: list[str] = orjson.loads(identity.scopes)
    return found


def is_id(text: str) -> bool:
    """Whether an agent with a key could have this id."""
    return _UUID.fullmatch(text) is not None


def create(services: Services, caller: Caller, wanted: Wanted) -> Made:
    """Make an agent in a slot of the plan. Raises AgentLimitReached or WrongValue."""
    from . import jwk

    private = jwk.new() if wanted.public_key is None else None
    public = _public_key(wanted.public_key) if private is None else private.public_key()
    now, secret = services.clock(), generate(SECRET_PREFIX)
    identity = Identity(
        id=random_uuid(),
        organization_id=caller.organization_id,
        name=wanted.name,
        public_key=jwk.to_pem(public),
        key_fingerprint=jwk.fingerprint(public),
        scopes=_scopes_json(wanted.scopes),
        created_at=now,
        updated_at=now,
        deactivated_at=None,
        suspended_at=None,
        revoked_at=None,
        last_auth_at=None,
    )
    kept = digest(services.pepper, secret)
    services.db.write(_create, caller, identity, kept, own_key=private is None)
    return Made(identity, secret, None if private is None else jwk.private_pem(private))


def get(services: Services, caller: Caller | Operator, agent_id: str) -> Identity:
    """The organization's agent of that id. Raises NotFound."""
    return services.db.read(_require, caller.organization_id, agent_id)


def page(
    services: Services, caller: Caller | Operator, *, status: str | None, limit: int, offset: int
) -> tuple[list[Identity], int]:
    """The organization's agents, newest first, and how many there are in all; of one status, or of any."""
    return services.db.read(_page, caller.organization_id, status=status, limit=limit, offset=offset)


def change(services: Services, caller: Caller | Operator, agent_id: str, wanted: Change) -> Identity:
    """Rename an agent, give it other scopes, suspend it or let it go on. Doing it twice changes nothing.

    Raises NotFound, InvalidTransition for one that was revoked, WrongValue, or AgentLimitReached when it
    has no slot and none is free.
    """
    scopes = None if wanted.scopes is None else _scopes_json(wanted.scopes)
    try:
        return services.db.write(_change, caller, agent_id, wanted, scopes, now=services.clock())
    finally:
        services.agent_tokens.forget()


def revoke(services: Services, caller: Caller | Operator, agent_id: str) -> Identity:
    """End an agent for good, which frees its slot. Doing it twice changes nothing. Raises NotFound."""
    if not is_id(agent_id):
        raise NotFound("agent")
    try:
        return services.db.write(_revoke, caller, agent_id, now=services.clock())
    finally:
        services.agent_tokens.forget()


def _public_key(given: str | Mapping[str, Any] | None) -> Ed25519PublicKey:
    from . import jwk

    try:
        return jwk.from_pem(given) if isinstance(given, str) else jwk.from_jwk(given or {})
    except ValueError:
        raise WrongValue(
            "public_key", expected="an Ed25519 public key, as PEM or JWK", received="something else"
        ) from None


def _scopes_json(scopes: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(scopes))
    if len(distinct) > MOST_SCOPES:
        raise WrongValue("scopes", expected=f"at most {MOST_SCOPES} scopes", received=f"{len(distinct)}")
    for index, scope in enumerate(distinct):
        if _SCOPE.fullmatch(scope) is None:
            raise WrongValue(
                f"scopes[{index}]", expected="a scope such as payments:read", received="another string"
            )
    return orjson.dumps(distinct).decode()


def _create(tx: Transaction, caller: Caller, identity: Identity, kept: str, *, own_key: bool) -> None:
    if not organizations.take_agent_slot(tx, caller.organization_id):
        raise AgentLimitReached(caller.agent_limit or 0)
    identities.add(tx, identity, secret_digest=kept)
    _note(tx, caller, identity, "agent.created", identity.created_at, own_key=own_key)


def _page(
    tx: Transaction, organization_id: str, *, status: str | None, limit: int, offset: int
) -> tuple[list[Identity], int]:
    found = identities.page(tx, organization_id, status=status, limit=limit, offset=offset)
    return found, identities.count(tx, organization_id, status=status)


def _change(
    tx: Transaction, caller: Caller | Operator, agent_id: str, wanted: Change, scopes: str | None, *, now: int
) -> Identity:
    before = _require(tx, caller.organization_id, agent_id)
    if wanted.name is not None or scopes is not None:
        changed = identities.describe(
            tx, caller.organization_id, agent_id, name=wanted.name, scopes=scopes, now=now
        )
        if changed:
            after = _require(tx, caller.organization_id, agent_id)
            if (before.name, before.scopes) != (after.name, after.scopes):
                _note(tx, caller, after, "agent.updated", now)
    if wanted.status == "suspended" and identities.suspend(tx, caller.organization_id, agent_id, now=now):
        _note(tx, caller, before, "agent.suspended", now)
    if wanted.status == "active" and _resume(tx, caller, agent_id, now=now):
        _note(tx, caller, before, "agent.resumed", now)
    after = _require(tx, caller.organization_id, agent_id)
    if after.revoked_at is not None:
        raise InvalidTransition("revoked")
    return after


def _resume(tx: Transaction, caller: Caller | Operator, agent_id: str, *, now: int) -> bool:
    resumed = identities.resume(tx, caller.organization_id, agent_id, now=now)
    reactivated = agents.reactivate(tx, caller.organization_id, agent_id)
    if reactivated and not organizations.take_agent_slot(tx, caller.organization_id):
        raise AgentLimitReached(caller.agent_limit or 0)
    return resumed or reactivated


def _revoke(tx: Transaction, caller: Caller | Operator, agent_id: str, *, now: int) -> Identity:
    if identities.revoke(tx, caller.organization_id, agent_id, now=now):
        if agents.deactivate(tx, caller.organization_id, agent_id, now=now):
            organizations.free_agent_slot(tx, caller.organization_id)
        identity = _require(tx, caller.organization_id, agent_id)
        _note(tx, caller, identity, "agent.revoked", now)
        return identity
    return _require(tx, caller.organization_id, agent_id)


def _note(
    tx: Transaction, caller: Caller | Operator, identity: Identity, event_type: str, now: int, **more: Any
) -> None:
    audit.append(
        tx,
        caller.organization_id,
        event_type=event_type,
        agent_id=identity.id,
        metadata={
            "key_id": caller.key_id,
            "name": identity.name,
            "scopes": scopes_of(identity),
            "key_fingerprint": identity.key_fingerprint,
            **more,
        },
        now=now,
    )


def _require(tx: Transaction, organization_id: str, agent_id: str) -> Identity:
    found = identities.get(tx, organization_id, agent_id) if is_id(agent_id) else None
    if found is None:
        raise NotFound("agent")
    return found
