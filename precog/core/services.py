"""What one application builds once and every request uses."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..detection.engine import Engine, shared
from ..storage import migrate, readiness
from ..storage.engine import Database, Forkable, open_database, watch_forks
from .deferred import Deferred
from .ids import InteractionIds
from .keys import Authenticator
from .limits import Strangers
from .policy_cache import Policies
from .times import Clock


@dataclass(slots=True, eq=False)
class Services(Forkable):
    """The database, the clock, and what remembers things between requests."""

    db: Database
    clock: Clock
    pepper: str = field(repr=False)
    authenticator: Authenticator
    strangers: Strangers
    interaction_ids: InteractionIds
    policies: Policies
    deferred: Deferred
    draining: bool = False

    @property
    def engine(self) -> Engine:
        """What detects; made at its first use in this process, which takes most of a second."""
        return shared()

    def after_fork_in_child(self) -> None:
        """Let go of locks that a thread of the parent may have held."""
        self.authenticator.renew_lock()
        self.strangers.renew_lock()
        self.interaction_ids.renew_lock()
        self.policies.renew_lock()

    def close(self) -> None:
        """Finish queued writes and let go of the database."""
        self.deferred.close()
        self.db.close()


def build(*, database: str, pepper: str, clock: Clock, unauthenticated_per_minute: int) -> Services:
    """Open the database, bring it to this version's schema, and build the services on it.

    Raises DatabaseRefused, ConfigurationError or StorageUnavailable.
    """
    db = open_database(database)
    migrate.prepare(db, now=clock())
    services = Services(
        db=db,
        clock=clock,
        pepper=pepper,
        authenticator=Authenticator(db, pepper=pepper, clock=clock),
        strangers=Strangers(unauthenticated_per_minute),
        interaction_ids=InteractionIds(),
        policies=Policies(db, clock=clock),
        deferred=Deferred(db),
    )
    watch_forks(services)
    return services


def probe(services: Services) -> None:
    """Read and write once. Raises StorageUnavailable, also for a schema that is not this version's."""
    services.db.read(migrate.require_current)
    services.db.write(readiness.probe, now=services.clock())
