"""Outside agents that register themselves, the tiers they are given, and their end."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, replace

from ..errors import NotFound, PrecogError, RateLimited, WrongValue
from ..storage import callers, organizations
from ..storage.callers import Grant as Grant  # surfaces and the command line take these from here
from ..storage.callers import OutsideCaller as OutsideCaller
from ..storage.engine import Transaction
from . import limits
from .keys import Caller, digest
from .limits import Rate
from .services import Services
from .times import HOUR_MS
from .visitors import (
    DISPLAYED_CHARACTERS,
    GRANTED_TIERS,
    PARTNER,
    PER_MINUTE,
    STANDARD,
    generate_key,
    network_of,
)
from .visitors import Visitor as Visitor

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 2_000
LONGEST_SLUG = 60
WHOLE_SHARE_E2 = 100_00
GRANTS_SHOWN = 100
_SHARE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
TRIES = 16  # of a caller's id: six random digits may be taken


@dataclass(frozen=True, slots=True)
class Registration:
    """What an outside agent says of itself."""

    name: str
    contact_email: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A caller that was just made; `key` is the only time that its key is seen."""

    caller: OutsideCaller
    key: str

    @property
    def requests_per_minute(self) -> int:
        """What its tier admits."""
        return PER_MINUTE[self.caller.tier]


# --- who asks


def identify(services: Services, *, caller_key: str | None, agent_id: str | None, address: str) -> Visitor:
    """Who asks. Raises Unauthenticated for a key that is malformed, unknown or revoked."""
    return services.visitors.identify(caller_key=caller_key, agent_id=agent_id, address=address)


# --- registration


def register(services: Services, registration: Registration, *, address: str) -> Registered:
    """Make a caller of the standard tier, for the organization that runs this server.

    Raises RateLimited when the address has registered enough for now, WrongValue for a name or text that
    cannot be, and NotFound on a server that has no organization yet.
    """
    _check(registration)
    key = generate_key()
    kept = digest(services.pepper, key)
    display = key[:DISPLAYED_CHARACTERS]
    rate = Rate("register", services.registrations_per_hour, services.registrations_per_hour, HOUR_MS)
    caller = services.db.write(
        _register, registration, kept, display, rate, network_of(address), now=services.clock()
    )
    return Registered(caller, key)


def _check(registration: Registration) -> None:
    name, text = registration.name, registration.description or ""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise WrongValue(
            "name", expected=f"1 to {LONGEST_NAME} printable characters", received="another string"
        )
    if len(text) > LONGEST_DESCRIPTION:
        raise WrongValue(
            "description", expected=f"at most {LONGEST_DESCRIPTION} characters", received="a longer string"
        )


def _register(
    tx: Transaction,
    registration: Registration,
    kept: str,
    display: str,
    rate: Rate,
    counted: str,
    *,
    now: int,
) -> OutsideCaller:
    _take(tx, rate, counted, now)
    operator = organizations.oldest(tx)
    if operator is None:
        raise NotFound("organization")
    name = registration.name.strip()
    for _ in range(TRIES):
        caller = OutsideCaller(
            id=f"{slug_of(name)}-{secrets.token_hex(3)}",
            organization_id=operator.id,
            name=name,
            contact_email=registration.contact_email,
            description=registration.description,
            key_display=display,
            tier=STANDARD,
            revenue_share_e2=None,
            created_at=now,
            revoked_at=None,
        )
        if callers.add(tx, caller, key_digest=kept):
            return caller
    raise PrecogError("no free caller id")  # of 16 million under one slug


def _take(tx: Transaction, rate: Rate, counted: str, now: int) -> None:
    try:
        limits.spend(tx, rate, counted, now=now)
    except RateLimited as refusal:
        raise RateLimited(
            quota=rate.steady,
            retry_after_ms=refusal.retry_after_ms,
            reason=f"{rate.steady} registrations/hour exceeded for this address",
        ) from None


def slug_of(name: str) -> str:
    """The name in lower-case ASCII letters, digits and single hyphens, LONGEST_SLUG at most."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug[:LONGEST_SLUG].rstrip("-") or "agent"


# --- tiers, and the end


def page(services: Services, organization_id: str, *, after: str, limit: int) -> list[OutsideCaller]:
    """The organization's callers by id, from the first behind `after`."""
    return services.db.read(callers.page, organization_id, after=after, limit=limit)


