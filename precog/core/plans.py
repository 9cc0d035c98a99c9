"""What each plan allows."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits of a plan; None is unlimited."""

    name: str
    agents: int | None
    impact_events_per_month: int | None
    requests_per_minute: int | None
    burst: int | None


PLANS = {
    plan.name: plan
    for plan in (
        Plan("FREE", 1, 100, 100, 200),
        Plan("PROFESSIONAL", 10, 2_000, 1_000, 2_000),
        Plan("BUSINESS", 30, 10_000, 5_000, 10_000),
        Plan("ENTERPRISE", None, None, None, None),
    )
}


def plan_named(name: str) -> Plan:
    """The plan, whatever the case of its name. Raises NotFound."""
    try:
        return PLANS[name.upper()]
    except KeyError:
        raise NotFound("plan") from None
