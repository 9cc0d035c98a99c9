"""Outside agents register, are given tiers, and end; and what stays of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core import administration, callers
from precog.core.callers import Registered, Registration, share_from_text, share_to_text, slug_of
from precog.core.services import Services
from precog.core.times import HOUR_MS
from precog.errors import NotFound, PrecogError, RateLimited, WrongValue
from tests.auditing import begin_anew
from tests.conftest import NOW, Sandbox
from tests.parallel import in_threads

HERE = "192.0.2.1"


def register(sandbox: Sandbox, name: str = "Shop Bot", address: str = HERE) -> Registered:
    return callers.register(sandbox.services, Registration(name), address=address)


@pytest.fixture
def services(sandbox: Sandbox) -> Services:
    return sandbox.services


# --- registration


def test_a_caller_is_of_the_standard_tier_and_of_the_oldest_organization(
    sandbox: Sandbox, services: Services
) -> None:
    sandbox.clock.advance(1)
    administration.create_organization(services, "Younger", "ENTERPRISE")
    registration = Registration("Shop Bot", "bot@example.com", "Buys\nthings.")
    made = callers.register(services, registration, address=HERE).caller
    found, grants = callers.get(services, sandbox.organization_id, made.id)
    assert found == made
    assert (found.name, found.contact_email, found.description) == (
        "Shop Bot",
        "bot@example.com",
        "Buys\nthings.",
    )
    assert (found.tier, found.revenue_share_e2, found.created_at, found.revoked_at) == (
        "standard",
        None,
        NOW + 1,
        None,
    )
    assert grants == []


def test_a_key_is_kept_as_a_digest_and_by_its_first_characters(sandbox: Sandbox) -> None:
    made = register(sandbox)
    (row,) = sandbox.services.db.read(lambda tx: tx.all("SELECT * FROM callers"))
    assert made.key not in str(dict(row))
    assert row["key_display"] == made.key[:11]
    assert len(row["key_digest"]) == 64


def test_an_id_that_is_taken_is_tried_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter(["00000a", "00000a", "00000a", "00000b"])
    monkeypatch.setattr("precog.core.callers.secrets.token_hex", lambda size: next(ends))
    monkeypatch.setattr("precog.core.callers.generate_key", iter(["k1", "k2"]).__next__)
    assert [register(sandbox).caller.id for _ in range(2)] == ["shop-bot-00000a", "shop-bot-00000b"]


def test_without_a_free_id_nobody_is_registered(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    register_once = register(sandbox).caller.id
    monkeypatch.setattr("precog.core.callers.secrets.token_hex", lambda size: register_once[-6:])
    with pytest.raises(PrecogError):
        register(sandbox)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Personal Assistant", "my-personal-assistant"),
        ("  Ünïcode -- Bot!! 2.0 ", "unicode-bot-2-0"),
        ("購物助理", "agent"),
        ("---", "agent"),
        ("x" * 200, "x" * 60),
        ("a" * 59 + " b", "a" * 59),
        ("\uff26\uff35\uff2c\uff2c", "full"),
    ],
)
def test_a_slug_is_plain(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text(min_size=1))
def test_every_slug_fits_in_a_header_and_a_path(name: str) -> None:
    slug = slug_of(name)
    assert 1 <= len(slug) <= 60
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines", "bell\a", "\x1b[31mred", "\u202eabc"])
def test_a_name_that_cannot_be_shown_is_refused(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(WrongValue) as caught:
        register(sandbox, name)
    assert caught.value.field == "name"


def test_a_description_has_a_limit(services: Services) -> None:
    with pytest.raises(WrongValue) as caught:
        callers.register(services, Registration("Bot", description="x" * 2_001), address=HERE)
    assert caught.value.field == "description"


def test_an_address_registers_ten_in_an_hour(sandbox: Sandbox) -> None:
    sandbox.clock.advance(20 * 60_000)
    for _ in range(10):
        register(sandbox)
    with pytest.raises(RateLimited) as caught:
        register(sandbox)
    assert caught.value.reason == "10 registrations/hour exceeded for this address"
    assert caught.value.retry_after_ms == HOUR_MS - (NOW + 20 * 60_000) % HOUR_MS
    assert register(sandbox, address="192.0.2.2")
    sandbox.clock.advance(caught.value.retry_after_ms)
    assert register(sandbox)


def test_the_addresses_of_one_ipv6_network_register_together(sandbox: Sandbox) -> None:
    for number in range(10):
        register(sandbox, address=f"2001:db8::{number:x}")
    with pytest.raises(RateLimited):
        register(sandbox, address="2001:db8::ffff:1")
    assert register(sandbox, address="2001:db8:0:1::1")


def test_of_many_registrations_at_once_ten_succeed(sandbox: Sandbox) -> None:
    results = in_threads(16, lambda number: register(sandbox))
    assert sum(isinstance(result, Registered) for result in results) == 10
    assert sum(isinstance(result, RateLimited) for result in results) == 6
    kept = callers.page(sandbox.services, sandbox.organization_id, after="", limit=100)
    assert {result.caller.id for result in results if isinstance(result, Registered)} == {
        one.id for one in kept
    }


def test_a_server_of_nobody_registers_nobody(sandbox: Sandbox, services: Services) -> None:
    begin_anew(services.db)
    for table in ("system_policies", "api_keys", "systems", "organizations"):
        services.db.write(lambda tx, table=table: tx.run(f"DELETE FROM {table}"))
    with pytest.raises(NotFound):
        register(sandbox)


# --- tiers


def test_every_tier_that_was_given_is_kept_with_who_gave_it(sandbox: Sandbox, services: Services) -> None:
    caller_id = register(sandbox).caller.id
    admin = services.authenticator.authenticate(sandbox.key("admin"))
    steps = [
        (None, "elevated", None),
        (admin, "partner", 1_250),
        (admin, None, 700),
        (None, "standard", None),
    ]
    for by, tier, share in steps:
        sandbox.clock.advance(1_000)
        callers.grant(services, by, caller_id, tier=tier, revenue_share_e2=share)
    found, grants = callers.get(services, None, caller_id)
    assert (found.tier, found.revenue_share_e2) == ("standard", None)
    assert [(one.id, one.tier, one.revenue_share_e2, one.granted_at - NOW, one.key_id) for one in grants] == [
        (4, "standard", None, 4_000, None),
        (3, "partner", 700, 3_000, admin.key_id),
        (2, "partner", 1_250, 2_000, admin.key_id),
        (1, "elevated", None, 1_000, None),
    ]


def test_what_changes_nothing_is_not_in_the_history(sandbox: Sandbox, services: Services) -> None:
    caller_id = register(sandbox).caller.id
    callers.grant(services, None, caller_id, tier="standard")
    callers.grant(services, None, caller_id, tier="partner", revenue_share_e2=5)
    callers.grant(services, None, caller_id, tier="partner")
    found, grants = callers.get(services, None, caller_id)
    assert (found.tier, found.revenue_share_e2, len(grants)) == ("partner", 5, 1)


@pytest.mark.parametrize(
    ("tier", "share", "field"),
    [
        ("gold", None, "tier"),
        ("anonymous", None, "tier"),
        ("partner", None, "revenueShare"),
        ("partner", -1, "revenueShare"),
        ("partner", 100_01, "revenueShare"),
        ("elevated", 5, "revenueShare"),
        (None, 5, "revenueShare"),
    ],
)
def test_what_cannot_be_given_changes_nothing(
    sandbox: Sandbox, services: Services, tier: str | None, share: int | None, field: str
) -> None:
    made = register(sandbox).caller
    with pytest.raises(WrongValue) as caught:
        callers.grant(services, None, made.id, tier=tier, revenue_share_e2=share)
    assert caught.value.field == field
    assert callers.get(services, None, made.id) == (made, [])


def test_many_grants_at_once_are_all_in_the_history_one_after_the_other(
    sandbox: Sandbox, services: Services
) -> None:
    caller_id = register(sandbox).caller.id
    in_threads(
        16,
        lambda number: callers.grant(services, None, caller_id, tier="partner", revenue_share_e2=number),
    )
    found, grants = callers.get(services, None, caller_id)
    assert [one.id for one in grants] == list(range(16, 0, -1))
    assert sorted(one.revenue_share_e2 or 0 for one in grants) == list(range(16))
    assert found.revenue_share_e2 == grants[0].revenue_share_e2


@pytest.mark.parametrize(
    ("text", "share"),
    [("0", 0), ("100", 10_000), ("12.5", 1_250), ("7.25", 725), ("0.01", 1), ("100.00", 10_000)],
)
def test_a_percentage_has_two_decimals_at_most(text: str, share: int) -> None:
    assert share_from_text(text) == share
    assert share_from_text(share_to_text(share)) == share


@pytest.mark.parametrize(
    "text", ["", "100.01", "101", "-1", "1.234", "1e1", "nan", "\uff15", "1.", ".5", "1 ", "1,5"]
)
def test_any_other_percentage_is_refused(text: str) -> None:
    with pytest.raises(WrongValue):
        share_from_text(text)


# --- the end


def test_a_revoked_caller_stays_revoked_and_is_given_nothing(sandbox: Sandbox, services: Services) -> None:
    caller_id = register(sandbox).caller.id
    first = callers.revoke(services, None, caller_id)
    assert first.revoked_at == NOW
    sandbox.clock.advance(1_000)
    assert callers.revoke(services, None, caller_id) == first
    with pytest.raises(NotFound):
        callers.grant(services, None, caller_id, tier="elevated")


def test_another_organization_sees_and_changes_none_of_it(sandbox: Sandbox, services: Services) -> None:
    made = register(sandbox).caller
    other = administration.create_organization(services, "Other", "ENTERPRISE").id
    stranger = services.authenticator.authenticate(sandbox.key("admin", organization_id=other))
    with pytest.raises(NotFound):
        callers.get(services, other, made.id)
    with pytest.raises(NotFound):
        callers.grant(services, stranger, made.id, tier="elevated")
    with pytest.raises(NotFound):
        callers.revoke(services, stranger, made.id)
    assert callers.page(services, other, after="", limit=10) == []
    assert callers.get(services, None, made.id) == (made, [])
