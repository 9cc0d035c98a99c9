"""Outside callers: who registered, and what tier each has."""

from __future__ import annotations

from typing import Any

import click

from ..core import callers as core
from ..core import times
from ..core.callers import Grant, OutsideCaller
from ..core.visitors import GRANTED_TIERS, PER_MINUTE
from .common import ORGANIZATION, instance_options, open_services, organization_id, tell
from .tables import shown, table

_EVERY_ONE = 2**31
_LONGEST = 200


@click.group()
def callers() -> None:
    """Outside agents that registered themselves, and their tiers."""


def _data(caller: OutsideCaller) -> dict[str, Any]:
    return {
        "id": caller.id,
        "organization": caller.organization_id,
        "name": caller.name,
        "contact_email": caller.contact_email,
        "description": caller.description,
        "key": f"{caller.key_display}…",
        "tier": caller.tier,
        "requests_per_minute": PER_MINUTE[caller.tier],
        "revenue_share": _share(caller.revenue_share_e2),
        "created_at": times.to_rfc3339(caller.created_at),
        "revoked_at": _time(caller.revoked_at),
    }


def _grant_data(grant: Grant) -> dict[str, Any]:
    return {
        "tier": grant.tier,
        "revenue_share": _share(grant.revenue_share_e2),
        "granted_at": times.to_rfc3339(grant.granted_at),
        "granted_by": grant.key_id,
    }


def _share(share_e2: int | None) -> str | None:
    return None if share_e2 is None else core.share_to_text(share_e2)


def _time(ms: int | None) -> str | None:
    return None if ms is None else times.to_rfc3339(ms)


def _tier(tier: str, share: str | None) -> str:
    return tier if share is None else f"{tier} ({share} %)"


def _text(data: dict[str, Any]) -> str:
    """A caller in words. It chose its name itself, and may not talk to the terminal."""
    found = {**data, "tier": _tier(data["tier"], data["revenue_share"])}
    lines = [
        f"  {name:<20} {shown(str(value), _LONGEST)}"
        for name, value in found.items()
        if name not in ("id", "revenue_share", "grants") and value is not None
    ]
    grants = [
        f"  {one['granted_at']}  {_tier(one['tier'], one['revenue_share'])}"
        f"  by {one['granted_by'] or 'the operator'}"
        for one in data.get("grants", ())
    ]
    return "\n".join([data["id"], *lines, *grants])


@callers.command("list")
@ORGANIZATION
@instance_options
def list_callers(organization: str | None, as_json: bool, instance: str | None, database: str | None) -> None:
    """List who registered."""
    services = open_services(instance, database)
    owner = organization_id(services, organization)
    found = [_data(caller) for caller in core.page(services, owner, after="", limit=_EVERY_ONE)]
    rows = [
        (
            one["id"],
            _tier(one["tier"], one["revenue_share"]),
            "revoked" if one["revoked_at"] else "",
            one["created_at"],
            shown(one["name"], 40),
        )
        for one in found
    ]
    text = table(("id", "tier", "", "registered", "name"), rows) if rows else "There is none."
    tell(as_json, {"callers": found}, text)


@callers.command("show")
@click.argument("caller")
@instance_options
def show_caller(caller: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """Show a CALLER, and every tier that it was given, newest first."""
    found, grants = core.get(open_services(instance, database), None, caller)
    data = {**_data(found), "grants": [_grant_data(grant) for grant in grants]}
    tell(as_json, data, _text(data))


@callers.command("tier")
@click.argument("caller")
@click.argument("tier", type=click.Choice(GRANTED_TIERS))
@click.option("--revenue-share", metavar="PERCENT", help="A partner's, such as 12.5; two decimals at most.")
@instance_options
def give_tier(
    caller: str,
    tier: str,
    revenue_share: str | None,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Give a CALLER another tier. Servers follow within 5 s."""
    share_e2 = None if revenue_share is None else core.share_from_text(revenue_share)
    services = open_services(instance, database)
    data = _data(core.grant(services, None, caller, tier=tier, revenue_share_e2=share_e2))
    tell(as_json, data, _text(data))


@callers.command("revoke")
@click.argument("caller")
@instance_options
def revoke_caller(caller: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """Refuse a CALLER's key from now on, for good. Servers follow within 5 s."""
    data = _data(core.revoke(open_services(instance, database), None, caller))
    tell(as_json, data, _text(data))
