"""The calls that are printed for outside agents, by curl against a live server: only the host is another."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from .live import Server, clean_environment, precog, precog_json, serving

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

HOST = "https://agilityos.co"
CALLER_ID = "my-personal-assistant-3f2a1c"
CALLER_KEY = "caller_xxxxxxx"

REGISTER = r"""curl -X POST https://agilityos.co/api/public/recommendation/register \
-H "Content-Type: application/json" \
-d '{
"name": "My Personal Assistant",
"contactEmail": "you@example.com",
"description": "AI shopping helper for end users"
}'
"""
RECOMMEND = r"""curl -X POST https://agilityos.co/api/public/agents/savoir/recommend \
-H "Content-Type: application/json" \
-H "X-Agent-Id: my-personal-assistant-3f2a1c" \
-H "X-Caller-Key: caller_xxxxxxx" \
-H "X-Caller-Mode: b2c" \
-d '{
"goal": "...",
"budget": 80,
"maxResults": 3
}'
"""
# Of the fourth call only the headers and the fields are printed.
TRACK = r"""curl -X POST https://agilityos.co/api/public/agents/savoir/track-conversion \
-H "Content-Type: application/json" \
-H "X-Agent-Id: my-personal-assistant-3f2a1c" \
-H "X-Caller-Key: caller_xxxxxxx" \
-H "X-Conversion-Token: TOKEN" \
-d '{
"productId": "PRODUCT",
"value": 19.99,
"currency": "EUR",
"sessionId": "SESSION"
}'
"""
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, Authorization, X-Agent-Id, X-Caller-Key, X-Caller-Mode, "
    "X-Session-Id, X-Conversion-Token",
}
PRODUCTS = """sku,name,price,currency,url,image_url,notes,grape
red-1,Red wine from the hills,19.99,EUR,https://shop.example/red-1,https://shop.example/red-1.png,Dry,Syrah
white-1,White wine from the coast,89.50,EUR,https://shop.example/white-1,,Dry,Riesling
"""


@dataclass
class Live:
    """A server with a catalogue, and curl."""

    server: Server
    key: str
    home: Path

    def run(self, printed: str, **instead: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of a printed call, with the server's address and what is named put in."""
        for old, new in {HOST: self.server.url, **instead}.items():
            assert old in printed
            printed = printed.replace(old, new)
        done = subprocess.run(
            ["sh", "-c", printed],
            capture_output=True,
            text=True,
            timeout=30,
            env={**clean_environment(), "CURL_HOME": str(self.home)},
        )
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.partition("\n\n")
        status, *lines = head.splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, json.loads(body)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("printed")
    # What curl is told beside the printed line: to show the headers and to be quiet.
    (folder / ".curlrc").write_text("silent\nshow-error\ninclude\n")
    (folder / "products.csv").write_text(PRODUCTS)
    instance = folder / "instance"
    key = precog_json("init", instance=instance)["keys"]["precogx"]
    for arguments in (
        ("catalog", "create", "savoir", "--name", "Savoir", "--business", "Savoir Wines"),
        ("catalog", "import", "savoir", str(folder / "products.csv")),
    ):
        done = precog(*arguments, instance=instance)
        assert done.returncode == 0, done.stderr
    with serving(instance) as server:
        yield Live(server, key, folder)


@pytest.fixture(scope="module")
def registered(live: Live) -> dict[str, str]:
    """What the register call answered."""
    status, headers, body = live.run(REGISTER)
    assert status == 201
    assert body == {
        "ok": True,
        "callerId": body["callerId"],
        "callerKey": body["callerKey"],
        "tier": "standard",
        "rateLimit": "120 requests / minute",
        "usage": {
            "headers": {"X-Agent-Id": body["callerId"], "X-Caller-Key": body["callerKey"]},
            "note": "Send both headers on every /recommend call. Treat the key like a password — never log "
            "or commit it.",
        },
    }
    assert re.fullmatch(r"my-personal-assistant-[0-9a-f]{6}", body["callerId"])
    assert re.fullmatch(r"caller_[0-9a-f]{40,}", body["callerKey"])
    assert headers.items() >= {name: value.lower() for name, value in CORS.items()}.items()
    return body


def mine(registered: dict[str, str], **instead: str) -> dict[str, str]:
    """The caller's own id and key in the place of the printed ones."""
    return {CALLER_ID: registered["callerId"], CALLER_KEY: registered["callerKey"], **instead}


def test_an_agent_registers_asks_and_tells(live: Live, registered: dict[str, str]) -> None:
    status, _, asked = live.run(RECOMMEND, **mine(registered, **{'"..."': '"a dry red wine"'}))
    assert status == 200
    (product,) = asked["products"]  # the other is over the budget
    assert (product["Product_Name"], product["Price"]) == ("Red wine from the hills", 19.99)
    assert product["product_id"].startswith("p_")
    assert asked["pitchContext"]["callerCta"]

    told = {
        "TOKEN": asked["conversionToken"],
        "PRODUCT": product["product_id"],
        "SESSION": asked["sessionId"],
    }
    status, _, first = live.run(TRACK, **mine(registered, **told))
    assert (status, first) == (
        201,
        {"ok": True, "idempotent": False, "conversionId": first["conversionId"]},
    )
    status, _, again = live.run(TRACK, **mine(registered, **told))
    assert (status, again) == (200, {**first, "idempotent": True})

    _, _, kept = live.server.request("GET", "/api/v1/conversions", key=live.key)
    (row,) = kept["conversions"]
    assert (row["conversionId"], row["callerId"]) == (first["conversionId"], registered["callerId"])
    assert (row["value"], row["currency"]) == ("19.99", "EUR")


def test_a_goal_of_three_dots_is_a_goal(live: Live, registered: dict[str, str]) -> None:
    status, _, body = live.run(RECOMMEND, **mine(registered))
    assert (status, body["products"]) == (200, [])


def test_the_printed_key_is_nobodys(live: Live) -> None:
    status, headers, body = live.run(RECOMMEND)
    assert (status, body["error"]) == (401, "INVALID_CALLER_KEY")
    assert headers["access-control-allow-origin"] == "*"


def test_every_answer_has_the_printed_headers(live: Live, registered: dict[str, str]) -> None:
    """Also one to an error, and to what is not there."""
    made = live.run(REGISTER, **{"My Personal Assistant": "Another"})
    own = mine({"callerId": made[2]["callerId"], "callerKey": made[2]["callerKey"]})
    for printed, expected in ((RECOMMEND, 200), (TRACK, 401), (RECOMMEND.replace("/recommend", "/x"), 404)):
        status, headers, _ = live.run(printed, **own)
        assert status == expected
        assert headers.items() >= {name: value.lower() for name, value in CORS.items()}.items()
        assert headers["ratelimit-limit"] == "120"
        assert 0 <= int(headers["ratelimit-remaining"]) < 120
        assert 1 <= int(headers["ratelimit-reset"]) <= 60


def test_too_many_requests_are_told_as_it_is_printed(live: Live) -> None:
    made = live.run(REGISTER, **{"My Personal Assistant": "Eager"})[2]
    with requests.Session() as session:
        session.headers.update(made["usage"]["headers"])
        url = f"{live.server.url}/.well-known/agents.json"
        # Should a new minute begin on the way, there are two windows.
        for _ in range(241):
            answer = session.get(url, timeout=30)
            if answer.status_code == 429:
                break
    assert answer.status_code == 429
    assert answer.json() == {
        "error": "RATE_LIMITED",
        "message": "120 requests/minute exceeded for tier standard",
    }
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"]
    assert answer.headers["RateLimit-Remaining"] == "0"
