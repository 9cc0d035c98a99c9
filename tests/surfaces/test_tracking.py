"""Reporting a conversion: what must be sent, which tokens are good, and that it is counted once."""

from __future__ import annotations

import json

import pytest

from precog.core.conversion_tokens import ConversionTokens
from tests.conftest import NOW
from tests.parallel import in_threads
from tests.selling import caller, sell, token
from tests.surfaces.outside import carries_all, quota, refused, stranger

TRACK = "/api/public/agents/savoir/track-conversion"
BOUGHT = {"productId": "p_1", "value": "19.99", "currency": "EUR", "sessionId": "s-1"}
DAY_MS = 86_400_000
OLD, NEW = "an old secret of the server", "the newest secret of the server"


@pytest.fixture
def shop(make_sandbox, database_url):
    """A sandbox that sells two products of one agent, and one of another."""
    made = make_sandbox(database=database_url, secret_key=[OLD, NEW])
    sell(made, "savoir", "p_1", "p_2")
    sell(made, "other", "p_9")
    return made


def post(shop, sent=None, path=TRACK, **headers):
    return stranger(shop, **headers).post(path, json=BOUGHT if sent is None else sent)


def with_token(shop, text, **headers):
    """Two answers to one token: in the header where a header can hold it, and in the body."""
    answers = [post(shop, {**BOUGHT, "conversionToken": text}, **headers)]
    if text.isascii() and text.isprintable():
        answers.append(post(shop, X_Conversion_Token=text, **headers))
    return answers


def stored(shop):
    return shop.client.get("/api/v1/conversions").json["conversions"]


# --- counted once


def test_the_first_report_is_201_and_the_second_200_with_the_same_id(shop):
    first = post(shop, X_Conversion_Token=token(shop))
    assert (first.status_code, first.json["idempotent"]) == (201, False)
    again = post(shop, {**BOUGHT, "value": "1", "conversionToken": token(shop)})
    assert again.status_code == 200
    assert again.json == {"ok": True, "idempotent": True, "conversionId": first.json["conversionId"]}
    (row,) = stored(shop)
    assert (row["conversionId"], row["value"]) == (first.json["conversionId"], "19.99")
    carries_all(first)
    carries_all(again)


def test_64_reports_at_once_are_one_row_one_201_and_63_times_200(shop):
    made = caller(shop.services)
    text = token(shop)
    answers = in_threads(64, lambda number: post(shop, X_Conversion_Token=text, X_Caller_Key=made.key))
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    (row,) = stored(shop)
    assert {answer.json["conversionId"] for answer in answers} == {row["conversionId"]}


def test_a_conversion_is_the_callers_whose_key_came_with_it(shop):
    made = caller(shop.services, tier="partner", percent_e2=12_50)
    answer = post(
        shop, X_Conversion_Token=token(shop), X_Caller_Key=made.key, X_Agent_Id="somebody-else-000000"
    )
    assert answer.status_code == 201
    (row,) = stored(shop)
    assert (row["callerId"], row["callerAgentId"]) == (made.caller.id, made.caller.id)
    assert (row["tier"], row["revenueSharePercent"], row["revenueShare"]) == ("partner", "12.50", "2.4988")


def test_a_name_alone_is_kept_and_is_no_caller(shop):
    made = caller(shop.services)
    assert post(shop, X_Conversion_Token=token(shop), X_Agent_Id=made.caller.id).status_code == 201
    (row,) = stored(shop)
    assert (row["callerId"], row["callerAgentId"], row["tier"]) == (None, made.caller.id, "identified")
    assert row["registered"] is False
    shop.clock.advance(1)
    mine = post(shop, X_Conversion_Token=token(shop), X_Caller_Key=made.key)
    assert (mine.status_code, mine.json["idempotent"]) == (201, False)
    assert [row["callerId"] for row in stored(shop)] == [made.caller.id, None]


def test_a_wrong_caller_key_is_not_anybody(shop):
    answer = post(shop, X_Conversion_Token=token(shop), X_Caller_Key="caller_00")
    assert refused(answer) == (401, "INVALID_CALLER_KEY")
    assert stored(shop) == []


