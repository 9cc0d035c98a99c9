"""A conversion is counted once, for whoever has a right to it, and with the money that was told first."""

from __future__ import annotations

import pytest

from precog.core import administration, callers, conversions
from precog.core.conversions import Behind, Filter
from precog.errors import ConversionTokenExpired, InvalidConversionToken, NotFound
from precog.storage import catalogs
from tests.conftest import NOW
from tests.parallel import in_processes, in_threads
from tests.selling import caller, sell, token, told, track, visitor

DAY_MS = 86_400_000


@pytest.fixture
def services(sandbox):
    sell(sandbox, "savoir", "p_1", "p_2")
    sell(sandbox, "other", "p_9")
    return sandbox.services


@pytest.fixture
def organization_id(sandbox):
    return sandbox.organization_id


def kept(services, organization_id, **only):
    return services.db.read(
        lambda tx: conversions.conversions.page(tx, organization_id, Filter(**only), limit=100)
    )


def test_a_conversion_is_stored_as_it_was_told(services, organization_id):
    tracked = track(services, visitor(services, agent_id="bot"))
    (row,) = kept(services, organization_id)
    assert conversions.is_conversion_id(tracked.id)
    assert (row.id, tracked.repeated) == (tracked.id, False)
    assert (row.catalog, row.session_id, row.product_id) == ("savoir", "s-1", "p_1")
    assert (row.value_e4, row.currency, row.created_at) == (199_900, "EUR", NOW)
    assert (row.tier, row.caller_agent_id, row.caller_id) == ("identified", "agent:bot", None)
    assert (row.revenue_share_e2, row.share_e4) == (None, None)


def test_a_repeat_is_the_first_one_whatever_else_it_says(services, organization_id, clock):
    first = track(services)
    clock.advance(1_000)
    again = track(services, value_e4=1, currency="USD")
    assert (again.id, again.repeated) == (first.id, True)
    (row,) = kept(services, organization_id)
    assert (row.value_e4, row.currency, row.created_at) == (199_900, "EUR", NOW)


@pytest.mark.parametrize("changed", [{"session_id": "s-2"}, {"product_id": "p_2"}])
def test_another_session_or_product_is_another_conversion(services, organization_id, changed):
    assert track(services).id != track(services, **changed).id
    assert len(kept(services, organization_id)) == 2


def test_another_sender_is_another_conversion(services, organization_id):
    made = caller(services)
    senders = [
        visitor(services),
        visitor(services, agent_id="one"),
        visitor(services, agent_id="two"),
        visitor(services, caller_key=made.key),
    ]
    assert not any(track(services, who).repeated for who in senders)
    assert len(kept(services, organization_id)) == 4


def test_a_caller_with_many_names_is_one_sender(services, organization_id):
    made = caller(services)
    names = [None, made.caller.id, "another", "somebody-else-3f2a1c"]
    told_by = [visitor(services, caller_key=made.key, agent_id=name) for name in names]
    assert [track(services, who).repeated for who in told_by] == [False, True, True, True]
    (row,) = kept(services, organization_id)
    assert row.caller_id == row.caller_agent_id == made.caller.id
    assert row.tier == "standard"


def test_whoever_calls_itself_as_a_caller_does_takes_nothing_of_it(services, organization_id):
    made = caller(services, tier="partner", percent_e2=12_50)
    names = [made.caller.id, f"agent:{made.caller.id}"]
    others = [track(services, visitor(services, agent_id=name), value_e4=0) for name in names]
    own = track(services, visitor(services, caller_key=made.key))
    assert [told.repeated for told in (*others, own)] == [False] * 3
    rows = {row.id: row for row in kept(services, organization_id)}
    assert [conversions.sender_of(rows[told.id]) for told in others] == names
    assert [rows[told.id].caller_id for told in others] == [None, None]
    row = rows[own.id]
    assert (row.caller_id, conversions.sender_of(row)) == (made.caller.id, made.caller.id)
    assert (row.value_e4, row.share_e4) == (199_900, 24_988)


def test_a_share_is_of_what_the_organization_sells_that_granted_it(sandbox, services, organization_id, clock):
    clock.advance(1)  # the oldest organization registers callers
    other = administration.create_organization(services, "Other", "ENTERPRISE")
    sell(sandbox, "elsewhere", "p_8", organization_id=other.id)
    made = caller(services, tier="partner", percent_e2=50_00)
    assert made.caller.organization_id == organization_id
    who = visitor(services, caller_key=made.key)
    track(services, who)
    track(services, who, slug="elsewhere", product_id="p_8")
    ours, theirs = kept(services, organization_id)[0], kept(services, other.id)[0]
    assert (ours.revenue_share_e2, ours.share_e4) == (50_00, 99_950)
    assert (theirs.revenue_share_e2, theirs.share_e4) == (None, None)
    assert (theirs.caller_id, theirs.tier) == (made.caller.id, "partner")


def test_a_partner_has_its_share_at_the_rate_of_that_moment(services, organization_id):
    made = caller(services, tier="partner", percent_e2=12_50)
    who = visitor(services, caller_key=made.key)
    track(services, who)
    callers.grant(services, None, made.caller.id, tier="partner", revenue_share_e2=33_33)
    track(services, who, product_id="p_2", value_e4=1)
    callers.grant(services, None, made.caller.id, tier="elevated")
    track(services, who, session_id="s-2")
    third, second, first = sorted(
        kept(services, organization_id), key=lambda row: (row.session_id, row.product_id), reverse=True
    )
    assert (first.tier, first.revenue_share_e2, first.share_e4) == ("partner", 12_50, 24_988)
    assert (second.tier, second.revenue_share_e2, second.share_e4) == ("partner", 33_33, 0)
    assert (third.tier, third.revenue_share_e2, third.share_e4) == ("elevated", None, None)


