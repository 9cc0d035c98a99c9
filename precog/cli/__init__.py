"""The `precog` command."""

from __future__ import annotations

import click

from .agents import agents
from .audit import audit
from .callers import callers
from .catalog import catalog
from .common import Group
from .first import init, serve
from .guard import guard
from .keys import keys
from .organizations import org
from .systems import systems


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="precog")
def main() -> None:
    """A light security and telemetry service for AI agents."""


for command in (init, serve, org, systems, keys, agents, guard, catalog, callers, audit):
    main.add_command(command)
