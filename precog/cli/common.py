"""What every command has: its options, its voices, and how it opens the instance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click
import orjson
from flask import Flask

from .. import application
from ..core import administration, times
from ..core.services import Services
from ..errors import (
    AgentLimitReached,
    AlreadyExists,
    AuditLogBroken,
    ConfigurationError,
    DatabaseRefused,
    InvalidField,
    NotFound,
    PrecogError,
    StorageUnavailable,
    VersionConflict,
)

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


def open_app(instance: str | None, database: str | None, *, shortcuts: bool = False) -> Flask:
    """The application on the instance; what is wrong with it is told in a sentence."""
    try:
        return application.build({"instance": instance, "database": database}, shortcuts=shortcuts)
    except (ConfigurationError, DatabaseRefused) as error:
        raise click.ClickException(str(error)) from error
    except PrecogError as error:
        raise click.ClickException(_sentence(error)) from error


def open_services(instance: str | None, database: str | None) -> Services:
    """The instance's services, let go of when the command ends."""
    services: Services = open_app(instance, database).extensions["precog"]
    click.get_current_context().call_on_close(services.close)
    return services


ORGANIZATION = click.option("--org", "organization", help="The organization's id, where there are several.")


def organization_id(services: Services, wanted: str | None) -> str:
    """The id of the organization that was named, or of the only one."""
    found = [one.id for one in administration.list_organizations(services)]
    if wanted is None and len(found) > 1:
        raise click.UsageError(f"There are {len(found)} organizations: name one with --org.")
    return administration.get_organization(services, wanted or "".join(found)).id


def _sentence(error: PrecogError) -> str:
    match error:
        case AuditLogBroken():
            return "The audit log is not as it was written: see precog audit verify."
        case StorageUnavailable():
            return "The database cannot be used: it is locked, full, read-only or gone."
        case NotFound():
            return f"There is no such {error.what}."
        case AlreadyExists():
            return f"The {error.what} exists already."
        case InvalidField():
            return f"{error.field}: expected {error.expected}."
        case AgentLimitReached():
            return "Every agent slot of the plan is taken."
        case VersionConflict():
            return f"The current version is {error.version}."
    return f"It did not work: {error.code.replace('_', ' ')}."


def tell(as_json: bool, data: Mapping[str, Any], text: str) -> None:
    """Answer as one JSON object, or in words."""
    click.echo(orjson.dumps(data).decode() if as_json else text)


class Group(click.Group):
    """Commands whose refusals are sentences, never tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PrecogError as error:
            raise click.ClickException(_sentence(error)) from error
        except UnicodeEncodeError as error:  # the shell hands over any bytes; no database takes them
            raise click.ClickException("An argument is not UTF-8.") from error
