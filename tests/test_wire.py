"""Replays what each vendor documents: every file of tests/wire/<surface>/ is some requests and their answers.

A file says what it shows, may name a plan and a catalogue, and lists exchanges. In a request, "{key:KIND}"
is a key of that kind, "{system}" and "{organization}" their ids, and "{name}" what an earlier answer had
under the name. In an answer, "{name:kind}" is anything of the kind, remembered under the name when it has
one, "{name}" must be the same again, and a header that is null must be absent.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from precog.core import catalogs
from precog.core.catalogs import About, Claim
from precog.core.product import Product

from .conftest import Sandbox

WIRE = Path(__file__).parent / "wire"
FILES = sorted(WIRE.glob("*/*.json"))
KINDS = {
    "interaction": r"int-[0-9a-f]{29}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "number": r"\d+",
    "decimal": r"\d+(\.\d+)?(e-\d+)?",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "caller": r"[a-z0-9-]{1,60}-[0-9a-f]{6}",
    "caller_key": r"caller_[0-9a-f]{48}",
    "product": r"p_[0-9a-f]{20}",
    "token": r"\d{10}\.[\w-]{43}",
    "conversion": r"conv-[0-9a-f]{28}",
    "list": r"(?s:\[.*\])",
    "object": r"(?s:\{.*\})",
    "text": r"(?s:.+)",
}


def filled(value: Any, known: dict[str, str]) -> Any:
    """The value with every known name in its place."""
    if isinstance(value, dict):
        return {name: filled(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\{([\w:]+)\}", lambda match: known.get(match[1], match[0]), value)
    return value


def check(expected: Any, found: Any, known: dict[str, str], where: str) -> None:
    """Fail unless the two are alike; remember what stands for a name."""
    if isinstance(expected, dict) and isinstance(found, dict):
        assert found.keys() == expected.keys(), where
        for name, inner in expected.items():
            check(inner, found[name], known, f"{where}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        assert len(found) == len(expected), where
        for index, inner in enumerate(expected):
            check(inner, found[index], known, f"{where}[{index}]")
    elif isinstance(expected, str) and (kind := re.fullmatch(r"\{(\w*):(\w+)\}", expected)):
        assert re.fullmatch(KINDS[kind[2]], str(found)), f"{where}: {found!r}"
        if kind[1]:
            known[kind[1]] = str(found)
    else:
        assert found == filled(expected, known), where


def check_headers(expected: dict[str, str | None], found: Any, known: dict[str, str]) -> None:
    for name, value in expected.items():
        if value is None:
            assert name not in found
        else:
            check(value, found.get(name), known, name)


def sell_all(sandbox: Sandbox, catalog: dict[str, Any]) -> None:
    """Make a catalogue with all its products."""
    claims = tuple(Claim(text) for text in catalog["claims"])
    about = About(catalog["name"], catalog["business"], claims=claims)
    catalogs.create(sandbox.services, sandbox.organization_id, catalog["slug"], about)
    products = [Product(**product) for product in catalog["products"]]
    catalogs.put_products(sandbox.services, sandbox.organization_id, catalog["slug"], products)


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_the_documented_exchange_happens(sandbox, path):
    script = json.loads(path.read_text("utf-8"))
    if "plan" in script:
        sandbox.set_plan(script["plan"])
    if "catalog" in script:
        sell_all(sandbox, script["catalog"])
    known = {f"key:{kind}": key.secret for kind, key in sandbox.first.keys.items()}
    known |= {"system": sandbox.first.system.id, "organization": sandbox.organization_id}
    client = sandbox.app.test_client()
    for exchange in script["exchanges"]:
        request, expected = filled(exchange["request"], known), exchange["answer"]
        for _ in range(exchange.get("times", 1)):
            answer = client.open(
                request["path"],
                method=request["method"],
                headers=request["headers"],
                data=json.dumps(request["body"]) if "body" in request else None,
            )
            assert answer.status_code == expected["status"], answer.text
            check(expected["body"], answer.json, known, "body")
            check_headers(expected["headers"], answer.headers, known)


def test_every_surface_has_its_exchanges():
    surfaces = Path(__file__).parents[1] / "precog" / "surfaces"
    vendors = {path.parent.name for path in surfaces.glob("*/__init__.py")} - {
        "management"
    }  # which is our own
    assert {path.parent.name for path in FILES} == vendors
