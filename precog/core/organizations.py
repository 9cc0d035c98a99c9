"""Organizations as their own keys make and see them."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Forbidden, NotFound, WrongValue
from ..storage import keys as key_rows
from ..storage import organizations
from ..storage.engine import Transaction
from ..storage.organizations import Organization as Organization
from . import administration, audit, limits
from .administration import KeyRequest
from .keys import Caller, NewKey
from .limits import Rate
from .plans import plan_named
from .services import Services
from .times import HOUR_MS
from .visitors import network_of

LONGEST_NAME = 200
OPERATORS_PLAN = "ENTERPRISE"
SIGN_UP_PLAN = "FREE"


@dataclass(frozen=True, slots=True)
class Founded:
    """A new organization and its first key, which is seen this once."""

    organization: Organization
    key: NewKey


@dataclass(frozen=True, slots=True)
class Own:
    """The organization of a key, and how the key begins."""

    organization: Organization
    key_display: str


def create(
    services: Services, founder: Caller | None, name: str, request: KeyRequest, *, open_to: str | None
) -> Founded:
    """Make an organization: an admin of the one that runs this server does, or whoever it is `open_to`.

    Raises Forbidden for anybody else: an admin elsewhere, who has a plan there, could else take another one.
    For an address there are a few an hour, of the smallest plan; then it raises RateLimited. Raises
    WrongValue for a name that cannot be.
    """
    return services.db.write(
        _create,
        founder,
        _checked(name),
        request,
        counted=None if open_to is None else network_of(open_to),
        a_few_an_hour=services.registrations_per_hour,
        pepper=services.pepper,
        now=services.clock(),
    )


def _create(
    tx: Transaction,
    founder: Caller | None,
    name: str,
    request: KeyRequest,
    *,
    counted: str | None,
    a_few_an_hour: int,
    pepper: str,
    now: int,
) -> Founded:
    plan = plan_named(OPERATORS_PLAN)
    if not _is_operator(tx, founder):
        if counted is None:
            raise Forbidden("Only a key of the organization that runs this server can do this")
        limits.spend(tx, Rate("sign-ups", a_few_an_hour, a_few_an_hour, HOUR_MS), counted, now=now)
        plan = plan_named(SIGN_UP_PLAN)
    made = administration.make_organization(tx, name, plan, now=now)
    key = administration.make_key(tx, made.id, request, pepper=pepper, now=now)
    facts = {
        "name": name,
        "plan": plan.name,
        "key_id": key.record.id,
        "made_by_key_id": None if founder is None else founder.key_id,
    }
    audit.append(tx, made.id, event_type="organization.created", metadata=facts, now=now)
    return Founded(made, key)


def _is_operator(tx: Transaction, founder: Caller | None) -> bool:
    if founder is None or "admin" not in founder.scopes or founder.system_id is not None:
        return False
    operator = organizations.oldest(tx)
    return operator is not None and operator.id == founder.organization_id


def _checked(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise WrongValue(
            "name", expected=f"1 to {LONGEST_NAME} printable characters", received="another string"
        )
    return name


def own(services: Services, caller: Caller) -> Own:
    """The caller's organization."""
    return services.db.read(_own, caller)


def get(services: Services, caller: Caller, organization_id: str) -> Own:
    """The organization of this id. Raises NotFound for any but the caller's, whether it is there or not."""
    if organization_id != caller.organization_id:
        raise NotFound("organization")
    return own(services, caller)


def _own(tx: Transaction, caller: Caller) -> Own:
    organization = organizations.get(tx, caller.organization_id)
    key = key_rows.get(tx, caller.key_id)
    if organization is None or key is None:
        raise NotFound("organization")
    return Own(organization, key.display)
