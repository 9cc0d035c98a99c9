"""Anything at all from outside: nothing is a server error, and every answer can be read by a page."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.selling import sell, token
from tests.surfaces.generated import any_json
from tests.surfaces.outside import REGISTER, carries_all, refused, stranger
from tests.surfaces.test_hostile_bodies import HOSTILE

TRACK = "/api/public/agents/savoir/track-conversion"
RECOMMEND = "/api/public/agents/savoir/recommend"
GETS = [
    "/.well-known/agents.json",
    "/api/public/agents/savoir/agent.json",
    "/api/public/agents/savoir/.well-known/agent.json",
]
VALID = {
    REGISTER: {"name": "Shop Bot", "contactEmail": "a@example.com", "description": "Shops"},
    RECOMMEND: {"goal": "something", "budget": 80, "constraints": ["no leather"], "maxResults": 3},
    TRACK: {"productId": "p_1", "value": "19.99", "currency": "EUR", "sessionId": "s-1"},
}
NAMES = """name contactEmail description goal budget constraints maxResults callerMode productId value
    currency sessionId conversionToken""".split()
HEADERS = [
    "X_Agent_Id",
    "X_Caller_Key",
    "X_Caller_Mode",
    "X_Session_Id",
    "X_Conversion_Token",
    "Authorization",
    "Origin",
    "X_Forwarded_For",
]
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATHS = st.sampled_from(sorted(VALID))


@pytest.fixture
def shop(make_sandbox, database_url):
    made = make_sandbox(database=database_url)
    sell(made)
    return made


@pytest.fixture
def alone(make_sandbox, tmp_path):
    """The same, on one kind of database."""
    made = make_sandbox(database=str(tmp_path / "alone.sqlite3"))
    sell(made)
    return made


def ask(shop, path, method="POST", headers=None, **sent):
    """The answer, to somebody who has not asked before: each call is in a new hour."""
    shop.clock.advance(3_600_000)
    return stranger(shop, **(headers or {})).open(path, method=method, **sent)


def post_raw(shop, path, raw, **headers):
    return ask(shop, path, headers=headers, data=raw, content_type="application/json")


def answered_well(answer, *also):
    carries_all(answer)
    if answer.status_code in (200, 201):
        return True
    return refused(answer)[0] in (400, 401, 404, *also)


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_on_every_route(alone, path, name):
    """Those that hide in a field go on into another, which is not looked at but must be JSON."""
    raw = HOSTILE[name].replace(b'"agentId"', b'"other"')
    assert refused(post_raw(alone, path, raw))[0] == 400


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize(
    ("kind", "encoding", "status"),
    [("text/plain", "identity", 415), (None, "identity", 415), ("application/json", "br", 415)],
)
def test_what_is_not_json_is_unsupported(alone, path, kind, encoding, status):
    answer = ask(alone, path, data=b"{}", content_type=kind, headers={"Content_Encoding": encoding})
    assert refused(answer) == (status, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("path", VALID)
def test_a_body_that_is_too_large_is_refused(make_sandbox, path, tmp_path):
    shop = make_sandbox(database=str(tmp_path / "small.sqlite3"), max_request_bytes=1_000)
    raw = json.dumps({**VALID[path], "more": "x" * 1_000})
    assert refused(post_raw(shop, path, raw)) == (413, "PAYLOAD_TOO_LARGE")


@SOME
@given(path=PATHS, raw=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered(alone, path, raw):
    assert answered_well(post_raw(alone, path, raw))


@SOME
@given(path=PATHS, value=any_json(*NAMES))
def test_any_json_is_answered(shop, path, value):
    assert answered_well(post_raw(shop, path, json.dumps(value)))


@SOME
@given(path=PATHS, field=st.sampled_from(NAMES), value=any_json())
def test_any_value_of_any_field_is_answered(shop, path, field, value):
    sent = {**VALID[path], field: value}
    assert answered_well(post_raw(shop, path, json.dumps(sent), X_Conversion_Token=token(shop)))
    assert shop.client.get("/api/v1/conversions?limit=1").status_code == 200


@SOME
@given(goal=st.text(st.sampled_from("a*\"'()^:-+|&!~ANDORNOTéß \\")), words=st.lists(st.text(max_size=9)))
def test_any_goal_is_words_and_no_syntax(shop, goal, words):
    sent = json.dumps({"goal": goal + " something", "constraints": words})
    assert answered_well(post_raw(shop, RECOMMEND, sent))


@SOME
@given(
    path=PATHS,
    headers=st.dictionaries(
        st.sampled_from(HEADERS), st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"))
    ),
)
def test_any_header_is_answered(shop, path, headers):
    assert answered_well(post_raw(shop, path, json.dumps(VALID[path]), **headers))


@SOME
@given(
    slug=st.text(st.characters(), min_size=1),
    rest=st.sampled_from(["recommend", "track-conversion", "agent.json", ".well-known/agent.json", "x"]),
    method=st.sampled_from(["GET", "POST"]),
)
def test_any_agent_is_answered(shop, slug, rest, method):
    path = f"/api/public/agents/{quote(slug.encode('utf-8', 'surrogatepass'), safe='')}/{rest}"
    sent = {"json": {**VALID[RECOMMEND], **VALID[TRACK]}} if method == "POST" else {}
    assert answered_well(ask(shop, path, method, **sent), 308, 405)


@SOME
@given(path=st.sampled_from(GETS), query=st.dictionaries(st.sampled_from(["after", "limit", "x"]), st.text()))
def test_any_query_is_answered(shop, path, query):
    assert answered_well(ask(shop, path, "GET", query_string=query))


@SOME
@given(
    path=st.sampled_from(["/api/v1/conversions", "/api/v1/conversions/summary"]),
    query=st.dictionaries(
        st.sampled_from("caller agent product from to day by limit cursor".split()),
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.sampled_from(["2026-01-15", "day", "RVVS", "1"]),
    ),
)
def test_any_read_is_answered(shop, path, query):
    assert shop.client.get(path, query_string=query).status_code in (200, 400)
