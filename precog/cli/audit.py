"""The audit log: whether it is whole, and what to keep elsewhere in order to know that later."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import click

from ..core import audit_chain
from ..core.audit_chain import UnsoundChain, Verification
from ..core.checkpoint_signer import LONGEST
from .common import ORGANIZATION, instance_options, open_services, organization_id, tell


@click.group()
def audit() -> None:
    """The record of what was changed."""


def _data(found: Verification) -> dict[str, Any]:
    return {
        "is_valid": found.is_valid,
        "entries_verified": found.entries_verified,
        "first_entry_sequence": found.first_entry_sequence,
        "last_entry_sequence": found.last_entry_sequence,
        "errors": list(found.errors),
    }


def _text(found: Verification) -> str:
    looked = f"{found.entries_verified} entries"
    if found.entries_verified:
        looked += f", {found.first_entry_sequence} to {found.last_entry_sequence}"
    return "\n".join([f"{looked}: {'unbroken' if found.is_valid else 'NOT as written'}.", *found.errors])


@audit.command("verify")
@ORGANIZATION
@click.option(
    "--from",
    "start",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10**15),
    help="The first entry to look at, when those before it were found good earlier.",
)
@click.option(
    "--checkpoint",
    "kept",
    type=click.File("r", encoding="utf-8", errors="replace"),
    help="A file with what `precog audit checkpoint` has printed, or - for the standard input.",
)
@instance_options
def verify(
    organization: str | None,
    start: int,
    kept: TextIO | None,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Look whether any entry was altered, removed, put in or moved; the exit status is 1 when one was.

    Who cuts the newest entries off with all traces of them is found with a checkpoint alone.
    """
    services = open_services(instance, database)
    owner = organization_id(services, organization)
    past = None
    if kept is not None:
        past = audit_chain.read_checkpoint(services, owner, kept.read(LONGEST + 1))
    found = audit_chain.verify(services, owner, start=start, checkpoint=past)
    tell(as_json, _data(found), _text(found))
    if not found.is_valid:
        sys.exit(1)


@audit.command("checkpoint")
@ORGANIZATION
@instance_options
def checkpoint(organization: str | None, as_json: bool, instance: str | None, database: str | None) -> None:
    """Print where the chain ends, signed: keep it where who can change the database cannot.

    With --json the public key as well, by which anybody can verify it.
    """
    from ..core import jwk

    services = open_services(instance, database)
    try:
        signed = audit_chain.checkpoint(services, organization_id(services, organization))
    except UnsoundChain as error:
        raise click.ClickException("The chain is not as it was written: see precog audit verify.") from error
    public = jwk.to_pem(services.checkpoint_signer.public_key)
    tell(as_json, {"checkpoint": signed, "public_key": public}, signed)
