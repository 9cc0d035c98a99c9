"""Who is calling, what the key allows, and what the request takes from the quota."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import g, has_app_context, request

from ..core import limits, tokens
from ..core.keys import Caller
from ..core.limits import Quota
from ..core.services import Services
from ..core.tokens import AgentCaller
from ..errors import StorageUnavailable, WrongOrganization
from .base import services
from .key_kinds import KEY_HEADERS

P = ParamSpec("P")
T = TypeVar("T")

REFUSAL = "precog.refusal"
"""Where an error stands that core raised before the request came here, so that nothing is done twice."""

ADMITTED = "precog.admitted"
"""Where the caller stands who was let in before the request came here."""


def presented_key(environ: Mapping[str, Any]) -> str | None:
    """The key of the request, from whichever header its client knows."""
    for name in KEY_HEADERS:
        if value := environ.get(name):
            return str(value).strip()
    kind, _, key = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    return key.strip() if kind.lower() == "bearer" and key else None


def presented_token(environ: Mapping[str, Any]) -> str | None:
    """The agent's access token of the request; None when nothing in it looks like one.

    Clients send it beside their organization's key, which never has a dot.
    """
    kind, _, token = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.count(".") == 2 else None


def authenticate_agent(here: Services, environ: Mapping[str, Any]) -> AgentCaller | None:
    """The agent whose request this is; None when it has no access token.

    Raises InvalidToken, WrongOrganization when there is a key of another organization beside it, and for a
    key that is not good what `authenticate` raises.
    """
    token = presented_token(environ)
    if token is None:
        return None
    here.strangers.refuse(str(environ.get("REMOTE_ADDR") or ""), here.clock())
    agent = tokens.agent_of(here, token)
    if any(environ.get(name) for name in KEY_HEADERS):
        if authenticate(here, environ).organization_id != agent.organization_id:
            raise WrongOrganization()
    return agent


def authenticate(here: Services, environ: Mapping[str, Any], *, stale: bool = False) -> Caller:
    """Whose request this is; `stale` as the authenticator's.

    Raises Unauthenticated, or RateLimited for a malformed key or none when the address has had its share
    of answers; nobody with a well-formed key is kept out by others there.
    """
    address = str(environ.get("REMOTE_ADDR") or "")
    return here.authenticator.authenticate(
        presented_key(environ),
        on_malformed=lambda: here.strangers.refuse(address, here.clock()),
        stale=stale,
    )


def needs(
    scope: str, *, stale: bool = False, agents: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let only a key with this scope in, before the body is looked at; `stale` as the authenticator's.

    With `agents` also an agent with an access token of its own that allows as much.
    A decorator, since flask-smorest parses the body in a decorator of its own, below this one.
    """

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def admitted(*args: P.args, **kwargs: P.kwargs) -> T:
            refusal = request.environ.get(REFUSAL)
            if isinstance(refusal, StorageUnavailable):
                if ADMITTED in request.environ:
                    g.caller = request.environ[ADMITTED]
                raise refusal
            agent = authenticate_agent(services(), request.environ) if agents else None
            g.caller = agent.caller if agent else authenticate(services(), request.environ, stale=stale)
            g.caller.require(scope)
            if refusal is not None:
                raise refusal
            return view(*args, **kwargs)

        return admitted

    return decorate


def caller() -> Caller:
    """Who was let in."""
    found: Caller = g.caller
    return found


def own_agent_id() -> str | None:
    """The id of the agent that was let in by a token of its own."""
    return g.caller.agent_id if has_app_context() and "caller" in g else None


def charge() -> Quota:
    """Take one request from the quota: the organization's, or the address's when nobody was let in.

    Raises RateLimited or StorageUnavailable.
    """
    here = services()
    now = here.clock()
    if "caller" not in g:
        return here.strangers.count(request.remote_addr or "", now)
    who = caller()
    return here.db.write(limits.spend, who.rate, who.organization_id, now=now)


def charged_caller() -> Caller:
    """Who was let in, after taking one request from the quota."""
    g.quota = charge()
    return caller()
