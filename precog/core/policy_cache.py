"""The policies that requests ask for again and again, kept in memory for a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from ..detection.policy import Thresholds
from ..errors import NotFound, StorageUnavailable
from ..storage import agents, systems
from ..storage.engine import Database, Transaction
from .reach import Reach
from .system_policy import DEFAULT_POLICY, FIRST_VERSION, SystemPolicy, from_json, thresholds_from_json
from .times import Clock

CACHE_MS = 2_000  # how long another process's change may go unnoticed
CACHED = 10_000

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds for a request: the system's policy, with the agent's thresholds in it."""

    policy: SystemPolicy
    version: int


class _Memory(Generic[V]):
    """Answers of the database by organization and name, remembered for CACHE_MS.

    The last known answer stays beyond that, for as long as the database cannot be asked.
    """

    def __init__(self, load: Callable[[str, str], V], clock: Clock, reach: Reach) -> None:
        self._load = load
        self._clock = clock
        self._reach = reach
        self._lock = threading.Lock()
        self._generation = 0
        self._known: dict[tuple[str, str], tuple[V, int]] = {}

    def get(self, organization_id: str, name: str) -> V:
        """Raises StorageUnavailable when the database is away and was never asked for this."""
        key = organization_id, name
        known = self._known.get(key)
        now = self._clock()
        if known is not None and now < known[1] <= now + CACHE_MS:
            return known[0]
        if known is not None and self._reach.is_away:
            return known[0]
        generation = self._generation
        try:
            answer = self._reach.ask(self._load, organization_id, name)
        except StorageUnavailable:
            answer = self._last_known(key)
            now = self._clock()  # to find out may have taken seconds, so not every request tries it
        except NotFound:
            with self._lock:
                self._known.pop(key, None)
            raise
        self._remember(key, answer, now + CACHE_MS, generation)
        return answer

    def forget(self) -> None:
        """Ask the database again for everything."""
        with self._lock:
            self._generation += 1
            self._known = {key: (answer, 0) for key, (answer, _) in self._known.items()}

    def renew_lock(self) -> None:
        self._lock = threading.Lock()

    def _last_known(self, key: tuple[str, str]) -> V:
        with self._lock:
            known = self._known.get(key)
        if known is None:
            raise StorageUnavailable()
        return known[0]

    def _remember(self, key: tuple[str, str], answer: V, good_until: int, generation: int) -> None:
        with self._lock:
            # An answer that was read before a change must not be remembered after it.
            if generation != self._generation:
                return
            self._known.pop(key, None)  # so that the first is the one that was not asked for the longest
            if len(self._known) >= CACHED:
                del self._known[next(iter(self._known))]
            self._known[key] = answer, good_until


class Policies:
    """Finds the policy of a system, with an agent's own thresholds, remembering answers for CACHE_MS."""

    def __init__(self, db: Database, *, clock: Clock, reach: Reach | None = None) -> None:
        reach = reach or Reach(clock)
        # Apart, so that however many agents are named, the systems' policies stay known.
        self._systems = _Memory[Effective](lambda owner, id: db.read(_of_system, owner, id), clock, reach)
        self._agents = _Memory[Mapping[str, Thresholds]](
            lambda owner, name: db.read(_of_agent, owner, name), clock, reach
        )

    def get(self, organization_id: str, system_id: str, agent_id: str | None = None) -> Effective:
        """What holds for the system, and for the agent where it has thresholds of its own.

        While the database is away this is what was known last; an agent of which nothing is known has what
        its system has then. Raises NotFound for a system that is not the organization's, and
        StorageUnavailable when nothing is known of the system.
        """
        found = self._systems.get(organization_id, system_id)
        if agent_id is None:
            return found
        try:
            own = self._agents.get(organization_id, agent_id)
        except StorageUnavailable:
            return found
        return _with_thresholds(found, own) if own else found

    def of_agent(self, organization_id: str, agent_id: str) -> Effective:
        """What holds for what an agent of no system reports: the default policy, with its own thresholds.

        Raises StorageUnavailable when nothing is known of the agent.
        """
        own = self._agents.get(organization_id, agent_id)
        found = Effective(DEFAULT_POLICY, FIRST_VERSION)
        return _with_thresholds(found, own) if own else found

    def forget(self) -> None:
        """Ask the database again for every policy: one was just changed here."""
        self._systems.forget()
        self._agents.forget()

    def renew_lock(self) -> None:
        """In a forked child, where the thread that held it may not be."""
        self._systems.renew_lock()
        self._agents.renew_lock()


def _of_system(tx: Transaction, organization_id: str, system_id: str) -> Effective:
    system = systems.get(tx, system_id)
    if system is None or system.organization_id != organization_id:
        raise NotFound("system")
    row = systems.latest_policy(tx, system_id)
    if row is None:
        return Effective(DEFAULT_POLICY, FIRST_VERSION)
    return Effective(from_json(row.policy), row.version)


def _of_agent(tx: Transaction, organization_id: str, agent_id: str) -> Mapping[str, Thresholds]:
    return thresholds_from_json(agents.thresholds(tx, organization_id, agent_id))


def _with_thresholds(found: Effective, own: Mapping[str, Thresholds]) -> Effective:
    detection = found.policy.detection
    merged = MappingProxyType({**detection.thresholds, **own})
    return Effective(replace(found.policy, detection=replace(detection, thresholds=merged)), found.version)
