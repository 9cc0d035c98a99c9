"""Catalogues: what the recommending agents may recommend."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click
import orjson

from ..core import catalogs, money, times
from ..core.catalogs import ROWS_A_TRANSACTION, About, Catalog, Claim
from ..core.product import Listed, Product
from ..core.services import Services
from .common import ORGANIZATION, instance_options, open_services, organization_id, tell
from .product_files import BadHeader, ProductFile
from .tables import shown, table

_EVERY_ONE = 2**31
LONGEST_REASON = 200
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def catalog() -> None:
    """Catalogues of products, and the agents that recommend them."""


def _data(found: Catalog) -> dict[str, Any]:
    about = found.about
    return {
        "slug": found.slug,
        "organization": found.organization_id,
        "name": about.name,
        "business": about.business,
        "description": about.description,
        "industry": about.industry,
        "claims": catalogs.from_claims(about.claims),
        "created_at": times.to_rfc3339(found.created_at),
        "updated_at": times.to_rfc3339(found.updated_at),
        "removed_at": None if found.removed_at is None else times.to_rfc3339(found.removed_at),
    }


def _claims(path: Path | None) -> tuple[Claim, ...]:
    if path is None:
        return ()
    try:
        return catalogs.to_claims(orjson.loads(path.read_bytes()))
    except (OSError, orjson.JSONDecodeError) as error:
        raise click.ClickException(f"{path} cannot be read as JSON.") from error


@catalog.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="What the recommending agent is called.")
@click.option("--business", required=True, help="Whose products they are.")
@click.option("--description", help="What one can ask it for.")
@click.option("--industry")
@click.option(
    "--claims", type=_FILE, help="JSON: what you vouch for, a list of texts or of {claim, evidence}."
)
@ORGANIZATION
@instance_options
def create(
    slug: str,
    name: str,
    business: str,
    description: str | None,
    industry: str | None,
    claims: Path | None,
    organization: str | None,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Make a catalogue under SLUG, its name in every address; one that was removed comes back."""
    services = open_services(instance, database)
    about = About(name, business, description, industry, _claims(claims))
    made = catalogs.create(services, organization_id(services, organization), slug, about)
    tell(as_json, _data(made), f"{made.slug}  {made.about.name}")


@catalog.command("list")
@ORGANIZATION
@instance_options
def list_catalogs(
    organization: str | None, as_json: bool, instance: str | None, database: str | None
) -> None:
    """List an organization's catalogues."""
    services = open_services(instance, database)
    found = catalogs.page(services, organization_id(services, organization), after="", limit=_EVERY_ONE)
    rows = [
        (one.slug, shown(one.about.name, 40), shown(one.about.business, 40), _state(one)) for one in found
    ]
    head = ("slug", "name", "business", "state")
    tell(
        as_json,
        {"catalogs": [_data(one) for one in found]},
        table(head, rows) if rows else "There is none.",
    )


def _state(found: Catalog) -> str:
    return "live" if found.removed_at is None else f"removed {times.to_rfc3339(found.removed_at)}"


@catalog.command("show")
@click.argument("slug")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(0, 10_000), help="Products shown."
)
@ORGANIZATION
@instance_options
def show(
    slug: str, limit: int, organization: str | None, as_json: bool, instance: str | None, database: str | None
) -> None:
    """Show a catalogue and the first of its products."""
    services = open_services(instance, database)
    owner = organization_id(services, organization)
    found = catalogs.get(services, owner, slug)
    count = catalogs.count_products(services, slug)
    listed = catalogs.products_page(services, owner, slug, after="", limit=limit)
    data = {**_data(found), "product_count": count, "products": [_product_data(one) for one in listed]}
    tell(as_json, data, _text(found, count, listed))


def _product_data(listed: Listed) -> dict[str, Any]:
    product = listed.product
    return {
        "product_id": listed.id,
        "sku": product.sku,
        "name": product.name,
        "price": money.to_text(product.price_e4, product.currency),
        "currency": product.currency,
        "url": product.url,
        "image_url": product.image_url,
        "notes": product.notes,
        "attributes": dict(product.attributes),
    }


def _text(found: Catalog, count: int, listed: list[Listed]) -> str:
    about = found.about
    lines = [f"{found.slug}  {about.name}", f"  business  {about.business}", f"  state     {_state(found)}"]
    lines += [f"  claim     {shown(one.claim, 80)}" for one in about.claims]
    lines.append(f"  products  {count}")
    if listed:
        head = ("sku", "name", "price", "", "id")
        rows = [
            (
                shown(one.product.sku, 30),
                shown(one.product.name, 50),
                money.to_text(one.product.price_e4, one.product.currency),
                one.product.currency,
                one.id,
            )
            for one in listed
        ]
        lines += ["", table(head, rows, right={"price"})]
    return "\n".join(lines)