def test_a_report_takes_one_request_from_the_quota(shop):
    assert quota(post(shop, X_Conversion_Token=token(shop)))[:2] == (12, 11)
    assert quota(post(shop, X_Conversion_Token=token(shop)))[:2] == (12, 10)
    assert quota(post(shop, X_Conversion_Token="x"))[:2] == (12, 9)
    assert quota(post(shop, {}))[:2] == (12, 8)


# --- tokens


def test_the_session_may_be_told_in_the_header(shop):
    sent = {name: value for name, value in BOUGHT.items() if name != "sessionId"}
    answer = post(shop, sent, X_Conversion_Token=token(shop), X_Session_Id="s-1")
    assert answer.status_code == 201
    assert stored(shop)[0]["sessionId"] == "s-1"


def test_the_header_goes_before_the_body(shop):
    sent = {**BOUGHT, "conversionToken": "1.x"}
    assert post(shop, sent, X_Conversion_Token=token(shop)).status_code == 201
    assert post(shop, sent, X_Conversion_Token=" ").status_code == 401


def test_no_token_is_an_invalid_one(shop):
    assert refused(post(shop)) == (401, "INVALID_CONVERSION_TOKEN")


def signed(*secrets):
    made = ConversionTokens(secrets).issue(session_id="s-1", agent_id="savoir", now=NOW)
    return made.text


FORGED = {
    "of another slug": lambda shop: token(shop, slug="other"),
    "of another session": lambda shop: token(shop, session_id="s-2"),
    "of a session that ends in this agent": lambda shop: token(shop, session_id="s-1|savoir", slug=""),
    "truncated": lambda shop: token(shop)[:-1],
    "truncated to its time": lambda shop: token(shop).split(".")[0],
    "with another signature": lambda shop: token(shop)[:-43] + "A" * 43,
    "with another last character": lambda shop: token(shop)[:-1] + ("B" if token(shop)[-1] != "B" else "C"),
    "with a later time": lambda shop: "9" + token(shop)[1:],
    "of an unknown secret": lambda shop: signed("a secret that nobody knows"),
    "rubbish": lambda shop: "\N{GRINNING FACE}.é\u202e" + "\u0663" * 40,
    "a time of 5,000 digits": lambda shop: "9" * 5_000 + token(shop)[10:],
    "a signed time": lambda shop: "-" + token(shop),
    "full-width digits": lambda shop: "\uff11" + token(shop)[1:],
    "three parts": lambda shop: token(shop) + ".x",
    "a dot": lambda shop: ".",
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED)
def test_a_token_that_is_not_for_this_is_refused(shop, make):
    for answer in with_token(shop, make(shop)):
        assert refused(answer) == (401, "INVALID_CONVERSION_TOKEN")
    assert stored(shop) == []


def test_a_token_is_good_for_a_day_and_half_a_minute_and_not_a_second_longer(shop, clock):
    text = token(shop)
    clock.advance(DAY_MS + 30_000)
    assert [answer.status_code for answer in with_token(shop, text)] == [201, 200]
    clock.advance(1_000)
    for answer in with_token(shop, text):
        assert refused(answer) == (401, "CONVERSION_TOKEN_EXPIRED")


def test_a_retired_secret_is_good_while_it_is_listed_and_then_no_more(shop, make_sandbox, tmp_path):
    assert post(shop, X_Conversion_Token=signed(OLD)).status_code == 201
    later = make_sandbox(database=str(tmp_path / "later.sqlite3"), secret_key=[NEW])
    sell(later)
    assert refused(post(later, X_Conversion_Token=signed(OLD))) == (401, "INVALID_CONVERSION_TOKEN")
    assert post(later, X_Conversion_Token=signed(NEW)).status_code == 201


