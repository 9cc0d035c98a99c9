"""Agents with keys: who they are, and stopping them."""

from __future__ import annotations

from typing import Any

import click

from ..core import identities, operators, times
from ..core.identities import STATUSES, Change, Identity, scopes_of, status_of
from ..errors import InvalidTransition
from .common import ORGANIZATION, instance_options, open_services, organization_id, tell
from .tables import shown, table

_EVERY_ONE = 2**31
_LONGEST = 200


@click.group()
def agents() -> None:
    """Agents with keys of their own: look at them, suspend them, revoke them."""


def _data(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "organization": identity.organization_id,
        "name": identity.name,
        "status": status_of(identity),
        "scopes": scopes_of(identity),
        "key_fingerprint": identity.key_fingerprint,
        "public_key": identity.public_key,
        "created_at": times.to_rfc3339(identity.created_at),
        "updated_at": _time(identity.updated_at),
        "last_auth_at": _time(identity.last_auth_at),
        "revoked_at": _time(identity.revoked_at),
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else times.to_rfc3339(ms)


def _text(data: dict[str, Any]) -> str:
    """An agent in words. Whoever made it chose its name, and may not talk to the terminal."""
    found = {**data, "scopes": " ".join(data["scopes"]) or None}
    lines = [
        f"  {name:<16} {shown(str(value), _LONGEST)}"
        for name, value in found.items()
        if name not in ("id", "public_key") and value is not None
    ]
    return "\n".join([data["id"], *lines])


def _tell(as_json: bool, identity: Identity) -> None:
    data = _data(identity)
    tell(as_json, data, _text(data))


@agents.command("list")
@ORGANIZATION
@click.option("--status", type=click.Choice(STATUSES), help="Only those that stand so.")
@instance_options
def list_agents(
    organization: str | None, status: str | None, as_json: bool, instance: str | None, database: str | None
) -> None:
    """List an organization's agents with keys, newest first."""
    services = open_services(instance, database)
    operator = operators.of(services, organization_id(services, organization))
    page, _ = identities.page(services, operator, status=status, limit=_EVERY_ONE, offset=0)
    found = [_data(identity) for identity in page]
    rows = [
        (one["id"], one["status"], one["last_auth_at"] or "never", shown(one["name"], 40)) for one in found
    ]
    text = table(("id", "status", "last seen", "name"), rows) if rows else "There is none."
    tell(as_json, {"agents": found}, text)


@agents.command("show")
@click.argument("agent")
@instance_options
def show_agent(agent: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """Show the AGENT of this id."""
    services = open_services(instance, database)
    _tell(as_json, identities.get(services, operators.of_agent(services, agent), agent))


@agents.command("suspend")
@click.argument("agent")
@instance_options
def suspend_agent(agent: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """Refuse an AGENT's tokens until it is resumed. Servers follow within 5 s."""
    _tell(as_json, _set_status(agent, "suspended", instance, database))


@agents.command("resume")
@click.argument("agent")
@instance_options
def resume_agent(agent: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """Let an AGENT that was suspended, or deactivated, go on. Servers follow within 5 s."""
    _tell(as_json, _set_status(agent, "active", instance, database))


def _set_status(agent: str, status: str, instance: str | None, database: str | None) -> Identity:
    services = open_services(instance, database)
    operator = operators.of_agent(services, agent)
    try:
        return identities.change(services, operator, agent, Change(status=status))
    except InvalidTransition as error:
        raise click.ClickException("The agent was revoked, which is final.") from error


@agents.command("revoke")
@click.argument("agent")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@instance_options
def revoke_agent(agent: str, yes: bool, as_json: bool, instance: str | None, database: str | None) -> None:
    """End an AGENT and its tokens for good. Servers follow within 5 s."""
    if not yes:
        raise click.UsageError("Nobody can undo this: say --yes.")
    services = open_services(instance, database)
    _tell(as_json, identities.revoke(services, operators.of_agent(services, agent), agent))
