"""What an organization reads and changes: its agents, its interactions, its usage, and nobody else's."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from precog.core import administration, usage
from tests.conftest import NOW
from tests.surfaces.calls import BATCH, INGEST, field_fault, ingest, interaction, kept, pages, refusal

MINUTE_MS = 60_000
SCOPES = ("telemetry", "guard", "agents", "read", "admin")
NAMES = [
    "support-bot",
    "a/b",
    "/leading",
    "trailing/",
    "a//b",
    "//",
    ".",
    "..",
    "../usage",
    "a b",
    "100%",
    "%2F",
    "a?b=c",
    "a#b",
    "a&b+c",
    "größe-日本-\N{GRINNING FACE}",
    "two\nlines",
    "\N{GRINNING FACE}" * 200,
    "\N{GRINNING FACE}" * 199 + "\N{RELIEVED FACE}",
]


def agent_path(name: str) -> str:
    return f"/api/v1/agents/{quote(name, safe='')}"


# --- agents ---------------------------------------------------------------------------------


def test_an_agent_is_shown_from_its_first_interaction_on(client, clock):
    assert refusal(client.get("/api/v1/agents/bot")) == (404, "NOT_FOUND")
    ingest(client)
    clock.advance(MINUTE_MS)
    ingest(client)
    assert client.get("/api/v1/agents/bot").json == {
        "agentId": "bot",
        "name": None,
        "status": "active",
        "createdAt": "2026-01-15T10:30:00.000Z",
        "deactivatedAt": None,
        "lastSeenAt": "2026-01-15T10:31:00.000Z",
        "thresholds": None,
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_agent_of_any_name_can_be_read_and_changed(client, name):
    ingest(client, agentId=name)
    assert client.get(agent_path(name)).json["agentId"] == name
    assert client.patch(agent_path(name), json={"status": "deactivated"}).json["status"] == "deactivated"
    found = client.get(f"/api/v1/interactions?{urlencode({'agentId': name})}").json["interactions"]
    assert [one["agentId"] for one in found] == [name]


def test_agents_of_any_name_are_paged_by_name_exactly_once(client):
    client.post(BATCH, json={"interactions": [interaction(agentId=name) for name in NAMES]})
    found = pages(client, "/api/v1/agents", limit=1)
    assert [len(page) for page in found] == [1] * len(NAMES)
    assert {page[0]["agentId"] for page in found} == set(NAMES)


def test_agents_are_filtered_by_status(client):
    client.post(BATCH, json={"interactions": [interaction(agentId=f"bot-{n}") for n in range(5)]})
    for n in (1, 3):
        client.patch(f"/api/v1/agents/bot-{n}", json={"status": "deactivated"})

    def names(**query):
        return [agent["agentId"] for page in pages(client, "/api/v1/agents", **query) for agent in page]

    assert names() == [f"bot-{n}" for n in range(5)]
    assert names(status="active", limit=2) == ["bot-0", "bot-2", "bot-4"]
    assert names(status="deactivated", limit=1) == ["bot-1", "bot-3"]


def test_deactivating_frees_a_slot_and_reactivating_takes_one(client, sandbox):
    sandbox.set_plan("FREE")
    ingest(client, agentId="first")
    client.patch("/api/v1/agents/first", json={"status": "deactivated"})
    ingest(client, agentId="second")
    answer = client.patch("/api/v1/agents/first", json={"status": "active"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "AGENT_LIMIT_EXCEEDED")
    assert client.get("/api/v1/agents/first").json["status"] == "deactivated"
    client.patch("/api/v1/agents/second", json={"status": "deactivated"})
    assert client.patch("/api/v1/agents/first", json={"status": "active"}).json["deactivatedAt"] is None
    ingest(client, agentId="first")


def test_changing_an_agent_twice_counts_once(client, clock):
    ingest(client, agentId="first")
    ingest(client, agentId="second")

    def change(status):
        answer = client.patch("/api/v1/agents/first", json={"status": status})
        return answer.json["deactivatedAt"], client.get("/api/v1/usage").json["agents"]["used"]

    assert change("deactivated") == ("2026-01-15T10:30:00.000Z", 1)
    clock.advance(MINUTE_MS)
    assert change("deactivated") == ("2026-01-15T10:30:00.000Z", 1)
    assert change("active") == (None, 2)
    assert change("active") == (None, 2)


def test_telemetry_for_a_deactivated_agent_is_refused_and_does_not_bring_it_back(client):
    first = ingest(client)
    client.patch("/api/v1/agents/bot", json={"status": "deactivated"})
    for body in (interaction(), interaction(agentId=" bot ")):
        assert refusal(client.post(INGEST, json=body)) == (403, "AGENT_DEACTIVATED")
    assert client.get("/api/v1/agents/bot").json["status"] == "deactivated"
    assert kept(client, first)["agentId"] == "bot"  # what it sent before is still there


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("MISSING_REQUIRED_FIELD", "status")),
        ({"status": None}, ("MISSING_REQUIRED_FIELD", "status")),
        ({"status": True}, ("INVALID_FIELD_TYPE", "status")),
        ({"status": "asleep"}, ("INVALID_FIELD_VALUE", "status")),
    ],
)
def test_an_agent_has_one_of_two_statuses(sqlite_client, body, fault):
    ingest(sqlite_client)
    assert field_fault(sqlite_client.patch("/api/v1/agents/bot", json=body)) == fault


def test_an_agent_that_is_not_there_cannot_be_changed(client):
    answer = client.patch("/api/v1/agents/nobody", json={"status": "active"})
    assert refusal(answer) == (404, "NOT_FOUND")


def test_an_agents_thresholds_are_replaced_as_a_whole_and_taken_back(client):
    ingest(client)

    def change(thresholds):
        answer = client.patch("/api/v1/agents/bot", json={"thresholds": thresholds})
        assert answer.json == client.get("/api/v1/agents/bot").json
        return answer.json["thresholds"]

    pair = {"review": 0.2, "block": 0.3}
    assert change({"jailbreak": pair}) == {"jailbreak": pair}
    assert client.patch("/api/v1/agents/bot", json={"status": "active"}).json["thresholds"] is not None
    assert change({"toxicity": pair, "jailbreak": None}) == {"toxicity": pair}
    assert change(None) is None


def test_an_agent_is_deactivated_and_given_thresholds_at_once_or_not_at_all(client):
    ingest(client)
    wrong = {"status": "deactivated", "thresholds": {"jailbreak": {"review": 0.4, "block": 0.3}}}
    assert field_fault(client.patch("/api/v1/agents/bot", json=wrong)) == (
        "INVALID_FIELD_VALUE",
        "thresholds.jailbreak",
    )
    assert client.get("/api/v1/agents/bot").json["status"] == "active"
    right = {"status": "deactivated", "thresholds": {"jailbreak": {"review": 0.4, "block": 0.4}}}
    changed = client.patch("/api/v1/agents/bot", json=right).json
    assert (changed["status"], changed["thresholds"]) == ("deactivated", right["thresholds"])


# --- usage ----------------------------------------------------------------------------------


def test_usage_tells_what_is_used_of_the_plan(client, sandbox):
    sandbox.set_plan("PROFESSIONAL")
    ingest(client, agentId="a")
    ingest(client, agentId="b")
    sandbox.services.db.write(
        usage.record_impact,
        sandbox.organization_id,
        agent_id="a",
        interaction_id=None,
        kind="threat",
        now=NOW,
    )
    sandbox.clock.advance(15_500)
    assert client.get("/api/v1/usage").json == {
        "plan": "PROFESSIONAL",
        "agents": {"used": 2, "limit": 10},
        "impact_events": {"used": 1, "limit": 2_000, "resets_at": "2026-02-01T00:00:00.000Z"},
        "requests": {"used": 3, "limit": 2_000, "per_minute": 1_000, "burst": 2_000, "resets_in_s": 45},
    }


def test_usage_of_a_plan_without_limits_says_null(client):
    found = client.get("/api/v1/usage").json
    assert found["plan"] == "ENTERPRISE"
    assert [found[name]["limit"] for name in ("agents", "impact_events", "requests")] == [None] * 3
    assert (found["requests"]["per_minute"], found["requests"]["burst"]) == (None, None)


# --- other organizations --------------------------------------------------------------------


def test_no_route_shows_or_changes_what_is_another_organizations(sandbox, client):
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    theirs = sandbox.app.test_client()
    theirs.environ_base["HTTP_X_API_KEY"] = sandbox.key(*SCOPES, organization_id=other.id)
    mine = ingest(client, agentId="mine", sessionId="s", userId="u", metadata={"platform": "web"})
    ingest(client, agentId="mine")
    cursor = client.get("/api/v1/interactions?limit=1").json["next_cursor"]

    assert theirs.get("/api/v1/agents").json == {"agents": [], "next_cursor": None}
    for query in ("", "?agentId=mine", "?sessionId=s", "?userId=u", "?platform=web", f"?cursor={cursor}"):
        answer = theirs.get(f"/api/v1/interactions{query}")
        assert answer.json == {"interactions": [], "next_cursor": None}
    assert refusal(theirs.get(f"/api/v1/interactions/{mine}")) == (404, "NOT_FOUND")
    assert refusal(theirs.get("/api/v1/agents/mine")) == (404, "NOT_FOUND")
    assert refusal(theirs.patch("/api/v1/agents/mine", json={"status": "deactivated"})) == (404, "NOT_FOUND")
    assert theirs.get("/api/v1/usage").json["agents"] == {"used": 0, "limit": 1}
    policy = f"/api/v1/systems/{sandbox.first.system.id}/policy"
    assert sandbox.first.system.id not in [one["id"] for one in theirs.get("/api/v1/systems").json["systems"]]
    for answer in (
        theirs.get(policy),
        theirs.get(f"{policy}/history"),
        theirs.patch(policy, json={"masking": True}),
    ):
        assert refusal(answer) == (404, "NOT_FOUND")
    assert client.get(policy).json["version"] == 1

    ingest(theirs, agentId="mine", prompt="of the same name")
    theirs.patch("/api/v1/agents/mine", json={"status": "deactivated"})
    assert client.get("/api/v1/agents/mine").json["status"] == "active"
    assert len(client.get("/api/v1/interactions?agentId=mine").json["interactions"]) == 2
    assert client.get("/api/v1/usage").json["agents"]["used"] == 1


def test_no_route_shows_or_changes_another_organizations_catalogue_callers_and_sales(sandbox):
    sandbox.clock.advance(1)  # callers register with the oldest organization
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    mine, theirs = (admin_of(sandbox, owner) for owner in (sandbox.organization_id, other.id))
    made = mine.post("/api/v1/catalogs", json={"slug": "shop", "name": "Shop", "business": "Ours"})
    assert made.status_code == 201
    wares = {"products": [{"sku": "1", "name": "Kettle", "price": "20", "currency": "EUR"}]}
    assert mine.post("/api/v1/catalogs/shop/products", json=wares).status_code == 200
    registered = sandbox.app.test_client().post(
        "/api/public/recommendation/register", json={"name": "Bot", "contactEmail": "bot@example.com"}
    )
    caller = f"/api/v1/callers/{registered.json['callerId']}"

    assert mine.get(caller).status_code == 200
    assert theirs.get("/api/v1/catalogs").json["catalogs"] == []
    assert theirs.get("/api/v1/callers").json["callers"] == []
    assert theirs.get("/api/v1/conversions").json["conversions"] == []
    for answer in (
        theirs.get("/api/v1/catalogs/shop"),
        theirs.patch("/api/v1/catalogs/shop", json={"name": "Theirs"}),
        theirs.delete("/api/v1/catalogs/shop"),
        theirs.get("/api/v1/catalogs/shop/products"),
        theirs.post("/api/v1/catalogs/shop/products", json=wares),
        theirs.delete("/api/v1/catalogs/shop/products/1"),
        theirs.get(caller),
        theirs.patch(caller, json={"tier": "elevated"}),
        theirs.delete(caller),
    ):
        assert refusal(answer) == (404, "NOT_FOUND")
    assert mine.get("/api/v1/catalogs/shop").json["name"] == "Shop"


def admin_of(sandbox, organization_id):
    client = sandbox.app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = sandbox.key(*SCOPES, organization_id=organization_id)
    return client


def test_every_route_is_looked_at_by_the_tests_above(sandbox):
    rules = {
        rule.rule for rule in sandbox.app.url_map.iter_rules() if rule.endpoint.startswith("management.")
    }
    assert rules == {
        "/api/v1/agents",
        "/api/v1/agents/<name:agent_id>",
        "/api/v1/callers",
        "/api/v1/callers/<caller_id>",
        "/api/v1/catalogs",
        "/api/v1/catalogs/<slug>",
        "/api/v1/catalogs/<slug>/products",
        "/api/v1/catalogs/<slug>/products/<path:sku>",
        "/api/v1/conversions",
        "/api/v1/conversions/summary",
        "/api/v1/interactions",
        "/api/v1/interactions/<name:interaction_id>",
        "/api/v1/systems",
        "/api/v1/systems/<system_id>/policy",
        "/api/v1/systems/<system_id>/policy/history",
        "/api/v1/usage",
    }
