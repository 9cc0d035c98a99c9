"""API keys: how they look, how they are kept, and whose a presented one is."""

from __future__ import annotations

import hmac
import secrets
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..errors import (
    InsufficientScope,
    NotFound,
    StorageUnavailable,
    Unauthenticated,
    WrongSystem,
    WrongValue,
)
from ..storage import keys, organizations
from ..storage.engine import Database, Transaction
from ..storage.keys import ApiKey
from ..storage.organizations import Organization
from .ids import random_id
from .limits import UNLIMITED, Rate
from .reach import Reach
from .times import MINUTE_MS, Clock

SCOPES = ("telemetry", "guard", "agents", "read", "admin")
DEFAULT_SCOPES = frozenset(SCOPES) - {"admin"}

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 30  # 178 bits
_CHECKSUM_CHARACTERS = 6
_DISPLAYED_CHARACTERS = 4

CACHE_MS = 2_000  # how long another process's revocation may go unnoticed
STALE_MS = 600_000  # how long a known key is taken while the database cannot be asked, where that is allowed
CACHED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `secret` is the key itself, and this is the only time it is seen."""

    secret: str
    record: ApiKey


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request this is, and what the plan and the key allow."""

    organization_id: str
    key_id: str
    system_id: str | None
    scopes: frozenset[str]
    expires_at: int | None
    agent_limit: int | None
    rate: Rate
    agent_id: str | None = None  # of an agent that came with a token of its own: it speaks for no other

    def require(self, scope: str) -> None:
        """Raise InsufficientScope unless the key has the scope."""
        if scope not in self.scopes:
            raise InsufficientScope(scope)

    def require_system(self, system_id: str | None) -> None:
        """Raise WrongSystem when the key is bound to another system; None is what no bound key may do."""
        if self.system_id not in (None, system_id):
            raise WrongSystem()


def generate(prefix: str) -> str:
    """A new key: prefix, 178 random bits, and a CRC-32 over both, all but the prefix in base 62."""
    body = prefix + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


def is_well_formed(key: str) -> bool:
    """Whether the key's checksum is right, so that a mistyped one costs no look-up."""
    if not _may_be_key(key):
        return False
    body, checksum = key[:-_CHECKSUM_CHARACTERS], key[-_CHECKSUM_CHARACTERS:]
    return hmac.compare_digest(_checksum(body), checksum)


def _may_be_key(text: str) -> bool:
    return _RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS < len(text) <= 60 and text.isascii()


def digest(pepper: str, secret: str) -> str:
    """What is kept of a key or another secret: HMAC-SHA256 under the server's pepper, in hex."""
    begun = _under(pepper).copy()  # hmac.digest lets another thread run, which then has to be waited for
    begun.update(secret.encode())
    return begun.hexdigest()


@lru_cache(maxsize=8)
def _under(pepper: str) -> hmac.HMAC:
    return hmac.new(pepper.encode(), digestmod="sha256")


def create(
    tx: Transaction,
    *,
    pepper: str,
    prefix: str,
    organization_id: str,
    kind: str,
    name: str,
    now: int,
    system_id: str | None = None,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    environment: str = "production",
    expires_in_ms: int | None = None,
) -> NewKey:
    """Make a key for an organization. Raises WrongValue for a scope that does not exist."""
    wanted = frozenset(scopes)
    if not wanted or not wanted <= set(SCOPES):
        raise WrongValue("scopes", expected=f"some of {', '.join(SCOPES)}", received="others")
    secret = generate(prefix)
    record = ApiKey(
        id=random_id("key-"),
        organization_id=organization_id,
        system_id=system_id,
        kind=kind,
        name=name,
        environment=environment,
        display=secret[: len(prefix) + _DISPLAYED_CHARACTERS],
        scopes=wanted,
        created_at=now,
        expires_at=None if expires_in_ms is None else now + expires_in_ms,
        last_used_at=None,
        revoked_at=None,
        rotated_to=None,
    )
    keys.add(tx, record, digest=digest(pepper, secret))
    return NewKey(secret, record)


