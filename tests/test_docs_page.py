"""The documentation page, as a browser shows it."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from .conftest import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

METHODS = {"get", "post", "put", "patch", "delete"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@contextlib.contextmanager
def mounted(application: Any, prefix: str) -> Iterator[str]:
    """The address of a server that has the application under the prefix."""
    if prefix:
        application = DispatcherMiddleware(NotFound(), {prefix: application})
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}{prefix}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Visit:
    """A look at the page of a sandbox, with what the page complained about and whom it asked."""

    def __init__(self, browser: Browser, url: str, sandbox: Sandbox) -> None:
        self.url = url
        self.sandbox = sandbox
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 1600})
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{url}/docs")
        self.page.wait_for_selector(".opblock")


@pytest.fixture(params=["", "/behind/a/prefix"], ids=["at the top", "under a prefix"])
def visit(
    request: pytest.FixtureRequest, browser: Browser, make_sandbox: Callable[..., Sandbox]
) -> Iterator[Visit]:
    sandbox = make_sandbox()
    with mounted(sandbox.app, request.param) as url:
        visit = Visit(browser, url, sandbox)
        yield visit
        visit.page.close()


def test_the_page_shows_every_operation_and_asks_nobody_else(visit: Visit) -> None:
    shown = {
        (
            block.locator(".opblock-summary-method").inner_text().lower(),
            block.locator(".opblock-summary-path").get_attribute("data-path"),
        )
        for block in visit.page.locator(".opblock").all()
    }

    paths = visit.sandbox.client.get("/api/v1/openapi.json").get_json()["paths"]
    assert shown == {(method, path) for path in paths for method in METHODS & paths[path].keys()}
    hosts = {urlsplit(url).netloc for url in visit.asked if not url.startswith("data:")}
    assert hosts == {urlsplit(visit.url).netloc}
    assert visit.complaints == []


def test_an_operation_can_be_tried_from_the_page(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Authorize").click()
    form = page.locator(".auth-container").first
    form.locator("input").fill(visit.sandbox.first.keys["precogx"].secret)
    form.locator(".authorize").click()
    form.locator(".btn-done").click()

    usage = page.locator(".opblock-get", has=page.locator('[data-path="/api/v1/usage"]'))
    usage.locator(".opblock-summary-control").click()
    usage.locator(".try-out__btn").click()
    usage.locator(".execute").click()
    answer = usage.locator(".live-responses-table tbody .response")
    answer.wait_for()

    assert answer.locator(".response-col_status").inner_text().startswith("200")
    assert '"plan": "ENTERPRISE"' in answer.locator(".microlight").first.inner_text()
    assert visit.asked[-1] == f"{visit.url}/api/v1/usage"
    assert visit.complaints == []
