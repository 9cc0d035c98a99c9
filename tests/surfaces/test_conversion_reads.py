"""What was sold: listed with filters, and summed up by currency, exactly."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from precog.core import administration
from tests.selling import caller, sell, track, visitor
from tests.surfaces.calls import field_fault, pages, refusal

CONVERSIONS = "/api/v1/conversions"
SUMMARY = f"{CONVERSIONS}/summary"
DAY_MS = 86_400_000


@pytest.fixture
def callers_of(sandbox):
    """A partner and a standard caller."""
    services = sandbox.services
    return caller(services, tier="partner", percent_e2=10_00), caller(services)


@pytest.fixture
def sold(sandbox, clock, callers_of):
    """Two agents, three senders, two currencies, two days; the ids in their order."""
    services = sandbox.services
    sell(sandbox, "savoir", "p_1", "p_2")
    sell(sandbox, "other", "p_9")
    partner, standard = (visitor(services, caller_key=made.key) for made in callers_of)
    anybody = visitor(services)
    ids = [track(services, partner, value_e4=199_900).id]
    clock.advance(60_000)
    ids.append(track(services, partner, product_id="p_2", value_e4=1).id)
    clock.advance(60_000)
    ids.append(track(services, standard, value_e4=1_000_000, currency="JPY").id)
    clock.advance(DAY_MS)
    ids.append(track(services, standard, slug="other", product_id="p_9", value_e4=50_000).id)
    clock.advance(60_000)
    ids.append(track(services, anybody, session_id="s-2", value_e4=100_000).id)
    return ids


def listed(client, **query):
    answer = client.get(f"{CONVERSIONS}?{urlencode(query)}")
    assert answer.status_code == 200, answer.json
    return [row["conversionId"] for row in answer.json["conversions"]]


def summary(client, **query):
    answer = client.get(f"{SUMMARY}?{urlencode(query)}")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_conversions_are_listed_newest_first(client, sold):
    assert listed(client) == sold[::-1]


def test_a_page_goes_on_where_the_one_before_ended(client, sold):
    found = pages(client, CONVERSIONS, limit=2)
    assert [[row["conversionId"] for row in page] for page in found] == [
        [sold[4], sold[3]],
        [sold[2], sold[1]],
        [sold[0]],
    ]


def test_each_filter_leaves_what_passes_it(client, sold, callers_of):
    partner, standard = (made.caller.id for made in callers_of)
    assert listed(client, caller=partner) == [sold[1], sold[0]]
    assert listed(client, caller=standard) == [sold[3], sold[2]]
    assert listed(client, agent="other") == [sold[3]]
    assert listed(client, product="p_1") == [sold[4], sold[2], sold[0]]
    assert listed(client, day="2026-01-15") == sold[2::-1]
    assert listed(client, day="2026-01-16") == [sold[4], sold[3]]
    assert listed(client, day="2026-01-17") == []
    assert listed(client, **{"from": "2026-01-15T10:31:00Z"}) == sold[:0:-1]
    assert listed(client, to="2026-01-15T10:31:00Z") == [sold[0]]
    assert listed(client, **{"from": "2026-01-15T10:31:00Z", "to": "2026-01-15T10:31:00.001Z"}) == [sold[1]]
    assert listed(client, day="2026-01-15", **{"from": "2026-01-15T10:32:00Z"}) == [sold[2]]
    assert listed(client, day="2026-01-15", to="2026-01-15T10:31:00Z") == [sold[0]]
    assert listed(client, caller=partner, product="p_1", agent="savoir") == [sold[0]]
    assert listed(client, caller="nobody") == []


def test_a_conversion_says_all_that_is_known(client, sold, callers_of):
    rows = client.get(CONVERSIONS).json["conversions"]
    partner = callers_of[0].caller.id
    assert rows[4] == {
        "conversionId": sold[0],
        "agent": "savoir",
        "productId": "p_1",
        "sessionId": "s-1",
        "callerId": partner,
        "callerAgentId": partner,
        "registered": True,
        "tier": "partner",
        "value": "19.99",
        "currency": "EUR",
        "revenueSharePercent": "10.00",
        "revenueShare": "1.999",
        "createdAt": "2026-01-15T10:30:00.000Z",
    }
    assert (rows[2]["value"], rows[2]["currency"], rows[2]["revenueShare"]) == ("100", "JPY", None)
    assert (rows[0]["callerId"], rows[0]["callerAgentId"], rows[0]["tier"]) == (None, None, "anonymous")
    assert rows[0]["registered"] is False


def total(currency, conversions, value, share, *, attributed=True):
    return {
        "currency": currency,
        "attributed": attributed,
        "conversions": conversions,
        "value": value,
        "revenueShare": share,
    }


def test_totals_are_exact_and_by_currency_and_apart_from_what_nobody_answers_for(client, sold):
    assert summary(client)["totals"] == [
        total("EUR", 3, "24.9901", "1.999"),
        total("EUR", 1, "10.00", "0.00", attributed=False),
        total("JPY", 1, "100", "0"),
    ]


def test_names_that_anybody_takes_are_not_added_to_what_callers_sold(sandbox, client, sold):
    for number in range(5):
        track(sandbox.services, visitor(sandbox.services, agent_id=f"bot-{number}"), value_e4=10**16 - 1)
    found = {row["attributed"]: row for row in summary(client)["totals"] if row["currency"] == "EUR"}
    assert (found[True]["conversions"], found[True]["value"]) == (3, "24.9901")
    assert (found[False]["conversions"], found[False]["value"]) == (6, "5000000000009.9995")
    rows = client.get(CONVERSIONS).json["conversions"]
    names = {row["callerAgentId"] for row in rows if not row["registered"]}
    assert names == {None, *(f"bot-{number}" for number in range(5))}


def test_totals_come_by_caller_agent_product_and_day(client, sold, callers_of):
    partner, standard = (made.caller.id for made in callers_of)
    by_caller = {(group["group"], group["currency"]): group for group in summary(client)["groups"]}
    assert by_caller == {
        (None, "EUR"): {"group": None, **total("EUR", 1, "10.00", "0.00", attributed=False)},
        (partner, "EUR"): {"group": partner, **total("EUR", 2, "19.9901", "1.999")},
        (standard, "EUR"): {"group": standard, **total("EUR", 1, "5.00", "0.00")},
        (standard, "JPY"): {"group": standard, **total("JPY", 1, "100", "0")},
    }
    assert summary(client, by="agent")["groups"] == [
        {"group": "other", **total("EUR", 1, "5.00", "0.00")},
        {"group": "savoir", **total("EUR", 2, "19.9901", "1.999")},
        {"group": "savoir", **total("EUR", 1, "10.00", "0.00", attributed=False)},
        {"group": "savoir", **total("JPY", 1, "100", "0")},
    ]
    assert [(group["group"], group["value"]) for group in summary(client, by="product")["groups"]] == [
        ("p_1", "19.99"),
        ("p_1", "10.00"),
        ("p_1", "100"),
        ("p_2", "0.0001"),
        ("p_9", "5.00"),
    ]
    assert [(group["group"], group["value"]) for group in summary(client, by="day")["groups"]] == [
        ("2026-01-15", "19.9901"),
        ("2026-01-15", "100"),
        ("2026-01-16", "5.00"),
        ("2026-01-16", "10.00"),
    ]


def test_totals_are_of_what_passes_the_filters(client, sold, callers_of):
    partner = callers_of[0].caller.id
    found = summary(client, caller=partner, by="day")
    assert found["totals"] == [total("EUR", 2, "19.9901", "1.999")]
    assert [group["group"] for group in found["groups"]] == ["2026-01-15"]
    assert summary(client, day="2026-01-16", by="agent")["totals"] == [
        total("EUR", 1, "5.00", "0.00"),
        total("EUR", 1, "10.00", "0.00", attributed=False),
    ]
    nothing = summary(client, day="2026-01-17")
    assert (nothing["totals"], nothing["groups"], nothing["next_cursor"]) == ([], [], None)


@pytest.mark.parametrize("by", ["caller", "agent", "product", "day"])
def test_groups_come_in_pages_and_totals_do_not(client, sold, by):
    whole = summary(client, by=by)
    found, cursor = [], None
    while True:
        page = summary(client, by=by, limit=1, **({"cursor": cursor} if cursor else {}))
        assert page["totals"] == whole["totals"]
        found += page["groups"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["groups"]) == 1
    assert found == whole["groups"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("day=2026-02-30", "day"),
        ("day=2026-1-5", "day"),
        ("day=20260115", "day"),
        ("day=", "day"),
        ("from=yesterday", "from"),
        ("to=2026-01-15", "to"),
        ("limit=0", "limit"),
        ("cursor=eHl6", "cursor"),
        ("cursor=cF8xRVVS", "cursor"),
        ("cursor=%00", "cursor"),
        ("product=%00", "product"),
    ],
)
def test_a_query_that_makes_no_sense_is_400(client, query, field):
    for path in (CONVERSIONS, f"{SUMMARY}?by=day&"):
        answer = client.get(f"{path}{'&' if '?' in path else '?'}{query}")
        assert field_fault(answer)[1] == field


def test_there_are_no_other_groups(client):
    assert field_fault(client.get(f"{SUMMARY}?by=all"))[1] == "by"


def test_who_reads_needs_the_scope(sandbox):
    stranger = sandbox.app.test_client()
    for path in (CONVERSIONS, SUMMARY):
        assert refusal(stranger.get(path)) == (401, "INVALID_API_KEY")
        key = sandbox.key("telemetry")
        assert refusal(stranger.get(path, headers={"x-api-key": key})) == (403, "INSUFFICIENT_SCOPE")


def test_another_organization_sees_none_of_it(sandbox, sold):
    other = administration.create_organization(sandbox.services, "Other", "ENTERPRISE")
    client = sandbox.app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = sandbox.key("read", organization_id=other.id)
    assert listed(client) == []
    assert summary(client)["totals"] == []
