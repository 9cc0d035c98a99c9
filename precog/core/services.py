"""What one application builds once and every request uses."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..storage import migrate, readiness
from ..storage.engine import Database, Transaction, open_database
from .ids import InteractionIds
from .keys import Authenticator
from .limits import Strangers
from .times import Clock


@dataclass(slots=True)
class Services:
    """The database, the clock, and what remembers things between requests."""

    db: Database
    clock: Clock
    pepper: str = field(repr=False)
    authenticator: Authenticator
    strangers: Strangers
    interaction_ids: InteractionIds
    draining: bool = False

    def close(self) -> None:
        """Finish queued writes and let go of the database."""
        self.db.close()


def build(*, database: str, pepper: str, clock: Clock, unauthenticated_per_minute: int) -> Services:
    """Open the database, bring it to this version's schema, and build the services on it.

    Raises DatabaseRefused, ConfigurationError or StorageUnavailable.
    """
    db = open_database(database)
    migrate.prepare(db, now=clock())
    return Services(
        db=db,
        clock=clock,
        pepper=pepper,
        authenticator=Authenticator(db, pepper=pepper, clock=clock),
        strangers=Strangers(unauthenticated_per_minute),
        interaction_ids=InteractionIds(),
    )


def probe(services: Services) -> None:
    """Read and write once. Raises StorageUnavailable, also for a schema that is not this version's."""
    services.db.read(_check_schema)
    services.db.write(readiness.probe, now=services.clock())


def _check_schema(tx: Transaction) -> None:
    migrate.require_current(tx)
