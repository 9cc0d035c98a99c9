"""API keys."""

from __future__ import annotations

from typing import Any

import click

from ..core import administration, times
from ..core.administration import ApiKey, KeyRequest
from ..core.keys import DEFAULT_SCOPES, SCOPES, NewKey
from ..surfaces.key_kinds import PREFIXES, SYSTEM_BOUND
from .common import Duration, instance_options, open_services, tell


@click.group()
def keys() -> None:
    """API keys."""


def _data(key: ApiKey) -> dict[str, Any]:
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


def _line(key: ApiKey, now: int) -> str:
    expired = key.expires_at is not None and key.expires_at <= now
    state = "revoked" if key.revoked_at else "expired" if expired else "rotated" if key.rotated_to else "live"
    return (
        f"{key.id}  {key.display}…  {state:<8}  {key.environment}  {','.join(sorted(key.scopes))}  {key.name}"
    )


def _tell_new(as_json: bool, made: NewKey) -> None:
    data = {**_data(made.record), "key": made.secret}
    line = _line(made.record, made.record.created_at)
    tell(as_json, data, f"{line}\nThe key, shown this once: {made.secret}")


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
    made = administration.create_key(open_services(instance, database), organization, request)
    _tell_new(as_json, made)


@keys.command("list")
@click.option("--org", "organization", required=True, help="The organization's id.")
@instance_options
def list_keys(organization: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """List an organization's keys, ended ones too."""
    services = open_services(instance, database)
    found = administration.list_keys(services, organization)
    tell(
        as_json,
        {"keys": [_data(key) for key in found]},
        "\n".join(_line(key, services.clock()) for key in found) or "There is none.",
    )


@keys.command("revoke")
@click.argument("key")
@instance_options
def revoke_key(key: str, as_json: bool, instance: str | None, database: str | None) -> None:
    """End the key with this id, in every process within 5 s."""
    services = open_services(instance, database)
    administration.revoke_key(services, key)
    tell(as_json, _data(administration.get_key(services, key)), "Revoked.")


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
    services = open_services(instance, database)
    prefix = PREFIXES[administration.get_key(services, key).kind]
    _tell_new(as_json, administration.rotate_key(services, key, prefix=prefix, overlap_ms=overlap))


@keys.command("rotate-signing")
@click.option(
    "--now",
    "at_once",
    is_flag=True,
    help="Another may know the key: take it away, with every access token that there is.",
)
@instance_options
def rotate_signing(at_once: bool, as_json: bool, instance: str | None, database: str | None) -> None:
    """Sign agents' tokens by a new key: it is published now, and signs once everybody can know it.

    The old one stays published until its last token has expired. Servers follow within 5 s.
    """
    signing_keys = open_services(instance, database).signing_keys
    made = signing_keys.withdraw() if at_once else signing_keys.rotate()
    when = times.to_rfc3339(made.signs_from)
    tell(as_json, {"kid": made.kid, "signs_from": when}, f"Tokens are signed by {made.kid} from {when} on.")
