"""How an agent gets its tokens, renews and ends them."""

from __future__ import annotations

from .agent_tokens import AgentCaller as AgentCaller  # surfaces take it from here
from .services import Services


def agent_of(services: Services, token: str) -> AgentCaller:
    """The agent whose access token this is. Raises InvalidToken, also when it or its agent was ended."""
    return services.agent_tokens.agent_of(token)
