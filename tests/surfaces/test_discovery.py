"""Where the recommending agents are: every address that is told works, wherever the server is mounted."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from precog.core import catalogs
from precog.surfaces.callers import discovery
from tests.conftest import Sandbox
from tests.shop import ABOUT, SLUG, open_shop
from tests.surfaces.outside import WELL_KNOWN, carries_all, partner, quota, stranger

AGENT = f"/api/public/agents/{SLUG}"
CARDS = (f"{AGENT}/.well-known/agent.json", f"{AGENT}/.well-known/agent-card.json")


@pytest.fixture
def shop(sandbox: Sandbox) -> Sandbox:
    open_shop(sandbox)
    return sandbox


def urls(value: Any) -> set[str]:
    """Every address in an answer."""
    if isinstance(value, dict):
        return {url for inner in value.values() for url in urls(inner)}
    if isinstance(value, list):
        return {url for inner in value for url in urls(inner)}
    return {value} if isinstance(value, str) and value.startswith("http") else set()


def test_the_agents_are_listed_for_anybody(shop: Sandbox) -> None:
    answer = stranger(shop).get(WELL_KNOWN)
    assert answer.status_code == 200
    assert quota(answer)[:2] == (12, 11)
    carries_all(answer)
    (agent,) = answer.json["agents"]
    assert (agent["slug"], agent["name"], agent["business"]) == (SLUG, ABOUT.name, ABOUT.business)
    assert (agent["description"], agent["industry"]) == (ABOUT.description, ABOUT.industry)
    assert answer.json["next"] is None


def test_an_agent_says_how_it_is_asked_and_what_is_vouched_for(shop: Sandbox) -> None:
    answer = stranger(shop).get(f"{AGENT}/agent.json")
    assert answer.status_code == 200
    assert answer.json["endpoints"]["recommend"] == {
        "method": "POST",
        "url": f"http://localhost{AGENT}/recommend",
    }
    assert answer.json["callerModes"] == ["b2c", "b2b"]
    assert answer.json["requestsPerMinute"]["anonymous"] == 12
    assert answer.json["trustClaims"] == [
        {"claim": "Free returns within 60 days"},
        {"claim": "Rated 4.8 of 5", "evidence": "https://reviews.example/trail"},
    ]


@pytest.mark.parametrize("path", CARDS)
def test_the_card_has_what_a2a_requires(shop: Sandbox, path: str) -> None:
    card = stranger(shop).get(path).json
    required = {"name", "description", "version", "supportedInterfaces", "capabilities", "skills"}
    assert required | {"defaultInputModes", "defaultOutputModes"} <= card.keys()
    assert card["supportedInterfaces"] == [
        {
            "url": f"http://localhost{AGENT}/recommend",
            "protocolBinding": "http://localhost/api/public/openapi.json",
            "protocolVersion": "1.0",
        }
    ]
    for skill in card["skills"]:
        assert {"id", "name", "description", "tags"} <= skill.keys()
        assert skill["tags"]


def test_every_address_that_is_told_is_there(shop: Sandbox) -> None:
    client = partner(shop)
    told = {
        url for path in (WELL_KNOWN, f"{AGENT}/agent.json", *CARDS) for url in urls(client.get(path).json)
    }
    ours = {urlsplit(url).path for url in told if url.startswith("http://localhost/")}
    assert len(ours) == 7
    for path in ours:
        assert client.get(path).status_code in (200, 405), path


def test_addresses_have_the_prefix_and_the_host_that_the_sender_used(sqlite_sandbox: Sandbox) -> None:
    open_shop(sqlite_sandbox)
    client = stranger(sqlite_sandbox)
    for path in (WELL_KNOWN, f"{AGENT}/agent.json", *CARDS):
        answer = client.get(
            path, base_url="https://shop.example", environ_overrides={"SCRIPT_NAME": "/precog"}
        )
        ours = urls(answer.json) - {"https://reviews.example/trail"}
        assert ours
        assert [url for url in ours if not url.startswith("https://shop.example/precog/")] == []


def test_trusted_proxies_say_where_the_server_is(make_sandbox: Any, tmp_path: Any) -> None:
    told = {"Host": "shop.example:8443", "Proto": "https", "Prefix": "/agents"}
    expected = f"https://shop.example:8443/agents{AGENT}/recommend"
    assert linked(make_sandbox, tmp_path, told) == expected
    before = {"Host": "evil.example, shop.example:8443", "Proto": "http, https", "Prefix": "/x, /agents"}
    assert linked(make_sandbox, tmp_path, before) == expected


def linked(make_sandbox: Any, tmp_path: Any, told: dict[str, str], *, name_host: bool = True) -> Any:
    """Where an agent is asked, when one trusted proxy says this of the request."""
    database = str(tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite3")
    sandbox = make_sandbox(database=database, trusted_proxies=1, proxies_name_host=name_host)
    open_shop(sandbox)
    headers = {f"X-Forwarded-{name}": value for name, value in told.items()}
    return stranger(sandbox).get(WELL_KNOWN, headers=headers).json["agents"][0]["recommend"]


def test_a_host_that_a_proxy_passes_on_is_not_believed(make_sandbox: Any, tmp_path: Any) -> None:
    told = {"Host": "evil.example", "Proto": "https", "Prefix": "/p"}
    assert linked(make_sandbox, tmp_path, told, name_host=False) == f"https://localhost{AGENT}/recommend"


@pytest.mark.parametrize(
    "told",
    [
        {"Host": "evil.example/path"},
        {"Host": "user@evil.example"},
        {"Host": "evil.example:port"},
        {"Host": "-evil.example"},
        {"Host": "e" * 64 + ".example"},
        {"Host": "evil..example"},
        {"Proto": "javascript"},
        {"Prefix": "//evil.example"},
        {"Prefix": "/a?b"},
        {"Prefix": "evil"},
    ],
)
def test_what_is_no_host_scheme_or_path_is_not_believed(
    make_sandbox: Any, tmp_path: Any, told: dict[str, str]
) -> None:
    assert linked(make_sandbox, tmp_path, told) == f"http://localhost{AGENT}/recommend"


def test_many_agents_come_in_pages(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_AGENTS_A_PAGE", 2)
    slugs = ["a", "b", "b-c", "d", "e"]
    for slug in slugs:
        open_shop(sandbox, slug=slug)
    client, url, found = partner(sandbox), WELL_KNOWN, []
    while url:
        page = client.get(url).json
        found.append([agent["slug"] for agent in page["agents"]])
        url = page["next"]
    assert found == [["a", "b"], ["b-c", "d"], ["e"]]


def test_what_was_removed_or_never_was_is_not_there(shop: Sandbox) -> None:
    catalogs.remove(shop.services, shop.organization_id, SLUG)
    client = partner(shop)
    assert client.get(WELL_KNOWN).json["agents"] == []
    for path in (f"{AGENT}/agent.json", *CARDS, "/api/public/agents/a%00b/agent.json"):
        answer = client.get(path)
        assert (answer.status_code, answer.json) == (404, {"error": "NOT_FOUND", "message": "No such agent"})
        carries_all(answer)
