"""A system's policy: every change is a version, none is lost, and no other organization sees it."""

from __future__ import annotations

import pytest

from precog.core import administration, policies
from precog.core.keys import Caller
from precog.core.policies import DEFAULT_POLICY, Patch, PolicyVersion, System
from precog.detection.findings import CATEGORIES
from precog.detection.policy import Thresholds
from precog.errors import AlreadyExists, NotFound, VersionConflict, WrongValue
from tests.conftest import Sandbox
from tests.parallel import in_processes, in_threads


def caller_of(sandbox: Sandbox) -> Caller:
    return sandbox.services.authenticator.authenticate(sandbox.first.keys["precogx"].secret)


def system_of(sandbox: Sandbox) -> str:
    return sandbox.first.system.id


def change(sandbox: Sandbox, *, expected: int | None = None, **patch: object) -> PolicyVersion:
    return policies.change(
        sandbox.services,
        caller_of(sandbox),
        system_of(sandbox),
        Patch(**patch),  # type: ignore[arg-type]
        expected_version=expected,
    )


def elsewhere(sandbox: Sandbox) -> System:
    """The system of another organization."""
    other = administration.create_organization(sandbox.services, "Other", "FREE")
    return policies.find(sandbox.services, other.id, "default")


# --- systems


def test_systems_are_listed_by_name(sandbox: Sandbox) -> None:
    for name in ("b", " a "):
        policies.create_system(sandbox.services, sandbox.organization_id, name)
    elsewhere(sandbox)

    def names(**page: object) -> list[str]:
        found = policies.page(sandbox.services, sandbox.organization_id, **page)  # type: ignore[arg-type]
        return [system.name for system in found]

    assert names(after="", limit=10) == ["a", "b", "default"]
    assert names(after="a", limit=1) == ["b"]


