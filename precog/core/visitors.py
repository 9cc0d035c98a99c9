"""Outside agents as they come in: who one is, and how much it may ask for."""

from __future__ import annotations

import hmac
import secrets
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..errors import RateLimited, Unauthenticated
from ..storage import callers
from ..storage.engine import Database, Transaction
from . import limits
from .addresses import network_of as network_of
from .keys import digest
from .limits import Quota, Rate, Strangers
from .times import MINUTE_MS, Clock

ANONYMOUS, IDENTIFIED, STANDARD, ELEVATED, PARTNER = TIERS = (
    "anonymous",
    "identified",
    "standard",
    "elevated",
    "partner",
)
GRANTED_TIERS = (STANDARD, ELEVATED, PARTNER)
PER_MINUTE: Mapping[str, int] = MappingProxyType(dict(zip(TIERS, (12, 30, 120, 240, 600), strict=True)))

# What an address may do besides, of those that need nobody's leave to be many: by other names, which cost
# nothing, and by other keys, which one registers oneself. The two do not mix, so that a key's owner is not
# kept out by neighbours without one; and whom the operator has given a tier is counted by its key alone.
_RAILS = {ANONYMOUS: "visit-rail", IDENTIFIED: "visit-rail", STANDARD: "visit-keyed"}

KEY_PREFIX = "caller_"
_RANDOM_BYTES = 20
_CHECKSUM_CHARACTERS = 8
KEY_CHARACTERS = len(KEY_PREFIX) + 2 * _RANDOM_BYTES + _CHECKSUM_CHARACTERS
DISPLAYED_CHARACTERS = len(KEY_PREFIX) + 4

CACHE_MS = 2_000  # how long another process's revocation or grant may go unnoticed
CACHED_KEYS = 10_000
REMEMBERED_WINDOWS = 10_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `agent_id` is what it calls itself; with a caller's key that is attribution and no more.

    `mismatched` says that the key is of another caller than that; `address` is what is counted of it.
    """

    tier: str
    caller_id: str | None
    agent_id: str | None
    address: str
    mismatched: bool = False


def generate_key() -> str:
    """A new caller's key: the prefix, 160 random bits, and a CRC-32 over both, in hex."""
    body = KEY_PREFIX + secrets.token_hex(_RANDOM_BYTES)
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def is_well_formed(key: str) -> bool:
    """Whether the key's checksum is right, so that a mistyped one costs no look-up."""
    if len(key) != KEY_CHARACTERS or not key.isascii() or not key.startswith(KEY_PREFIX):
        return False
    body, checksum = key[:-_CHECKSUM_CHARACTERS], key[-_CHECKSUM_CHARACTERS:]
    return hmac.compare_digest(_checksum(body), checksum)


@dataclass(frozen=True, slots=True)
class _Limit:
    """One of the limits that a request must pass; whoever passes it or not is told of `told`."""

    rate: Rate
    who: str
    whom: str
    told: int

    @property
    def bucket(self) -> str:
        return f"{self.rate.name}:{self.who}"

    def refusal(self, now: int) -> RateLimited:
        start, length_ms = self.rate.window(now)
        return RateLimited(
            quota=self.told,
            retry_after_ms=start + length_ms - now,
            reason=f"{self.rate.steady} requests/minute exceeded for {self.whom}",
        )


