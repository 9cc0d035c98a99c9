"""What one application builds once and every request uses."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..detection.engine import Engine, shared
from ..errors import StorageUnavailable
from ..storage import migrate, readiness
from ..storage.engine import Database, Forkable, open_database, watch_forks
from .agent_tokens import AgentTokens
from .analysis import Analyst
from .checkpoint_signer import CheckpointSigner
from .conversion_tokens import ConversionTokens
from .deferred import Deferred
from .ids import InteractionIds
from .keys import Authenticator
from .limits import Strangers
from .policy_cache import Policies
from .reach import Reach
from .signing_keys import SigningKeys
from .times import Clock
from .visitors import Visitors

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Services(Forkable):
    """The database, the clock, and what remembers things between requests."""

    db: Database
    clock: Clock
    pepper: str = field(repr=False)
    authenticator: Authenticator
    strangers: Strangers
    visitors: Visitors
    registrations_per_hour: int
    interaction_ids: InteractionIds
    policies: Policies
    deferred: Deferred
    analyst: Analyst
    conversion_tokens: ConversionTokens
    checkpoint_signer: CheckpointSigner
    signing_keys: SigningKeys
    agent_tokens: AgentTokens
    issuer: str | None
    reach: Reach
    draining: bool = False

    @property
    def engine(self) -> Engine:
        """What detects; made at its first use in this process, which takes most of a second."""
        return shared()

    def after_fork_in_child(self) -> None:
        """Let go of locks that a thread of the parent may have held."""
        self.authenticator.renew_lock()
        self.strangers.renew_lock()
        self.visitors.renew_lock()
        self.interaction_ids.renew_lock()
        self.policies.renew_lock()
        self.signing_keys.renew_lock()
        self.agent_tokens.renew_lock()

    def close(self) -> None:
        """Finish queued writes and let go of the database."""
        self.analyst.close()
        self.deferred.close()
        self.db.close()


def build(
    *,
    database: str,
    pepper: str,
    clock: Clock,
    unauthenticated_per_minute: int,
    caller_ip_per_minute: int = 600,
    registrations_per_hour: int = 10,
    background_analysis: bool = True,
    secret_keys: Sequence[str] = (),
    issuer: str | None = None,
) -> Services:
    """Open the database, bring it to this version's schema, and build the services on it.

    Without `secret_keys` (oldest first) what is signed is good in this process alone.

    Raises DatabaseRefused, ConfigurationError or StorageUnavailable.
    """
    db = open_database(database)
    migrate.prepare(db, now=clock())
    reach = Reach(clock)
    secret_keys = secret_keys or [secrets.token_urlsafe(48)]
    signing_keys = SigningKeys(db, secret_keys=secret_keys, clock=clock)
    policies = Policies(db, clock=clock, reach=reach)
    services = Services(
        db=db,
        clock=clock,
        pepper=pepper,
        authenticator=Authenticator(db, pepper=pepper, clock=clock, reach=reach),
        strangers=Strangers(unauthenticated_per_minute),
        visitors=Visitors(db, pepper=pepper, clock=clock, ip_per_minute=caller_ip_per_minute),
        registrations_per_hour=registrations_per_hour,
        interaction_ids=InteractionIds(),
        policies=policies,
        deferred=Deferred(db),
        reach=reach,
        analyst=Analyst(db, clock=clock, policies=policies, engine=shared, in_background=background_analysis),
        conversion_tokens=ConversionTokens(secret_keys),
        checkpoint_signer=CheckpointSigner(secret_keys),
        signing_keys=signing_keys,
        agent_tokens=AgentTokens(db, keys=signing_keys, clock=clock, issuer=issuer),
        issuer=issuer,
    )
    watch_forks(services)
    return services


def warm_up(then: Callable[[], None] | None = None) -> None:
    """Make what detects ready in a thread of its own, so that no request has to pay for it.

    One that comes earlier waits until it is ready. `then` is called at the end.
    """
    threading.Thread(target=_warm_up, args=(then,), name="precog-warm-up", daemon=True).start()


def _warm_up(then: Callable[[], None] | None) -> None:
    try:
        shared().warm()
        if then is not None:
            then()
    except Exception as error:  # whoever needs it will find out as well
        log.error("detection could not be made ready: %s", type(error).__name__)


def probe(services: Services) -> None:
    """Read and write once. Raises StorageUnavailable, also for a schema that is not this version's."""
    services.db.read(migrate.require_current)
    services.db.write(readiness.probe, now=services.clock())


def look(services: Services) -> None:
    """Read once. Raises StorageUnavailable, also when the server is going down."""
    if services.draining:
        raise StorageUnavailable("draining")
    services.db.read(migrate.require_current)
