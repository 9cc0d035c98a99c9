"""Systems and their policies, as they are read and changed: each change is a version of its own."""

from __future__ import annotations

from dataclasses import dataclass

from ..detection.policy import DEFAULT
from ..detection.policy import Thresholds as Thresholds  # surfaces take it from here
from ..errors import AlreadyExists, NotFound, VersionConflict, WrongValue
from ..storage import systems
from ..storage.engine import Transaction
from ..storage.systems import PolicyRow
from ..storage.systems import System as System  # surfaces and the command line take these from here
from .ids import random_id
from .keys import Caller
from .policy_cache import Effective as Effective
from .policy_cache import Policies as Policies
from .policy_patch import Keep as Keep
from .policy_patch import Patch as Patch
from .policy_patch import apply
from .services import Services
from .system_policy import DEFAULT_POLICY as DEFAULT_POLICY
from .system_policy import FIRST_VERSION, check, from_json, to_json
from .system_policy import SystemPolicy as SystemPolicy

TRIES = 32  # of a change, each lost to another change that came first
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a system's policy; `key_id` made it, None for the operator and for the first."""

    system: System
    policy: SystemPolicy
    version: int
    key_id: str | None
    updated_at: int


# --- systems


def create_system(services: Services, organization_id: str, name: str) -> System:
    """Make a system. Raises WrongValue for an impossible name, AlreadyExists for one that is taken."""
    if not name.strip() or len(name) > LONGEST_NAME:
        raise WrongValue(
            "name", expected=f"1 to {LONGEST_NAME} characters, one of them visible", received="another string"
        )
    system = System(random_id("sys-"), organization_id, name.strip(), services.clock())
    services.db.write(_add, system)
    return system


def _add(tx: Transaction, system: System) -> None:
    if not systems.add(
        tx,
        id=system.id,
        organization_id=system.organization_id,
        name=system.name,
        created_at=system.created_at,
    ):
        raise AlreadyExists("system")


def page(services: Services, organization_id: str, *, after: str, limit: int) -> list[System]:
    """The organization's systems by name, from the first behind `after`."""
    return services.db.read(systems.page, organization_id, after=after, limit=limit)


def all(services: Services, organization_id: str) -> list[System]:
    """Every system of the organization, by name."""
    return page(services, organization_id, after="", limit=2**31)


def find(services: Services, organization_id: str, wanted: str) -> System:
    """The organization's system with this id or name. Raises NotFound."""
    system = services.db.read(systems.find, organization_id, wanted)
    if system is None:
        raise NotFound("system")
    return system


# --- what holds, and what held


def current(services: Services, organization_id: str, system_id: str) -> tuple[SystemPolicy, int]:
    """The system's policy and its version, from the database. Raises NotFound."""
    found = get(services, organization_id, system_id)
    return found.policy, found.version


def get(
    services: Services, organization_id: str, system_id: str, *, version: int | None = None
) -> PolicyVersion:
    """A version of the system's policy, the present one when none is named. Raises NotFound."""
    return services.db.read(_get, organization_id, system_id, version)


def _get(
    tx: Transaction, organization_id: str | None, system_id: str, version: int | None = None
) -> PolicyVersion:
    system = _require(tx, organization_id, system_id)
    if version is None:
        return _latest(tx, system)
    if version == FIRST_VERSION:
        return _first(system)
    row = systems.policy(tx, system_id, version)
    if row is None:
        raise NotFound("version")
    return _version(system, row)


def thresholds_of(policy: SystemPolicy, category: str) -> Thresholds:
    """The thresholds that hold for a category."""
    return policy.detection.thresholds.get(category, DEFAULT)


def history(
    services: Services, organization_id: str, system_id: str, *, before: int | None = None, limit: int
) -> list[PolicyVersion]:
    """The versions of the system's policy below `before`, newest first. Raises NotFound."""
    return services.db.read(_history, organization_id, system_id, before=before, limit=limit)


def _history(
    tx: Transaction, organization_id: str, system_id: str, *, before: int | None, limit: int
) -> list[PolicyVersion]:
    system = _require(tx, organization_id, system_id)
    below = 2**63 - 1 if before is None else before
    found = [_version(system, row) for row in systems.policies(tx, system_id, before=below, limit=limit)]
    if len(found) < limit and below > FIRST_VERSION:
        found.append(_first(system))
    return found


def _require(tx: Transaction, organization_id: str | None, system_id: str) -> System:
    system = systems.get(tx, system_id)
    if system is None or organization_id not in (None, system.organization_id):
        raise NotFound("system")
    return system


def _latest(tx: Transaction, system: System) -> PolicyVersion:
    row = systems.latest_policy(tx, system.id)
    return _first(system) if row is None else _version(system, row)


def _first(system: System) -> PolicyVersion:
    return PolicyVersion(system, DEFAULT_POLICY, FIRST_VERSION, None, system.created_at)


def _version(system: System, row: PolicyRow) -> PolicyVersion:
    return PolicyVersion(system, from_json(row.policy), row.version, row.key_id, row.created_at)


# --- changes


def change(
    services: Services,
    caller: Caller | None,
    system_id: str,
    patch: Patch,
    *,
    expected_version: int | None = None,
) -> PolicyVersion:
    """Make the next version of a system's policy; a patch that changes nothing makes none.

    Without a caller it is the operator, who may change any system. Raises NotFound, WrongValue, and
    VersionConflict when `expected_version` is not the current one.
    """
    try:
        for _ in range(TRIES):
            made = services.db.write(
                _change, caller, system_id, patch, expected_version, now=services.clock()
            )
            if made is not None:
                return made
    finally:
        services.policies.forget()
    raise VersionConflict(services.db.read(_get, None, system_id).version)


def _change(
    tx: Transaction,
    caller: Caller | None,
    system_id: str,
    patch: Patch,
    expected_version: int | None,
    *,
    now: int,
) -> PolicyVersion | None:
    """The new version, or None when another change took its number."""
    system = _require(tx, None if caller is None else caller.organization_id, system_id)
    before = _latest(tx, system)
    if expected_version not in (None, before.version):
        raise VersionConflict(before.version)
    policy = apply(before.policy, patch)
    check(policy)
    if policy == before.policy:
        return before
    key_id = None if caller is None else caller.key_id
    row = PolicyRow(system.id, before.version + 1, to_json(policy), key_id, now)
    return _version(system, row) if systems.add_policy(tx, row) else None
