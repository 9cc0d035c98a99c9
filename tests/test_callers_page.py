"""A page from another origin, in a browser: it registers, asks and tells with nothing but `fetch`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from werkzeug.wrappers import Request, Response

from precog.core import catalogs
from precog.core.catalogs import About
from precog.core.product import Product

from .conftest import Sandbox
from .test_docs_page import CHROMIUM, FLAGS, mounted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>A shop's assistant</title>
<h1>A page of another origin</h1>
<pre id="log"></pre>
<script>
const server = SERVER;
const log = document.getElementById("log");

async function call(path, body, headers = {}) {
  const sent = {"Content-Type": "application/json", ...headers};
  const answer = await fetch(server + path, {method: "POST", headers: sent, body: JSON.stringify(body)});
  const quota = ["Limit", "Remaining", "Reset"].map(name => answer.headers.get("RateLimit-" + name));
  const found = {status: answer.status, quota, retryAfter: answer.headers.get("Retry-After"),
                 caller: answer.headers.get("X-Caller-Id"), body: await answer.json()};
  log.textContent += `POST ${path}\\n${found.status}  RateLimit ${quota.join(" / ")}\\n` +
                     JSON.stringify(found.body, null, 1) + "\\n\\n";
  return found;
}

async function all() {
  const listed = await fetch(server + "/.well-known/agents.json").then(answer => answer.json());
  const registered = await call("/api/public/recommendation/register", {name: "A shop's assistant"});
  const own = {"X-Agent-Id": registered.body.callerId, "X-Caller-Key": registered.body.callerKey};
  const asked = await call("/api/public/agents/savoir/recommend", {goal: "a dry red wine", budget: 80},
                           {...own, "X-Caller-Mode": "b2b", "X-Session-Id": "from-a-page"});
  const bought = {productId: asked.body.products[0].product_id, value: 19.99, currency: "EUR",
                  sessionId: asked.body.sessionId};
  const token = {...own, "X-Conversion-Token": asked.body.conversionToken};
  const path = "/api/public/agents/savoir/track-conversion";
  const tracked = [await call(path, bought, token), await call(path, bought, token)];
  const refused = [
    await call(path, bought),
    await call("/api/public/agents/savoir/recommend", {}, {"X-Caller-Key": "caller_0"}),
    await call("/api/public/nothing", {}, {Authorization: "Bearer nobody"}),
  ];
  return {listed, registered, asked, tracked, refused};
}

async function exhaust() {
  let answer;
  for (let asked = 0; asked < 14; asked++) answer = await call("/api/public/nothing", {});
  return answer;
}
</script>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Visit:
    """The page in a browser, with what it sent and what it complained about."""

    def __init__(self, browser: Browser, url: str, server: str) -> None:
        self.complaints: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": 900, "height": 1400})
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        assert urlsplit(url).netloc != urlsplit(server).netloc

    def run(self, what: str) -> Any:
        return self.page.evaluate(f"{what}()")


@pytest.fixture
def shop(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    made = make_sandbox()
    services, owner = made.services, made.organization_id
    catalogs.create(services, owner, "savoir", About("Savoir", "Savoir Wines"))
    wine = Product("red-1", "Red wine from the hills", 199_900, "EUR", notes="Dry")
    catalogs.put_products(services, owner, "savoir", [wine])
    return made


@pytest.fixture
def asked() -> list[tuple[str, str]]:
    """The method and path of every request that came to the server."""
    return []


@pytest.fixture
def visit(browser: Browser, shop: Sandbox, asked: list[tuple[str, str]]) -> Iterator[Visit]:
    def noting(environ: Any, start_response: Any) -> Any:
        asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return shop.app(environ, start_response)

    with mounted(noting, "") as server:
        page = Response(PAGE.replace("SERVER", json.dumps(server)), mimetype="text/html")
        with mounted(Request.application(lambda request: page), "") as url:
            visit = Visit(browser, url, server)
            yield visit
            visit.page.close()


def test_a_page_registers_asks_and_tells(visit: Visit, shop: Sandbox, asked: list[tuple[str, str]]) -> None:
    found = visit.run("all")

    assert [agent["slug"] for agent in found["listed"]["agents"]] == ["savoir"]
    registered, recommended, (first, again) = found["registered"], found["asked"], found["tracked"]
    caller = registered["body"]["callerId"]
    assert registered["status"] == 201
    assert (recommended["status"], recommended["body"]["sessionId"]) == (200, "from-a-page")
    assert recommended["quota"][:2] == ["120", "119"]
    assert (first["status"], first["body"]["idempotent"]) == (201, False)
    assert (again["status"], again["body"]) == (200, {**first["body"], "idempotent": True})
    assert again["quota"][:2] == ["120", "117"]
    assert {one["caller"] for one in (recommended, first, again)} == {caller}
    assert [(one["status"], one["body"]["error"]) for one in found["refused"]] == [
        (401, "INVALID_CONVERSION_TOKEN"),
        (401, "INVALID_CALLER_KEY"),
        (404, "NOT_FOUND"),
    ]
    assert all(re.fullmatch(r"\d+", text) for one in found["refused"] for text in one["quota"])

    preflights = {path for method, path in asked if method == "OPTIONS"}
    assert preflights == {path for method, path in asked if method == "POST"}
    (row,) = shop.client.get("/api/v1/conversions").json["conversions"]
    assert (row["callerId"], row["sessionId"], row["value"]) == (caller, "from-a-page", "19.99")
    # A browser says of every status above 399 that it came, and of nothing else.
    assert len(visit.complaints) == 3
    assert all("Failed to load resource" in complaint for complaint in visit.complaints)
    assert "117" in visit.page.locator("#log").inner_text()


def test_a_page_can_read_for_how_long_it_has_to_wait(visit: Visit) -> None:
    answer = visit.run("exhaust")
    assert answer["status"] == 429
    assert answer["body"]["error"] == "RATE_LIMITED"
    assert answer["quota"][:2] == ["12", "0"]
    assert answer["retryAfter"] == answer["quota"][2]
