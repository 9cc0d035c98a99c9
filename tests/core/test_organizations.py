"""Who may make an organization, and what its keys see."""

from __future__ import annotations

import pytest

from precog.core import administration, organizations
from precog.core.administration import KeyRequest
from precog.core.keys import SCOPES
from precog.errors import Forbidden, NotFound, RateLimited, WrongValue
from tests.auditing import told
from tests.conftest import NOW
from tests.core.making import admits
from tests.identifying import operator
from tests.parallel import in_threads

REQUEST = KeyRequest(kind="precogx", prefix="px_live_", name="first key", scopes=frozenset(SCOPES))


@pytest.fixture
def services(sandbox, clock):
    clock.advance(1)  # the organization that runs the server is the oldest
    return sandbox.services


@pytest.fixture
def caller(sandbox):
    return operator(sandbox)


def create(services, founder, name="Acme", *, open_to=None):
    return organizations.create(services, founder, name, REQUEST, open_to=open_to)


def names(services):
    return [organization.name for organization in administration.list_organizations(services)]


def test_the_operator_makes_an_organization_with_a_key(services, caller):
    made = create(services, caller, "  Acme ")
    assert (made.organization.name, made.organization.plan) == ("Acme", "ENTERPRISE")
    assert made.organization.created_at == NOW + 1
    assert admits(services, made.key.secret)
    its = services.authenticator.authenticate(made.key.secret)
    assert organizations.own(services, its).organization == made.organization
    assert organizations.own(services, its).key_display == made.key.record.display


def test_an_admin_elsewhere_makes_none(services, caller):
    elsewhere = services.authenticator.authenticate(create(services, caller).key.secret)
    with pytest.raises(Forbidden):
        create(services, elsewhere, "Mine")
    assert names(services) == ["Default", "Acme"]


def test_a_key_without_admin_or_of_one_system_makes_none(services, sandbox):
    for key in (sandbox.key("agents", "read"), sandbox.key("admin", system="default")):
        with pytest.raises(Forbidden):
            create(services, services.authenticator.authenticate(key), "Mine")


def test_where_sign_up_is_open_anybody_makes_one_of_the_smallest_plan(services):
    made = create(services, None, open_to="192.0.2.7")
    assert made.organization.plan == "FREE"
    assert admits(services, made.key.secret)


def test_an_address_signs_up_a_few_times_an_hour(services, clock):
    def sign_up(number):
        return create(services, None, f"Acme {number}", open_to="192.0.2.7")

    found = in_threads(16, sign_up)
    assert sum(not isinstance(one, Exception) for one in found) == 10
    assert {type(one) for one in found if isinstance(one, Exception)} == {RateLimited}
    assert len(names(services)) == 11
    create(services, None, open_to="192.0.2.8")
    clock.advance(3_600_000)
    sign_up(17)


def test_the_operator_is_not_counted_where_sign_up_is_open(services, caller):
    made = [create(services, caller, f"Acme {number}", open_to="192.0.2.7") for number in range(12)]
    assert {one.organization.plan for one in made} == {"ENTERPRISE"}


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "two\nlines"])
def test_a_name_that_cannot_be_is_refused(services, caller, name):
    with pytest.raises(WrongValue):
        create(services, caller, name)
    assert names(services) == ["Default"]


def test_another_organization_is_not_there(services, caller):
    made = create(services, caller)
    for id in (made.organization.id, "org-0000000000000000"):
        with pytest.raises(NotFound):
            organizations.get(services, caller, id)
    assert organizations.get(services, caller, caller.organization_id).organization.name == "Default"


def test_that_it_was_made_is_the_first_entry_of_its_own_log(services, caller):
    made = create(services, caller)
    facts = {
        "name": "Acme",
        "plan": "ENTERPRISE",
        "key_id": made.key.record.id,
        "made_by_key_id": caller.key_id,
    }
    assert told(services.db, made.organization.id) == [("organization.created", facts)]