class Visitors:
    """Tells who asks, remembering callers for CACHE_MS, and counts what they ask for."""

    def __init__(self, db: Database, *, pepper: str, clock: Clock, ip_per_minute: int) -> None:
        self._db = db
        self._pepper = pepper
        self._clock = clock
        self._ip_per_minute = ip_per_minute
        self._lock = threading.Lock()
        self._generation = 0
        self._known: dict[str, tuple[callers.Live, int]] = {}
        # When the window began that was found used up, and at how many hits: until it ends a flood of
        # requests need not reach the database.
        self._used_up: dict[str, tuple[int, int]] = {}
        # Keys of nobody, by address: after so many in a minute another that was never good is not looked up.
        self._wrong = Strangers(PER_MINUTE[ANONYMOUS])

    def identify(self, *, caller_key: str | None, agent_id: str | None, address: str) -> Visitor:
        """Who asks: the key decides, then the agent's id, then the address.

        Raises Unauthenticated for a key that is malformed (without a look-up), unknown or revoked, and
        RateLimited, also without one, when the address has had its share of keys of nobody.
        """
        counted = network_of(address)
        if caller_key is not None:
            caller = self._find(caller_key, counted)
            return Visitor(caller.tier, caller.id, agent_id, counted, agent_id not in (None, caller.id))
        if agent_id is not None:
            return Visitor(IDENTIFIED, None, agent_id, counted)
        return anonymous(address)

    def charge(self, visitor: Visitor, *, now: int) -> Quota:
        """As `spend`, in a transaction of its own, or none where it is known how it would end."""
        for limit in self._limits(visitor):
            start, hits = self._used_up.get(limit.bucket, (0, 0))
            if start == limit.rate.window(now)[0] and limit.rate.steady <= hits:
                raise limit.refusal(now)
        return self._db.write(self.spend, visitor, now=now)

    def spend(self, tx: Transaction, visitor: Visitor, *, now: int) -> Quota:
        """Take one request from each of the visitor's limits, or RateLimited and none.

        What is left is of the tier's limit, and never more than the address has left, where that counts.
        """
        own, *shared = (self._take(tx, limit, now) for limit in self._limits(visitor))
        return _least(own, shared)

    def used(self, tx: Transaction, visitor: Visitor, *, now: int) -> Quota:
        """The visitor's quota without taking from it."""
        own, *shared = (limits.used(tx, one.rate, one.who, now=now) for one in self._limits(visitor))
        return replace(_least(own, shared), limit=PER_MINUTE[visitor.tier])

    def forget(self) -> None:
        """Ask the database again for every key: something about a caller was just changed here."""
        with self._lock:
            self._generation += 1
            # Not forgotten that they were good: see `_find`.
            self._known = {kept: (caller, 0) for kept, (caller, _) in self._known.items()}

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._lock = threading.Lock()
        self._wrong.renew_lock()

    def _limits(self, visitor: Visitor) -> tuple[_Limit, ...]:
        told = PER_MINUTE[visitor.tier]
        name = {ANONYMOUS: "visit-ip", IDENTIFIED: "visit-agent"}.get(visitor.tier, "visit-caller")
        who = visitor.caller_id or visitor.agent_id or visitor.address
        own = _Limit(_no_burst(name, told), who, f"tier {visitor.tier}", told)
        rail = _RAILS.get(visitor.tier)
        if rail is None:
            return (own,)
        return own, _Limit(_no_burst(rail, self._ip_per_minute), visitor.address, "this address", told)

    def _take(self, tx: Transaction, limit: _Limit, now: int) -> Quota:
        try:
            return limits.spend(tx, limit.rate, limit.who, now=now)
        except RateLimited:
            if len(self._used_up) >= REMEMBERED_WINDOWS:
                self._used_up.clear()
            self._used_up[limit.bucket] = limit.rate.window(now)[0], limit.rate.steady
            raise limit.refusal(now) from None

    def _find(self, key: str, counted: str) -> callers.Live:
        if not is_well_formed(key):
            raise Unauthenticated()
        kept = digest(self._pepper, key)
        caller, good_until = self._known.get(kept, (None, 0))
        now = self._clock()
        if caller is not None and now < good_until <= now + CACHE_MS:
            return caller
        if caller is None:
            self._refuse_guessing(counted, now)
        return self._load(kept, counted, now)

    def _refuse_guessing(self, counted: str, now: int) -> None:
        try:
            self._wrong.refuse(counted, now)
        except RateLimited:
            own, *_ = self._limits(Visitor(ANONYMOUS, None, None, counted))
            raise own.refusal(now) from None

    def _load(self, kept: str, counted: str, now: int) -> callers.Live:
        generation = self._generation
        caller = self._db.read(callers.by_key, kept)
        if caller is None:
            self._known.pop(kept, None)
            self._wrong.count(counted, now)
            raise Unauthenticated()
        with self._lock:
            # An answer that was read before a change must not be remembered after it.
            if generation == self._generation:
                if len(self._known) >= CACHED_KEYS:
                    self._known.clear()
                self._known[kept] = (caller, now + CACHE_MS)
        return caller


def anonymous(address: str) -> Visitor:
    """Somebody of whom nothing but the address is known."""
    return Visitor(ANONYMOUS, None, None, network_of(address))


def unknown_quota(visitor: Visitor, *, now: int) -> Quota:
    """What is told while the database is away: nothing can be counted, nor anything be admitted."""
    return Quota(PER_MINUTE[visitor.tier], 0, MINUTE_MS - now % MINUTE_MS)


def _least(own: Quota, shared: Iterable[Quota]) -> Quota:
    return replace(own, remaining=min(one.remaining for one in (own, *shared)))


def _no_burst(name: str, per_minute: int) -> Rate:
    return Rate(name, per_minute, per_minute, MINUTE_MS)  # so that no window ever admits more
