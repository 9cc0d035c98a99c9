"""Making an instance and serving it."""

from __future__ import annotations

import ipaddress
import logging
import sys
from typing import Any

import click

from .. import logs, memory
from ..core import administration
from ..core.administration import FirstStart
from ..core.services import Services, warm_up
from ..errors import AlreadyExists, ConfigurationError
from ..surfaces.key_kinds import first_keys
from .common import instance_options, open_app, open_services, tell

log = logging.getLogger(__name__)


@click.command()
@instance_options
def init(as_json: bool, instance: str | None, database: str | None) -> None:
    """Make the default organization and one key of each kind, shown once."""
    services = open_services(instance, database)
    try:
        first = administration.first_start(services, first_keys())
    except AlreadyExists:
        data = {"error": "The instance exists already."}
        tell(as_json, data, "The instance exists already; its keys were shown when it was made.")
        sys.exit(1)
    tell(as_json, _first_start_data(first), _first_start_text(first))


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


@click.command()
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
    from .. import serving  # granian is not needed by the other commands

    memory.be_frugal()
    logs.log_as_json(log_level)
    warm_up(then=memory.give_back)
    try:
        serving.check_address(host, port)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    app = open_app(instance, database, shortcuts=True)
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
    tell(as_json, _serve_data(url, first), _serve_text(url, first))
    if services.issuer is None and not _is_loopback(host):
        log.warning(
            "PRECOG_ISSUER is not set: agents' tokens name whatever host a request says it came to, "
            "and what an agent has signed for any such host is taken"
        )
    services.analyst.wake()  # what an earlier life has left
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
