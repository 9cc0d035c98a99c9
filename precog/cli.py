"""The `precog` command."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click
import orjson
from flask import Flask

from . import application, logs
from .core import administration, times
from .core.administration import ApiKey, FirstStart, KeyRequest, Organization
from .core.keys import DEFAULT_SCOPES, SCOPES, NewKey
from .core.plans import PLANS
from .core.services import Services
from .errors import (
    AlreadyExists,
    ConfigurationError,
    DatabaseRefused,
    NotFound,
    PrecogError,
    StorageUnavailable,
    WrongValue,
)
from .surfaces.key_kinds import PREFIXES, SYSTEM_BOUND, first_keys

DURATION = re.compile(r"(\d{1,9})([smhd])")
LONGEST_MS = 36_500 * times.DAY_MS  # further on, dates have five digits a year
_UNITS_MS = {"s": times.SECOND_MS, "m": times.MINUTE_MS, "h": times.HOUR_MS, "d": times.DAY_MS}


class Duration(click.ParamType[int]):
    """A length of time such as 90m, 12h or 30d, as milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = DURATION.fullmatch(value)
        if match is None:
            self.fail(f"{value} is not like 90m, 12h or 30d", param, ctx)
        ms = int(match[1]) * _UNITS_MS[match[2]]
        if ms > LONGEST_MS:
            self.fail(f"{value} is more than {LONGEST_MS // times.DAY_MS}d", param, ctx)
        return ms


def instance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command has: where the data is, and how to answer."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--database",
            help="A path or postgresql://…; else PRECOG_DATABASE, else the instance's precog.sqlite3.",
        ),
        click.option("--instance", help="The instance folder; else PRECOG_INSTANCE, else ./instance."),
    ):
        command = option(command)
    return command


def _open(instance: str | None, database: str | None, *, shortcuts: bool = False) -> Flask:
    try:
        return application.build({"instance": instance, "database": database}, shortcuts=shortcuts)
    except (ConfigurationError, DatabaseRefused) as error:
        raise click.ClickException(str(error)) from error
    except PrecogError as error:
        raise click.ClickException(_sentence(error)) from error


def _services(instance: str | None, database: str | None) -> Services:
    services: Services = _open(instance, database).extensions["precog"]
    click.get_current_context().call_on_close(services.close)
    return services


def _sentence(error: PrecogError) -> str:
    match error:
        case StorageUnavailable():
            return "The database cannot be used: it is locked, full, read-only or gone."
        case NotFound():
            return f"There is no such {error.what}."
        case AlreadyExists():
            return f"The {error.what} exists already."
        case WrongValue():
            return f"{error.field}: expected {error.expected}."
    return f"It did not work: {error.code.replace('_', ' ')}."


def _tell(as_json: bool, data: Mapping[str, Any], text: str) -> None:
    click.echo(orjson.dumps(data).decode() if as_json else text)


class _Group(click.Group):
    """Commands whose refusals are sentences, never tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PrecogError as error:
            raise click.ClickException(_sentence(error)) from error
        except UnicodeEncodeError as error:  # the shell hands over any bytes; no database takes them
            raise click.ClickException("An argument is not UTF-8.") from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="precog")
def main() -> None:
    """A light security and telemetry service for AI agents."""


# --- init and serve -------------------------------------------------------------------------


@main.command()
@instance_options
def init(as_json: bool, instance: str | None, database: str | None) -> None:
    """Make the default organization and one key of each kind, shown once."""
    services = _services(instance, database)
    try:
        first = administration.first_start(services, first_keys())
    except AlreadyExists:
        data = {"error": "The instance exists already."}
        _tell(as_json, data, "The instance exists already; its keys were shown when it was made.")
        sys.exit(1)
    _tell(as_json, _first_start_data(first), _first_start_text(first))


def _first_start_data(first: FirstStart) -> dict[str, Any]:
    return {
        "organization": {
            "id": first.organization.id,
            "name": first.organization.name,
            "plan": first.organization.plan,
        },
        "system": {"id": first.system.id, "name": first.system.name},
        "keys": {kind: key.secret for kind, key in first.keys.items()},
    }


def _first_start_text(first: FirstStart) -> str:
    keys = "\n".join(f"  {kind:<11} {key.secret}" for kind, key in first.keys.items())
    return (
        f"Organization {first.organization.id} ({first.organization.plan}), system {first.system.id}.\n"
        f"Its API keys, shown this once:\n{keys}"
    )


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8700, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--threads", default=16, show_default=True, type=click.IntRange(1, 256), help="Requests at once."
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="`info` logs one line a request.",
)
@instance_options
def serve(
    host: str,
    port: int,
    threads: int,
    log_level: str,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Serve HTTP; an empty instance is initialised first."""
    from . import serving  # granian is not needed by the other commands

    logs.log_as_json(log_level)
    try:
        serving.check_address(host, port)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    app = _open(instance, database, shortcuts=True)
    services: Services = app.extensions["precog"]
    if not _is_loopback(host) and not administration.has_keys(services):
        raise click.ClickException(
            f"There is no API key yet, so {host} would be open to all: run precog init first."
        )
    try:
        first = administration.first_start(services, first_keys())
    except AlreadyExists:
        first = None
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    _tell(as_json, _serve_data(url, first), _serve_text(url, first))
    serving.serve(app, host=host, port=port, threads=threads)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve_data(url: str, first: FirstStart | None) -> dict[str, Any]:
    return {"url": url, "created": None if first is None else _first_start_data(first)}