@pytest.mark.parametrize("written", [rb'"\ud83d"', rb'"\udc00.\udc00"', rb'"a\u0000"'])
def test_half_a_pair_and_nul_are_no_json(shop, written):
    raw = json.dumps(BOUGHT).encode()[:-1] + b',"conversionToken":' + written + b"}"
    answer = stranger(shop).post(TRACK, data=raw, content_type="application/json")
    assert refused(answer) == (400, "INVALID_REQUEST")


def test_bytes_that_are_no_text_are_refused_in_a_header(shop):
    for raw in ("\xff\xfe.\x80", "ÿ" * 44, token(shop)[:-1] + "\xe9"):
        assert refused(post(shop, X_Conversion_Token=raw)) == (401, "INVALID_CONVERSION_TOKEN")


# --- what was bought


@pytest.mark.parametrize("product", ["p_9", "p_0", "P_1"])
def test_a_product_that_the_agent_does_not_sell_is_not_found(shop, product):
    answer = post(shop, {**BOUGHT, "productId": product}, X_Conversion_Token=token(shop))
    assert refused(answer) == (404, "NOT_FOUND")


def test_an_agent_that_there_is_not_is_not_found(shop):
    for slug in ("nobody", "%00", "a%00b", "%ED%A0%80", "\N{GRINNING FACE}", "SAVOIR", "a%2Fb", "x" * 5_000):
        path = f"/api/public/agents/{slug}/track-conversion"
        answer = post(shop, path=path, X_Conversion_Token=token(shop))
        assert refused(answer) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("19.99", "19.99"),
        ('"19.99"', "19.99"),
        ("0.1", "0.10"),
        ("0", "0.00"),
        ("80", "80.00"),
        ("0.0001", "0.0001"),
        ("123456789012.3456", "123456789012.3456"),
        ("999999999999.9999", "999999999999.9999"),
    ],
)
def test_an_amount_is_kept_to_the_digit(shop, written, value):
    raw = json.dumps(BOUGHT).replace('"19.99"', written)
    answer = stranger(shop, X_Conversion_Token=token(shop)).post(
        TRACK, data=raw, content_type="application/json"
    )
    assert answer.status_code == 201
    assert stored(shop)[0]["value"] == value


@pytest.mark.parametrize(
    "written",
    [
        *("-0.01", "1.00001", "1e300", "1e400", "NaN", "Infinity", "1e-5", "1000000000000", "9" * 5_000),
        *('"1e3"', '"-1"', '"NaN"', "null", "true", "[]", '""', '"' + "9" * 5_000 + '"'),
    ],
)
def test_an_absurd_amount_is_400(shop, written):
    raw = json.dumps(BOUGHT).replace('"19.99"', written)
    answer = stranger(shop, X_Conversion_Token=token(shop)).post(
        TRACK, data=raw, content_type="application/json"
    )
    assert refused(answer)[0] == 400
    assert stored(shop) == []


@pytest.mark.parametrize("currency", ["eur", "EURO", "BTC", "XXX", "XTS", "", None, 978])
def test_another_currency_is_400(shop, currency):
    answer = post(shop, {**BOUGHT, "currency": currency}, X_Conversion_Token=token(shop))
    assert refused(answer)[0] == 400


@pytest.mark.parametrize("field", BOUGHT)
def test_every_field_is_needed(shop, field):
    sent = {name: value for name, value in BOUGHT.items() if name != field}
    answer = post(shop, sent, X_Conversion_Token=token(shop))
    assert refused(answer) == (400, "MISSING_REQUIRED_FIELD")
    assert field in answer.json["message"]


def test_a_field_that_nobody_knows_is_no_fault(shop):
    assert post(shop, {**BOUGHT, "cart": [1.5, None]}, X_Conversion_Token=token(shop)).status_code == 201


@pytest.mark.parametrize("session", ["a|b.c", "%7C", "ü\N{GRINNING FACE}", "x" * 512, " ", "'; --"])
def test_a_session_may_have_any_name(shop, session):
    sent = {**BOUGHT, "sessionId": session, "conversionToken": token(shop, session_id=session)}
    assert post(shop, sent).status_code == 201
    assert stored(shop)[0]["sessionId"] == session