@catalog.command("remove")
@click.argument("slug")
@ORGANIZATION
@instance_options
def remove(
    slug: str, organization: str | None, as_json: bool, instance: str | None, database: str | None
) -> None:
    """Take a catalogue off the public side; what was attributed to it stays, and `create` brings it back."""
    services = open_services(instance, database)
    owner = organization_id(services, organization)
    catalogs.remove(services, owner, slug)
    tell(as_json, _data(catalogs.get(services, owner, slug)), f"{slug} is removed.")


@catalog.command("remove-product")
@click.argument("slug")
@click.argument("skus", metavar="SKU...", nargs=-1, required=True)
@ORGANIZATION
@instance_options
def remove_product(
    slug: str,
    skus: tuple[str, ...],
    organization: str | None,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Take products out of a catalogue; what was sold of them keeps their ids.

    The exit status is 1 when one of them was not there.
    """
    services = open_services(instance, database)
    found = catalogs.remove_products(services, organization_id(services, organization), slug, skus)
    removed = [one.product.sku for one in found]
    missing = [sku for sku in skus if sku not in removed]
    tell(as_json, {"removed": removed, "missing": missing}, f"{slug}: {len(removed)} removed.")
    for sku in missing:
        click.echo(f"There is no product {shown(sku, 100)}.", err=True)
    if missing:
        click.get_current_context().exit(1)


# --- import


@catalog.command("import")
@click.argument("slug")
@click.argument("file", type=_FILE, required=False)
@click.option("--sample", is_flag=True, help="Import the sample that comes along, instead of a file.")
@click.option("--replace", is_flag=True, help="Take out what the file does not have, if all of it is right.")
@ORGANIZATION
@instance_options
@click.pass_context
def import_products(
    ctx: click.Context,
    slug: str,
    file: Path | None,
    sample: bool,
    replace: bool,
    organization: str | None,
    as_json: bool,
    instance: str | None,
    database: str | None,
) -> None:
    """Store the products of a FILE in a catalogue, each in the place of its SKU's.

    CSV with the header sku,name,price,currency,url,image_url,notes, further columns being attributes, or
    JSON lines (.jsonl, .ndjson, .json) with those names. The last four may be left out of it.

    A row that is something else is skipped and told, and the exit status is then 1.
    """
    if sample == (file is not None):
        raise click.UsageError("Name a FILE, or say --sample.")
    services = open_services(instance, database)
    owner = organization_id(services, organization)
    catalogs.get(services, owner, slug)
    with as_file(files("precog") / "samples" / "catalog.csv") as sample_file:
        source = ProductFile(file or sample_file)
        ids: set[str] = set()
        stored = _import(services, owner, slug, source, ids)
    data = {"stored": stored, "bad": source.bad}
    text = f"{slug}: {stored} stored, {source.bad} skipped."
    if replace:
        # A row that cannot be read may be of a product that is still sold.
        data["removed"] = 0 if source.bad else catalogs.keep_products(services, owner, slug, ids)
        text = f"{text[:-1]}, {data['removed']} removed."
    tell(as_json, data, text)
    for number, why in source.bad_lines:
        click.echo(f"{source.path}:{number}: {shown(why, LONGEST_REASON)}", err=True)
    if source.bad > len(source.bad_lines):
        click.echo(f"{source.path}: {source.bad - len(source.bad_lines)} more such rows", err=True)
    ctx.exit(1 if source.bad else 0)


def _import(services: Services, owner: str, slug: str, source: ProductFile, ids: set[str]) -> int:
    """Store the file's products, and add their ids to these."""
    stored = 0
    products = _with_bar(source)
    try:
        while batch := list(itertools.islice(products, ROWS_A_TRANSACTION)):
            put = catalogs.put_products(services, owner, slug, batch)
            ids.update(put)
            stored += len(put)
    except BadHeader as error:
        raise click.ClickException(f"{source.path}: {error}.") from error
    except OSError as error:
        raise click.ClickException(f"{source.path} cannot be read: {error.strerror or error}.") from error
    return stored


def _with_bar(source: ProductFile) -> Iterator[Product]:
    """The file's products, with a bar for people who watch."""
    if not sys.stderr.isatty():
        yield from source
        return
    with click.progressbar(length=source.size, label=source.path.name, file=sys.stderr) as bar:
        for product in source:
            yield product
            if source.position - bar.pos >= source.size // 100:
                bar.update(source.position - bar.pos)
        bar.update(source.size - bar.pos)