def _serve_text(url: str, first: FirstStart | None) -> str:
    if first is None:
        return f"Precog listens on {url}, documentation at {url}/docs"
    return (
        f"{_first_start_text(first)}\n\nPrecog listens on {url}, documentation at {url}/docs\n"
        f"A first request:\n\n"
        f"  curl -s {url}/api/v1/telemetry/ingest -H 'x-api-key: {first.keys['precogx'].secret}' \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"""    -d '{{"agentId":"my-first-agent","prompt":"Hello","response":"Hi, how can I help?"}}'\n"""
    )


# --- organizations --------------------------------------------------------------------------


@main.group()
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
    made = administration.create_organization(_services(instance, database), name, plan)
    _tell(as_json, _organization_data(made), _organization_line(made))


@org.command("list")
@instance_options
def list_organizations(as_json: bool, instance: str | None, database: str | None) -> None:
    """List the organizations."""
    found = administration.list_organizations(_services(instance, database))
    _tell(
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
    changed = administration.set_plan(_services(instance, database), organization, plan)
    _tell(as_json, _organization_data(changed), _organization_line(changed))


# --- keys -----------------------------------------------------------------------------------


@main.group()
def keys() -> None:
    """API keys."""


def _key_data(key: ApiKey) -> dict[str, Any]:
    def time(ms: int | None) -> str | None:
        return None if ms is None else times.to_rfc3339(ms)

    return {
        "id": key.id,
        "organization": key.organization_id,
        "system": key.system_id,
        "kind": key.kind,
        "name": key.name,
        "environment": key.environment,
        "display": key.display,
        "scopes": sorted(key.scopes),
        "created_at": time(key.created_at),
        "expires_at": time(key.expires_at),
        "last_used_at": time(key.last_used_at),
        "revoked_at": time(key.revoked_at),
        "rotated_to": key.rotated_to,
    }


def _key_line(key: ApiKey, now: int) -> str:
    expired = key.expires_at is not None and key.expires_at <= now
    state = "revoked" if key.revoked_at else "expired" if expired else "rotated" if key.rotated_to else "live"
    return (
        f"{key.id}  {key.display}…  {state:<8}  {key.environment}  {','.join(sorted(key.scopes))}  {key.name}"
    )


def _tell_new_key(as_json: bool, made: NewKey) -> None:
    data = {**_key_data(made.record), "key": made.secret}
    line = _key_line(made.record, made.record.created_at)
    _tell(as_json, data, f"{line}\nThe key, shown this once: {made.secret}")


@keys.command("create")
@click.option("--org", "organization", required=True, help="The organization's id.")
@click.option("--kind", type=click.Choice(sorted(PREFIXES)), required=True)
@click.option("--system", help="The id or name of the system the key is bound to.")
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scopes",
    default=",".join(sorted(DEFAULT_SCOPES)),
    show_default=True,
    help=f"Some of {', '.join(SCOPES)}, with commas between.",
)
@click.option("--environment", default="production", show_default=True)
@click.option("--expires-in", type=Duration(), help="Such as 12h or 90d; else never.")
@instance_options
def create_key(
    organization: str,
    kind: str,
    system: str | None,
    name: str,
    scopes: str,
    environment: str,
    expires_in: int | None,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Make a key, shown once."""
    request = KeyRequest(
        kind=kind,
        prefix=PREFIXES[kind],
        name=name or f"{kind} key",
        scopes=frozenset(scopes.replace(",", " ").split()),
        system=system or ("default" if kind == SYSTEM_BOUND else None),
        environment=environment,
        expires_in_ms=expires_in,
    )
    made = administration.create_key(_services(instance, database), organization, request)
    _tell_new_key(as_json, made)


@keys.command("list")
@click.option("--org", "organization", required=True, help="The organization's id.")
@instance_options
def list_keys(organization: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """List an organization's keys, ended ones too."""
    services = _services(instance, database)
    found = administration.list_keys(services, organization)
    _tell(
        as_json,
        {"keys": [_key_data(key) for key in found]},
        "\n".join(_key_line(key, services.clock()) for key in found) or "There is none.",
    )


@keys.command("revoke")
@click.argument("key")
@instance_options
def revoke_key(key: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """End the key with this id, in every process within 5 s."""
    services = _services(instance, database)
    administration.revoke_key(services, key)
    _tell(as_json, _key_data(administration.get_key(services, key)), "Revoked.")


@keys.command("rotate")
@click.argument("key")
@click.option(
    "--overlap",
    type=Duration(),
    default="24h",
    show_default=True,
    help="How long the old key goes on working.",
)
@instance_options
def rotate_key(key: str, overlap: int, as_json: bool, instance: str | None, database: str | None) -> None:
    """Make a successor of the key with this id, shown once."""
    services = _services(instance, database)
    prefix = PREFIXES[administration.get_key(services, key).kind]
    _tell_new_key(as_json, administration.rotate_key(services, key, prefix=prefix, overlap_ms=overlap))
