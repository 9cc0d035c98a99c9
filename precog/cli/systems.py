"""Systems and their policies."""

from __future__ import annotations

from typing import Any

import click
import marshmallow as ma
import orjson

from ..core import policies, times
from ..core.policies import PolicyVersion, System
from ..core.services import Services
from ..surfaces.fields import first_fault
from ..surfaces.policies import PolicyPatch, from_version, to_patch
from .common import ORGANIZATION, instance_options, open_services, organization_id, tell

_PATCH = PolicyPatch()
_HISTORY = 1_000


@click.group()
def systems() -> None:
    """Systems, and the policy of the guard for each."""


def _data(system: System) -> dict[str, Any]:
    return {
        "id": system.id,
        "organization": system.organization_id,
        "name": system.name,
        "created_at": times.to_rfc3339(system.created_at),
    }


def _line(system: System) -> str:
    return f"{system.id}  {system.name}"


@systems.command("create")
@click.argument("name")
@ORGANIZATION
@instance_options
def create_system(
    name: str, organization: str | None, as_json: bool, instance: str | None, database: str | None
) -> None:
    """Make a system, with the default policy."""
    services = open_services(instance, database)
    made = policies.create_system(services, organization_id(services, organization), name)
    tell(as_json, _data(made), _line(made))


@systems.command("list")
@ORGANIZATION
@instance_options
def list_systems(organization: str | None, as_json: bool, instance: str | None, database: str | None) -> None:
    """List an organization's systems."""
    services = open_services(instance, database)
    found = policies.all(services, organization_id(services, organization))
    tell(
        as_json,
        {"systems": [_data(system) for system in found]},
        "\n".join(_line(system) for system in found) or "There is none.",
    )


# --- policies


@systems.command("policy")
@click.argument("system")
@ORGANIZATION
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change it: block_toxicity=true, failure_mode=fail_close, expected_languages=en,de, "
    "thresholds.jailbreak.block=0.9, rate_limits.per_second=null; several become one version.",
)
@click.option("--history", is_flag=True, help="Every version, newest first.")
@instance_options
def policy(
    system: str,
    organization: str | None,
    settings: tuple[str, ...],
    history: bool,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Show or change the policy of the SYSTEM with this id or name; a change is a new version.

    Servers follow within 2 s.
    """
    services = open_services(instance, database)
    found = policies.find(services, organization_id(services, organization), system)
    if settings:
        _change(services, found, settings)
    if history:
        versions = policies.history(services, found.organization_id, found.id, limit=_HISTORY)
        data = {"versions": [from_version(version) for version in versions]}
        tell(as_json, data, "\n\n".join(_text(version) for version in versions))
        return
    current = policies.get(services, found.organization_id, found.id)
    tell(as_json, from_version(current), _text(current))


def _change(services: Services, system: System, settings: tuple[str, ...]) -> None:
    wanted: dict[str, Any] = {}
    for setting in settings:
        _put(wanted, setting)
    current = policies.get(services, system.organization_id, system.id)
    if _complete(wanted, current):
        wanted.setdefault("version", current.version)
    try:
        data = _PATCH.load(wanted)
    except ma.ValidationError as error:
        raise first_fault(error.messages) from None
    policies.change(services, None, system.id, to_patch(data), expected_version=data["version"])


def _put(wanted: dict[str, Any], setting: str) -> None:
    """Add `a.b=value` to what is wanted, as {"a": {"b": value}}."""
    path, equals, text = setting.partition("=")
    if not equals:
        raise click.UsageError(f"{setting} is not KEY=VALUE")
    *parents, name = path.strip().split(".")
    inner = wanted
    for parent in parents:
        inner = inner.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise click.UsageError(f"{parent} is set as a whole and in part")
    inner[name] = _value(name, text.strip())


def _value(name: str, text: str) -> Any:
    """JSON where it is JSON, else the text; languages may stand with commas between."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if name == "expected_languages":
            return [tag.strip() for tag in text.split(",") if tag.strip()]
        return text


def _complete(wanted: dict[str, Any], current: PolicyVersion) -> bool:
    """Take a category's threshold that was not named from the current policy; whether there was one."""
    thresholds = wanted.get("thresholds")
    if not isinstance(thresholds, dict):
        return False
    partial = {
        category: pair for category, pair in thresholds.items() if isinstance(pair, dict) and len(pair) == 1
    }
    for category, pair in partial.items():
        now = policies.thresholds_of(current.policy, category)
        thresholds[category] = {"review": now.review, "block": now.block, **pair}
    return bool(partial)


def _text(version: PolicyVersion) -> str:
    data = from_version(version)
    head = f"{data.pop('system_id')}  {data.pop('name')}"
    return "\n".join([head, *(f"  {name:<29} {_shown(value)}" for name, value in data.items())])


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