def get(services: Services, organization_id: str | None, caller_id: str) -> tuple[OutsideCaller, list[Grant]]:
    """A caller and the tiers it was given, newest first; without an organization, of any. Raises NotFound."""
    return services.db.read(_get, organization_id, caller_id)


def _get(tx: Transaction, organization_id: str | None, caller_id: str) -> tuple[OutsideCaller, list[Grant]]:
    return _require(tx, organization_id, caller_id), callers.grants(tx, caller_id, limit=GRANTS_SHOWN)


def _require(tx: Transaction, organization_id: str | None, caller_id: str) -> OutsideCaller:
    found = callers.get(tx, caller_id)
    if found is None or organization_id not in (None, found.organization_id):
        raise NotFound("caller")
    return found


def grant(
    services: Services,
    by: Caller | None,
    caller_id: str,
    *,
    tier: str | None = None,
    revenue_share_e2: int | None = None,
) -> OutsideCaller:
    """Give a caller a tier, or a partner another revenue share (percent x 100), from its next request on.

    What is None stays; what changes nothing leaves no trace in the history. `by` is None for the operator.
    Raises WrongValue, and NotFound also for a caller that is revoked.
    """
    if tier not in (None, *GRANTED_TIERS):
        raise WrongValue("tier", expected=f"one of {', '.join(GRANTED_TIERS)}", received="another string")
    if revenue_share_e2 is not None and not 0 <= revenue_share_e2 <= WHOLE_SHARE_E2:
        raise _wrong_share("0 to 100 percent", "another number")
    try:
        return services.db.write(_grant, by, caller_id, tier, revenue_share_e2, now=services.clock())
    finally:
        services.visitors.forget()


def _grant(
    tx: Transaction, by: Caller | None, caller_id: str, tier: str | None, share_e2: int | None, *, now: int
) -> OutsideCaller:
    _require(tx, None if by is None else by.organization_id, caller_id)
    before = callers.lock(tx, caller_id)
    if before is None:
        raise NotFound("live caller")
    tier = tier or before.tier
    share_e2 = _share_with(tier, share_e2, before)
    if (tier, share_e2) == (before.tier, before.revenue_share_e2):
        return before
    callers.set_tier(tx, caller_id, tier=tier, revenue_share_e2=share_e2)
    key_id = None if by is None else by.key_id
    callers.add_grant(tx, caller_id, tier=tier, revenue_share_e2=share_e2, granted_at=now, key_id=key_id)
    return replace(before, tier=tier, revenue_share_e2=share_e2)


def _share_with(tier: str, share_e2: int | None, before: OutsideCaller) -> int | None:
    """The revenue share that goes with a tier; a partner keeps its own when no other is named."""
    if tier != PARTNER and share_e2 is not None:
        raise _wrong_share(f"none, for the tier {tier}", "a percentage")
    share_e2 = before.revenue_share_e2 if share_e2 is None and tier == before.tier else share_e2
    if tier == PARTNER and share_e2 is None:
        raise _wrong_share("a percentage, for a partner", "none")
    return share_e2


def _wrong_share(expected: str, received: str) -> WrongValue:
    return WrongValue("revenueShare", expected=expected, received=received)


def share_from_text(text: str) -> int:
    """A percentage such as `12.5` or `7.25`, x 100. Raises WrongValue for what is none from 0 to 100."""
    match = _SHARE.fullmatch(text)
    share_e2 = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else WHOLE_SHARE_E2 + 1
    if share_e2 > WHOLE_SHARE_E2:
        raise _wrong_share("0 to 100 percent, with two decimals at most", "another value")
    return share_e2


def share_to_text(share_e2: int) -> str:
    """The percentage with two decimals: `12.50`."""
    return f"{share_e2 // 100}.{share_e2 % 100:02d}"


def revoke(services: Services, by: Caller | None, caller_id: str) -> OutsideCaller:
    """Refuse the caller's key from now on, for good; again changes nothing. Raises NotFound."""
    try:
        return services.db.write(_revoke, by, caller_id, now=services.clock())
    finally:
        services.visitors.forget()


def _revoke(tx: Transaction, by: Caller | None, caller_id: str, *, now: int) -> OutsideCaller:
    organization_id = None if by is None else by.organization_id
    _require(tx, organization_id, caller_id)
    callers.revoke(tx, caller_id, now=now)
    return _require(tx, organization_id, caller_id)
