"""Conversions: what was bought after a recommendation, counted once and attributed."""

from __future__ import annotations

from .services import Services


def issue(services: Services, *, session_id: str, slug: str, now: int) -> tuple[str, int]:
    """A conversion token for the session with this recommending agent, and when it expires, unix ms."""
    token = services.conversion_tokens.issue(session_id=session_id, agent_id=slug, now=now)
    return token.text, token.expires_at


def verify(services: Services, token: str, *, session_id: str, slug: str, now: int) -> None:
    """Raise InvalidConversionToken or ConversionTokenExpired unless it is good for session and agent."""
    services.conversion_tokens.verify(token, session_id=session_id, agent_id=slug, now=now)
