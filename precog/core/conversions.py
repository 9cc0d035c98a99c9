"""Conversions: what was bought after a recommendation, counted once and attributed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InvalidConversionToken, NotFound
from ..storage import callers, catalogs, conversions
from ..storage.conversions import GROUPS as GROUPS
from ..storage.conversions import Behind as Behind
from ..storage.conversions import Conversion as Conversion
from ..storage.conversions import Filter as Filter
from ..storage.conversions import Total as Total
from ..storage.engine import Transaction
from . import ids, money
from .catalogs import is_slug
from .keys import Caller
from .services import Services
from .visitors import PARTNER, Visitor

_PREFIX = "conv-"
# Of who has no key. No caller's id has a colon, so that nobody can call itself what a caller is.
_UNREGISTERED = "agent:"
_ID = re.compile(rf"{_PREFIX}[0-9a-f]{{28}}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender says was bought of an agent's products, and the token that the agent gave it."""

    slug: str
    session_id: str
    product_id: str
    value_e4: int
    currency: str
    token: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """The conversion's id; `repeated` when it was told before, and what was told first stands."""

    id: str
    repeated: bool


def issue(services: Services, *, session_id: str, slug: str, now: int) -> tuple[str, int]:
    """A conversion token for the session with this recommending agent, and when it expires, unix ms."""
    token = services.conversion_tokens.issue(session_id=session_id, agent_id=slug, now=now)
    return token.text, token.expires_at


def verify(services: Services, token: str, *, session_id: str, slug: str, now: int) -> None:
    """Raise InvalidConversionToken or ConversionTokenExpired unless it is good for session and agent."""
    services.conversion_tokens.verify(token, session_id=session_id, agent_id=slug, now=now)


def track(services: Services, visitor: Visitor, told: Told) -> Tracked:
    """Count a conversion, once for its session, product and sender.

    Raises InvalidConversionToken, ConversionTokenExpired, or NotFound for an agent or product there is not.
    """
    now = services.clock()
    try:
        verify(services, told.token, session_id=told.session_id, slug=told.slug, now=now)
    except InvalidConversionToken:
        # Nobody has a token of an agent that is not there; what is wrong is the agent.
        services.db.read(_require_agent, told.slug)
        raise
    return services.db.write(_track, visitor, told, id=ids.timed_id(_PREFIX, now), now=now)


def _require_agent(tx: Transaction, slug: str) -> None:
    if not is_slug(slug) or catalogs.live(tx, slug) is None:
        raise NotFound("agent")


def _track(tx: Transaction, visitor: Visitor, told: Told, *, id: str, now: int) -> Tracked:
    # Of a caller, what it calls itself is not asked: under many names one sale would be many.
    sender = visitor.caller_id or (f"{_UNREGISTERED}{visitor.agent_id}" if visitor.agent_id else "")
    terms = _terms(tx, visitor)
    percent_e2 = terms.revenue_share_e2
    added = conversions.add(
        tx,
        id=id,
        catalog=told.slug,
        session_id=told.session_id,
        product_id=told.product_id,
        caller_agent_id=sender,
        caller_id=visitor.caller_id,
        value_e4=told.value_e4,
        currency=told.currency,
        tier=terms.tier,
        granted_by=terms.granted_by,
        revenue_share_e2=percent_e2,
        share_e4=None if percent_e2 is None else money.share(told.value_e4, percent_e2),
        created_at=now,
    )
    if added:
        return Tracked(id, False)
    first = conversions.first(
        tx,
        catalog=told.slug,
        session_id=told.session_id,
        product_id=told.product_id,
        caller_agent_id=sender,
    )
    if first is None:
        _require_agent(tx, told.slug)
        raise NotFound("product")
    return Tracked(first, True)


@dataclass(frozen=True, slots=True)
class _Terms:
    """The visitor's tier at this moment, and a partner's share of what it sells for `granted_by`."""

    tier: str
    granted_by: str | None = None
    revenue_share_e2: int | None = None


def _terms(tx: Transaction, visitor: Visitor) -> _Terms:
    caller = None if visitor.caller_id is None else callers.get(tx, visitor.caller_id)
    if caller is None:
        return _Terms(visitor.tier)
    share_e2 = caller.revenue_share_e2 if caller.tier == PARTNER else None
    return _Terms(caller.tier, caller.organization_id, share_e2)


def sender_of(conversion: Conversion) -> str | None:
    """The caller's id, or what a sender without a key called itself, if anything."""
    return conversion.caller_agent_id.removeprefix(_UNREGISTERED) or None


def is_conversion_id(text: str) -> bool:
    """Whether the text has the form of a conversion's id."""
    return _ID.fullmatch(text) is not None


def first_id(ms: int) -> str:
    """No conversion of this time or later has a smaller id, and none from before a larger one."""
    return ids.first_timed_id(_PREFIX, ms)


def page(services: Services, caller: Caller, only: Filter, *, limit: int) -> list[Conversion]:
    """The organization's conversions that pass the filter, newest first."""
    return services.db.read(conversions.page, caller.organization_id, only, limit=limit)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and sums by currency, registered callers' apart from others': of everything, and by group."""

    totals: list[Total]
    groups: list[Total]


def summarize(
    services: Services, caller: Caller, only: Filter, *, by: str, after: Behind, limit: int
) -> Summary:
    """What of the organization's conversions passes the filter; groups are those behind `after`."""
    return services.db.read(_summarize, caller.organization_id, only, by=by, after=after, limit=limit)


def _summarize(
    tx: Transaction, organization_id: str, only: Filter, *, by: str, after: Behind, limit: int
) -> Summary:
    # There are not two hundred currencies.
    whole = conversions.totals(tx, organization_id, only, by="all", after=Behind(), limit=1_000)
    groups = conversions.totals(tx, organization_id, only, by=by, after=after, limit=limit)
    return Summary(whole, groups)
