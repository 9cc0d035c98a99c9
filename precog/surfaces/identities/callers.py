"""Who is calling: an organization by its key, or one of its agents by a token of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, request

from ...core.tokens import AgentCaller
from ...errors import Forbidden
from .. import auth
from ..base import services

P = ParamSpec("P")
T = TypeVar("T")


def needs_agent(view: Callable[P, T]) -> Callable[P, T]:
    """Let only an agent with its access token in, before the body is looked at.

    Clients send their organization's key beside it; one of another organization's is refused.
    """

    @wraps(view)
    def admitted(*args: P.args, **kwargs: P.kwargs) -> T:
        admit_agent()
        return view(*args, **kwargs)

    return admitted


def admit_agent() -> None:
    """Let the agent in whose access token came along. Raises Forbidden where there is a key alone."""
    g.agent = auth.authenticate_agent(services(), request.environ)
    if g.agent is None:
        g.caller = auth.authenticate(services(), request.environ)
        raise Forbidden("Only an agent can do this, with its access token")
    g.caller = g.agent.caller


def agent_caller() -> AgentCaller:
    """The agent that was let in."""
    found: AgentCaller = g.agent
    return found


def charged_agent() -> AgentCaller:
    """The agent that was let in, after taking one request from its organization's quota."""
    g.quota = auth.charge()
    return agent_caller()