def test_64_at_once_are_one_conversion(services, organization_id):
    what = told(services)
    who = visitor(services, agent_id="bot")
    tracked = in_threads(64, lambda number: conversions.track(services, who, what))
    assert sorted(one.repeated for one in tracked) == [False] + [True] * 63
    (row,) = kept(services, organization_id)
    assert {one.id for one in tracked} == {row.id}


IN_A_PROCESS = """
from concurrent.futures import ThreadPoolExecutor
from precog.core import conversions, services
from precog.core.conversions import Told
from precog.core.visitors import Visitor

database, token, now = arguments
here = services.build(database=database, pepper="p", clock=lambda: int(now), unauthenticated_per_minute=9,
                      background_analysis=False, secret_keys=["a secret of both processes"])
bot = Visitor("identified", None, "bot", "192.0.2.7")
told = Told("savoir", "s-1", "p_1", 199_900, "EUR", token)
go()
with ThreadPoolExecutor(32) as pool:
    for tracked in pool.map(lambda number: conversions.track(here, bot, told), range(32)):
        print(tracked.id, tracked.repeated)
here.close()
"""


def test_two_processes_count_it_once(make_sandbox, database_url):
    made = make_sandbox(database=database_url, secret_key=["a secret of both processes"])
    sell(made)
    printed = in_processes(2, IN_A_PROCESS, database_url, token(made), str(NOW))
    tracked = [line.split() for text in printed for line in text.splitlines()]
    assert sorted(repeated for _, repeated in tracked) == ["False"] + ["True"] * 63
    (row,) = kept(made.services, made.organization_id)
    assert {id for id, _ in tracked} == {row.id}


@pytest.mark.parametrize("product", ["p_9", "p_0", "", "p_1 "])
def test_a_product_of_another_agent_or_of_none_is_not_there(services, organization_id, product):
    with pytest.raises(NotFound, match="product"):
        track(services, product_id=product)
    assert kept(services, organization_id) == []


def test_an_agent_that_is_not_there_has_no_conversions(services):
    with pytest.raises(NotFound, match="agent"):
        track(services, slug="nobody")
    with pytest.raises(NotFound, match="agent"):
        track(services, slug="nobody", token="1.x")


def test_what_an_agent_recommended_is_taken_after_its_removal_while_the_token_is_good(
    services, organization_id, clock
):
    first, token = track(services), told(services).token
    services.db.write(catalogs.remove, organization_id, "savoir", now=NOW)
    assert track(services, token=token).id == first.id
    assert not track(services, product_id="p_2", token=token).repeated
    assert len(kept(services, organization_id)) == 2
    with pytest.raises(NotFound, match="agent"):
        track(services, product_id="p_0", token=token)
    with pytest.raises(NotFound, match="agent"):
        track(services, product_id="p_2", token="1.x")
    clock.advance(DAY_MS + 30_001)
    with pytest.raises(ConversionTokenExpired):
        track(services, product_id="p_2", token=token)


def test_a_token_is_asked_for_before_anything_is_stored(services, organization_id, clock):
    token = told(services).token
    for changed in ({"session_id": "s-2"}, {"slug": "other", "product_id": "p_9"}, {"token": token[:-1]}):
        with pytest.raises(InvalidConversionToken):
            track(services, **{"token": token, **changed})
    clock.advance(DAY_MS + 30_001)
    with pytest.raises(ConversionTokenExpired):
        track(services, token=token)
    assert kept(services, organization_id) == []


def test_ids_sort_by_time(services, organization_id, clock):
    ids = []
    for number in range(5):
        ids.append(track(services, session_id=f"s-{number}").id)
        clock.advance(1)
    assert ids == sorted(ids)
    assert [row.id for row in kept(services, organization_id)] == ids[::-1]
    assert conversions.first_id(NOW) < ids[0] < conversions.first_id(NOW + 1) < ids[1]


def test_sums_are_exact_beyond_what_63_bits_hold(services, organization_id):
    most = 10**16 - 1
    assert 1_000 * most > 2**63
    what = told(services)
    services.db.write(_many, organization_id, 1_000, most)
    total, = services.db.read(
        lambda tx: conversions.conversions.totals(
            tx, organization_id, Filter(), by="all", after=Behind(), limit=9
        )
    )  # fmt: skip
    assert what.currency == total.currency
    assert (total.conversions, total.value_e4, total.share_e4) == (1_000, 1_000 * most, 1_000 * most)


def _many(tx, organization_id, count, value_e4):
    for number in range(count):
        assert conversions.conversions.add(
            tx,
            id=f"conv-{number:028x}",
            catalog="savoir",
            session_id=f"s-{number}",
            product_id="p_1",
            caller_agent_id="",
            caller_id=None,
            value_e4=value_e4,
            currency="EUR",
            tier="partner",
            granted_by=organization_id,
            revenue_share_e2=100_00,
            share_e4=value_e4,
            created_at=NOW,
        )


def test_another_organization_sees_nothing(services, organization_id):
    track(services)
    assert kept(services, "org-another") == []
    assert len(kept(services, organization_id)) == 1