def rotate(tx: Transaction, key_id: str, *, pepper: str, prefix: str, overlap_ms: int, now: int) -> NewKey:
    """Make a key's successor; the old one goes on working for `overlap_ms`.

    Raises NotFound when there is no live key of this id, or it was rotated before.
    """
    old = keys.get(tx, key_id)
    if old is None:
        raise NotFound("key")
    new = create(
        tx,
        pepper=pepper,
        prefix=prefix,
        organization_id=old.organization_id,
        system_id=old.system_id,
        kind=old.kind,
        name=old.name,
        scopes=old.scopes,
        environment=old.environment,
        now=now,
    )
    if not keys.replace(tx, key_id, rotated_to=new.record.id, expires_at=now + overlap_ms, now=now):
        raise NotFound("live key")
    return new


class Authenticator:
    """Finds the caller behind a key, remembering recent answers for CACHE_MS."""

    def __init__(self, db: Database, *, pepper: str, clock: Clock, reach: Reach | None = None) -> None:
        self._db = db
        self._pepper = pepper
        self._clock = clock
        self._lock = threading.Lock()
        self._generation = 0
        self._known: dict[str, tuple[Caller, int]] = {}
        self._touched: dict[str, int] = {}
        self._reach = reach or Reach(clock)

    def authenticate(
        self,
        presented: str | None,
        *,
        on_malformed: Callable[[], None] = lambda: None,
        stale: bool = False,
    ) -> Caller:
        """Whose key this is. Raises Unauthenticated, and touches no database for a malformed key.

        `on_malformed` is called for one that is malformed or absent; what it raises stands. With `stale`
        a key that was good within STALE_MS is good while the database, which alone could revoke it,
        cannot be asked; else that raises StorageUnavailable.
        """
        kept = digest(self._pepper, presented) if presented is not None and _may_be_key(presented) else ""
        caller, good_until = self._known.get(kept, (None, 0))
        if caller is None and (presented is None or not is_well_formed(presented)):
            on_malformed()
            raise Unauthenticated()
        now = self._clock()
        if caller is None or not now < good_until <= now + CACHE_MS:
            caller = self._load_or_remember(kept, now) if stale else self._load(kept, now)
        if caller.expires_at is not None and caller.expires_at <= now:
            raise Unauthenticated()
        self._remember_use(caller.key_id, now)
        return caller

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Ask the database again for every key: something about a key or plan was just changed here."""
        with self._lock:
            self._generation += 1
            self._known.clear()

    def _load_or_remember(self, kept: str, now: int) -> Caller:
        known, good_until = self._known.get(kept, (None, 0))
        if known is None or not now < good_until + STALE_MS:
            return self._load(kept, now)
        if self._reach.is_away:
            return known
        try:
            return self._reach.ask(self._load, kept, now)
        except StorageUnavailable:
            return known

    def _load(self, kept: str, now: int) -> Caller:
        generation = self._generation
        try:
            caller = self._db.read(_find, kept)
        except Unauthenticated:
            self._known.pop(kept, None)
            raise
        with self._lock:
            # An answer that was read before a revocation must not be remembered after it.
            if generation == self._generation:
                if len(self._known) >= CACHED_KEYS:
                    self._known.clear()
                self._known[kept] = (caller, now + CACHE_MS)
        return caller

    def _remember_use(self, key_id: str, now: int) -> None:
        last = self._touched.get(key_id)
        if last is not None and last <= now < last + MINUTE_MS:
            return
        if len(self._touched) >= CACHED_KEYS:
            self._touched.clear()
        self._touched[key_id] = now
        self._db.post(keys.touch, key_id, now=now, before=now - MINUTE_MS)


def _find(tx: Transaction, kept: str) -> Caller:
    key = keys.by_digest(tx, kept)
    if key is None or key.revoked_at is not None:
        raise Unauthenticated()
    organization = organizations.get(tx, key.organization_id)
    if organization is None:
        raise Unauthenticated()
    return Caller(
        organization_id=key.organization_id,
        key_id=key.id,
        system_id=key.system_id,
        scopes=key.scopes,
        expires_at=key.expires_at,
        agent_limit=organization.agent_limit,
        rate=rate_of(organization),
    )


def rate_of(organization: Organization) -> Rate:
    """How many requests a minute the organization's plan admits."""
    steady = organization.requests_per_minute
    return Rate(
        "requests",
        UNLIMITED if steady is None else steady,
        UNLIMITED if organization.burst is None or steady is None else organization.burst,
        MINUTE_MS,
    )
