"""The list of interactions: its filters, its pages, and what it refuses to be asked."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest

from tests.surfaces.calls import BATCH, field_fault, ingest, interaction, pages, refusal

MINUTE_MS = 60_000


@pytest.fixture
def many(client, clock):
    """Ten interactions, one a minute, of two agents, sessions, users and platforms."""
    ids = []
    for n in range(10):
        metadata = {"platform": ("web", "app")[n % 2]}
        ids.append(
            ingest(
                client,
                agentId=f"bot-{n % 2}",
                sessionId=f"s-{n % 3}",
                userId=f"u-{n // 5}",
                metadata=metadata,
            )
        )
        clock.advance(MINUTE_MS)
    return ids


def minute(n: int) -> str:
    return f"2026-01-15T10:{30 + n}:00Z"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, range(10)),
        ({"agentId": "bot-1"}, (1, 3, 5, 7, 9)),
        ({"sessionId": "s-0"}, (0, 3, 6, 9)),
        ({"userId": "u-1"}, (5, 6, 7, 8, 9)),
        ({"platform": "web"}, (0, 2, 4, 6, 8)),
        ({"from": minute(7)}, (7, 8, 9)),
        ({"to": minute(3)}, (0, 1, 2)),
        ({"from": minute(2), "to": minute(5)}, (2, 3, 4)),
        ({"from": "2026-01-15T12:37:00+02:00"}, (7, 8, 9)),
        (
            {"agentId": "bot-0", "sessionId": "s-0", "userId": "u-1", "platform": "web", "from": minute(1)},
            (6,),
        ),
        ({"from": minute(5), "to": minute(5)}, ()),
        ({"agentId": "nobody"}, ()),
        ({"sessionId": "S-0"}, ()),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, range(10)),
    ],
)
def test_interactions_are_filtered_newest_first(client, many, query, expected):
    for limit in (2, 200):
        found = [one for page in pages(client, "/api/v1/interactions", **query, limit=limit) for one in page]
        assert [one["interactionId"] for one in found] == [many[n] for n in reversed(expected)]


def test_a_walk_through_the_pages_is_not_disturbed_by_what_arrives(client, many):
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/interactions?limit=3&cursor={cursor}").json
        seen += [one["interactionId"] for one in page["interactions"]]
        cursor = page["next_cursor"]
        ingest(client, agentId="late")
    assert seen == list(reversed(many))


def test_interactions_of_one_moment_are_paged_exactly_once(client):
    sent = client.post(BATCH, json={"interactions": [interaction(prompt=str(n)) for n in range(25)]}).json[
        "results"
    ]
    found = [one for page in pages(client, "/api/v1/interactions", limit=4) for one in page]
    assert [one["interactionId"] for one in found] == [one["interactionId"] for one in reversed(sent)]


def test_a_page_has_50_entries_unless_asked_and_a_last_full_page_has_no_cursor(client):
    client.post(BATCH, json={"interactions": [interaction()] * 51})
    assert [len(page) for page in pages(client, "/api/v1/interactions")] == [50, 1]
    assert [len(page) for page in pages(client, "/api/v1/interactions", limit=17)] == [17, 17, 17]


def as_cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


BAD_CURSORS = [
    "!!!!",
    "a",
    "int-0",
    "Zm9v\n",
    "Zm9v=",
    "\N{GRINNING FACE}",
    as_cursor("a\0b"),
    "_w",
    "a" * 2049,
    "\0",
]


@pytest.mark.parametrize("cursor", [*BAD_CURSORS, as_cursor("foo"), as_cursor("int-0"), as_cursor("bot")])
def test_a_cursor_that_no_page_of_interactions_gave_is_refused(sqlite_client, cursor):
    answer = sqlite_client.get(f"/api/v1/interactions?{urlencode({'cursor': cursor})}")
    assert field_fault(answer) == ("INVALID_FIELD_VALUE", "cursor")


@pytest.mark.parametrize("cursor", BAD_CURSORS)
def test_a_cursor_that_no_page_of_agents_gave_is_refused(sqlite_client, cursor):
    answer = sqlite_client.get(f"/api/v1/agents?{urlencode({'cursor': cursor})}")
    assert field_fault(answer) == ("INVALID_FIELD_VALUE", "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=ten", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=", "limit"),
        ("from=yesterday", "from"),
        ("to=2026-02-30T00:00:00Z", "to"),
        ("from=", "from"),
        ("agentId=a%00", "agentId"),
        ("sessionId=%00", "sessionId"),
        ("userId=" + "x" * 513, "userId"),
        ("platform=%00", "platform"),
        ("agentId=" + "x" * 201, "agentId"),
    ],
)
def test_a_wrong_filter_is_refused(sqlite_client, query, field):
    code, found = field_fault(sqlite_client.get(f"/api/v1/interactions?{query}"))
    assert found == field
    assert code in ("INVALID_FIELD_VALUE", "INVALID_FIELD_TYPE")


@pytest.mark.parametrize(
    "path", ["/api/v1/agents/a%00b", "/api/v1/interactions/%00", "/api/v1/agents/%FF%FE"]
)
def test_an_address_that_nothing_can_have_is_not_found(client, path):
    assert refusal(client.get(path)) == (404, "NOT_FOUND")
