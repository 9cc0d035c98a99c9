"""Organizations and their plans."""

from __future__ import annotations

from typing import Any

import click

from ..core import administration, times
from ..core.administration import Organization
from ..core.plans import PLANS
from .common import instance_options, open_services, tell


@click.group()
def org() -> None:
    """Organizations and their plans."""


PLAN = click.Choice(sorted(PLANS), case_sensitive=False)


def _organization_data(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "plan": organization.plan,
        "agents": {"used": organization.active_agents, "limit": organization.agent_limit},
        "created_at": times.to_rfc3339(organization.created_at),
    }


def _organization_line(organization: Organization) -> str:
    limit = "unlimited" if organization.agent_limit is None else organization.agent_limit
    return (
        f"{organization.id}  {organization.plan:<12}  {organization.active_agents}/{limit} agents"
        f"  {organization.name}"
    )


@org.command("create")
@click.argument("name")
@click.option("--plan", type=PLAN, default="ENTERPRISE", show_default=True)
@instance_options
def create_organization(
    name: str, plan: str, as_json: bool, instance: str | None, database: str | None
) -> None:
    """Make an organization with a system named default."""
    made = administration.create_organization(open_services(instance, database), name, plan)
    tell(as_json, _organization_data(made), _organization_line(made))


@org.command("list")
@instance_options
def list_organizations(as_json: bool, instance: str | None, database: str | None) -> None:
    """List the organizations."""
    found = administration.list_organizations(open_services(instance, database))
    tell(
        as_json,
        {"organizations": [_organization_data(one) for one in found]},
        "\n".join(_organization_line(one) for one in found) or "There is none.",
    )


@org.command("set-plan")
@click.argument("organization")
@click.argument("plan", type=PLAN)
@instance_options
def set_plan(organization: str, plan: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """Change an organization's plan."""
    changed = administration.set_plan(open_services(instance, database), organization, plan)
    tell(as_json, _organization_data(changed), _organization_line(changed))