def test_a_name_that_is_taken_is_refused_and_another_organization_may_have_it(sandbox: Sandbox) -> None:
    with pytest.raises(AlreadyExists):
        policies.create_system(sandbox.services, sandbox.organization_id, "default")
    assert elsewhere(sandbox).name == "default"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_name_can_be_seen_and_is_not_endless(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(WrongValue):
        policies.create_system(sandbox.services, sandbox.organization_id, name)


def test_what_is_one_systems_id_and_anothers_name_means_the_id(sandbox: Sandbox) -> None:
    policies.create_system(sandbox.services, sandbox.organization_id, system_of(sandbox))
    found = policies.find(sandbox.services, sandbox.organization_id, system_of(sandbox))
    assert found.id == system_of(sandbox)


# --- versions


def test_a_system_begins_with_the_default_policy_at_version_1(sandbox: Sandbox) -> None:
    found = policies.current(sandbox.services, sandbox.organization_id, system_of(sandbox))
    assert found == (DEFAULT_POLICY, 1)
    left_out = set(CATEGORIES) - DEFAULT_POLICY.detection.enforced
    assert left_out == {"pii_leakage", "toxicity"}


def test_a_change_makes_the_next_version_and_leaves_the_rest_as_it_was(sandbox: Sandbox) -> None:
    change(sandbox, enforce={"toxicity": True, "jailbreak": False}, requests_per_minute=60)
    sandbox.clock.advance(5)
    made = change(sandbox, expected_languages=("de", "pt-BR"), thresholds={"toxicity": Thresholds(0.5, 1)})
    assert (made.version, made.updated_at) == (3, sandbox.clock())
    assert made.key_id == sandbox.first.keys["precogx"].record.id
    assert made.policy.requests_per_minute == 60
    assert made.policy.detection.enforced == DEFAULT_POLICY.detection.enforced - {"jailbreak"} | {"toxicity"}
    found = policies.get(sandbox.services, sandbox.organization_id, system_of(sandbox))
    assert found == made


def test_none_takes_thresholds_and_rates_back(sandbox: Sandbox) -> None:
    change(sandbox, thresholds={"jailbreak": Thresholds(0.2, 0.3)}, requests_per_second=5)
    made = change(sandbox, thresholds={"jailbreak": None}, requests_per_second=None)
    assert (made.version, made.policy) == (3, DEFAULT_POLICY)


def test_a_patch_that_changes_nothing_makes_no_version(sandbox: Sandbox) -> None:
    assert change(sandbox, enforce={"jailbreak": True}, mask=False).version == 1
    assert change(sandbox, mask=True).version == 2
    assert change(sandbox, mask=True).version == 2


def test_the_history_has_every_version_newest_first(sandbox: Sandbox) -> None:
    for mask in (True, False, True):
        change(sandbox, mask=mask)

    def versions(**page: int) -> list[tuple[int, bool]]:
        found = policies.history(sandbox.services, sandbox.organization_id, system_of(sandbox), **page)
        return [(one.version, one.policy.detection.mask) for one in found]

    assert versions(limit=10) == [(4, True), (3, False), (2, True), (1, False)]
    assert versions(limit=2) == [(4, True), (3, False)]
    assert versions(before=3, limit=2) == [(2, True), (1, False)]
    assert versions(before=1, limit=2) == []


def test_a_version_is_found_by_its_number(sandbox: Sandbox) -> None:
    made = [change(sandbox, mask=mask) for mask in (True, False)]

    def version(number: int) -> PolicyVersion:
        return policies.get(sandbox.services, sandbox.organization_id, system_of(sandbox), version=number)

    assert (version(2), version(3)) == tuple(made)
    assert version(1).policy == DEFAULT_POLICY
    for number in (0, 4):
        with pytest.raises(NotFound, match="version"):
            version(number)


def test_the_operator_changes_any_system(sandbox: Sandbox) -> None:
    made = policies.change(sandbox.services, None, elsewhere(sandbox).id, Patch(strict=True))
    assert (made.version, made.key_id, made.policy.strict) == (2, None, True)


def test_another_organizations_system_is_not_there(sandbox: Sandbox) -> None:
    other = elsewhere(sandbox).id
    services, organization_id = sandbox.services, sandbox.organization_id
    for ask in (
        lambda: policies.get(services, organization_id, other),
        lambda: policies.history(services, organization_id, other, limit=1),
        lambda: policies.find(services, organization_id, other),
        lambda: services.policies.get(organization_id, other),
        lambda: policies.change(services, caller_of(sandbox), other, Patch(strict=True)),
    ):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize(
    "patch",
    [
        {"enforce": {"rudeness": True}},
        {"thresholds": {"rudeness": None}},
        {"thresholds": {"jailbreak": Thresholds(0, 0.5)}},
        {"thresholds": {"jailbreak": Thresholds(0.6, 0.5)}},
        {"thresholds": {"jailbreak": Thresholds(0.6, 1.1)}},
        {"thresholds": {"jailbreak": Thresholds(float("nan"), 1)}},
        {"failure_mode": "fail_often"},
        {"expected_languages": ("de",) * 33},
        {"expected_languages": ("d",)},
        {"expected_languages": ("de_DE",)},
        {"expected_languages": ("en\n",)},
        {"expected_languages": ("abc-" + "x-" * 16 + "x",)},
        {"requests_per_second": 0},
        {"requests_per_minute": -1},
    ],
)
def test_what_no_policy_may_say_is_refused_and_makes_no_version(sandbox: Sandbox, patch: dict) -> None:
    with pytest.raises(WrongValue):
        change(sandbox, **patch)
    assert policies.current(sandbox.services, sandbox.organization_id, system_of(sandbox))[1] == 1


# --- several at once


def test_of_changes_at_once_none_is_lost(sandbox: Sandbox) -> None:
    made = in_threads(
        len(CATEGORIES), lambda n: change(sandbox, thresholds={CATEGORIES[n]: Thresholds(0.1, 0.2)})
    )
    assert {one.version for one in made if isinstance(one, PolicyVersion)} == set(range(2, 9))
    policy, version = policies.current(sandbox.services, sandbox.organization_id, system_of(sandbox))
    assert (policy.detection.thresholds.keys(), version) == (set(CATEGORIES), 8)


def test_of_changes_of_one_expected_version_one_is_made(sandbox: Sandbox) -> None:
    made = in_threads(
        4, lambda n: change(sandbox, expected=1, thresholds={CATEGORIES[n]: Thresholds(0.1, 0.2)})
    )
    assert sum(isinstance(one, PolicyVersion) for one in made) == 1
    conflicts = [one for one in made if isinstance(one, VersionConflict)]
    assert [one.version for one in conflicts] == [2, 2, 2]


def test_a_change_that_loses_again_and_again_says_so(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "TRIES", 0)
    with pytest.raises(VersionConflict) as caught:
        change(sandbox, mask=True)
    assert caught.value.version == 1


CHANGE = """
import os
from precog.core import policies, services
from precog.core.times import wall_clock

database, system_id = arguments
here = services.build(database=database, pepper="p", clock=wall_clock, unauthenticated_per_minute=1)
go()
print(policies.change(here, None, system_id, policies.Patch(requests_per_second=os.getpid())).version)
here.close()
"""


def test_of_changes_of_several_processes_none_is_lost(sandbox: Sandbox, database_url: str) -> None:
    made = in_processes(3, CHANGE, database_url, system_of(sandbox))
    assert sorted(int(version) for version in made) == [2, 3, 4]
