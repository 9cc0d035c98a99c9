"""Catalogues, callers and conversions for tests."""

from __future__ import annotations

from typing import Any

from precog.core import callers, conversions
from precog.core.callers import Registered, Registration
from precog.core.conversions import Told, Tracked
from precog.core.services import Services
from precog.core.visitors import Visitor
from precog.storage import catalogs
from precog.storage.engine import Transaction
from tests.conftest import Sandbox

ADDRESS = "192.0.2.7"
ANYBODY = Visitor("anonymous", None, None, ADDRESS)

ADD_PRODUCT = """
INSERT INTO products (id, catalog, sku, name, price_e4, currency, updated_at)
VALUES (:id, :catalog, :id, 'Something', 199900, 'EUR', 0)
"""


def sell(sandbox: Sandbox, slug: str = "savoir", *products: str, organization_id: str | None = None) -> None:
    """Make a catalogue with these products, `p_1` when none is named."""
    owner = organization_id or sandbox.organization_id
    sandbox.services.db.write(_sell, slug, products or ("p_1",), owner)


def _sell(tx: Transaction, slug: str, products: tuple[str, ...], organization_id: str) -> None:
    catalogs.add(
        tx,
        slug=slug,
        organization_id=organization_id,
        name=slug.title(),
        business="Wine",
        description=None,
        industry=None,
        claims=None,
        now=0,
    )
    for product in products:
        tx.run(ADD_PRODUCT, id=product, catalog=slug)


def caller(services: Services, *, tier: str = "standard", percent_e2: int | None = None) -> Registered:
    """A registered caller of this tier."""
    made = callers.register(services, Registration("Assistant", None, None), address=ADDRESS)
    if tier != "standard":
        callers.grant(services, None, made.caller.id, tier=tier, revenue_share_e2=percent_e2)
    return made


def visitor(services: Services, **presented: Any) -> Visitor:
    """Who comes with this `caller_key` or `agent_id`."""
    return services.visitors.identify(
        **{"caller_key": None, "agent_id": None, "address": ADDRESS, **presented}
    )


def told(services: Services, **fields: Any) -> Told:
    """What a sender tells, with a token that is good for it."""
    known: dict[str, Any] = {
        "slug": "savoir",
        "session_id": "s-1",
        "product_id": "p_1",
        "value_e4": 199_900,
        "currency": "EUR",
        **fields,
    }
    if "token" not in known:
        known["token"], _ = conversions.issue(
            services, session_id=known["session_id"], slug=known["slug"], now=services.clock()
        )
    return Told(**known)


def token(sandbox: Sandbox, *, slug: str = "savoir", session_id: str = "s-1") -> str:
    """A conversion token of an agent for a session."""
    services = sandbox.services
    return conversions.issue(services, session_id=session_id, slug=slug, now=services.clock())[0]


def track(services: Services, who: Visitor = ANYBODY, **fields: Any) -> Tracked:
    """Tell of a conversion."""
    return conversions.track(services, who, told(services, **fields))
