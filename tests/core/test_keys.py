"""API keys: a mistyped one costs nothing, a kept one gives nothing away, and each says what it allows."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from precog.core import keys
from precog.core.keys import Authenticator
from precog.errors import InsufficientScope, NotFound, Unauthenticated, WrongValue
from precog.surfaces.key_kinds import PREFIXES
from tests.conftest import PEPPER, Sandbox
from tests.core.making import admits, make

ALPHABET = string.ascii_letters + string.digits + "_"


class Untouched:
    """A database that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")


# --- how they look


@pytest.mark.parametrize("prefix", PREFIXES.values())
def test_a_new_key_is_well_formed_and_has_160_random_bits(prefix: str) -> None:
    made = {keys.generate(prefix) for _ in range(100)}
    assert len(made) == 100
    assert all(key.startswith(prefix) and keys.is_well_formed(key) for key in made)
    random_part = min(len(key) for key in made) - len(prefix) - 6
    assert 62**random_part >= 2**160


@given(st.data(), st.sampled_from(sorted(PREFIXES.values())))
def test_a_key_with_one_other_character_is_refused_without_a_look_up(
    data: st.DataObject, prefix: str
) -> None:
    key = keys.generate(prefix)
    place = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.sampled_from(ALPHABET) | st.characters())
    assume(other != key[place])
    authenticator = Authenticator(Untouched(), pepper=PEPPER, clock=lambda: 0)  # type: ignore[arg-type]
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(key[:place] + other + key[place + 1 :])


@given(st.text() | st.text(ALPHABET, min_size=37, max_size=60))
def test_no_text_is_taken_for_a_key(text: str) -> None:
    authenticator = Authenticator(Untouched(), pepper=PEPPER, clock=lambda: 0)  # type: ignore[arg-type]
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(text)


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        Authenticator(Untouched(), pepper=PEPPER, clock=lambda: 0).authenticate(None)  # type: ignore[arg-type]


# --- how they are kept


def test_only_a_keyed_digest_is_kept(sandbox: Sandbox) -> None:
    made = make(sandbox)

    def everything(tx: Any) -> str:
        return repr([dict(row) for table in tx.tables() for row in tx.all(f"SELECT * FROM {table}")])

    kept = sandbox.services.db.read(everything)
    assert keys.digest(PEPPER, made.secret) in kept
    assert made.record.display in kept
    assert made.secret.startswith(made.record.display)
    assert made.secret[len("px_live_") + 5 :] not in kept


def test_no_file_holds_a_key(make_sandbox: Any, tmp_path: Path) -> None:
    sandbox = make_sandbox()
    secrets = [key.secret for key in sandbox.first.keys.values()]
    assert all(admits(sandbox.services, secret) for secret in secrets)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(sandbox.organization_id.encode() in content for content in files)
    assert not any(secret[12:].encode() in content for secret in secrets for content in files)


def test_another_pepper_knows_no_key(sandbox: Sandbox) -> None:
    other = Authenticator(sandbox.services.db, pepper="another pepper", clock=sandbox.clock)
    with pytest.raises(Unauthenticated):
        other.authenticate(sandbox.first.keys["precogx"].secret)


def test_services_do_not_show_the_pepper(sandbox: Sandbox) -> None:
    assert PEPPER not in repr(sandbox.services)


# --- whose they are, and what they allow


def test_a_key_tells_whose_it_is(sandbox: Sandbox) -> None:
    sandbox.set_plan("PROFESSIONAL")
    made = make(sandbox, scopes=frozenset({"read"}), system="default")
    caller = sandbox.services.authenticator.authenticate(made.secret)
    assert caller.organization_id == sandbox.organization_id
    assert caller.key_id == made.record.id
    assert caller.system_id == sandbox.first.system.id
    assert (caller.agent_limit, caller.rate.steady, caller.rate.burst) == (10, 1_000, 2_000)


def test_a_missing_scope_is_named(sandbox: Sandbox) -> None:
    caller = sandbox.services.authenticator.authenticate(make(sandbox, scopes=frozenset({"read"})).secret)
    caller.require("read")
    with pytest.raises(InsufficientScope) as caught:
        caller.require("telemetry")
    assert caught.value.needed == "telemetry"


@pytest.mark.parametrize("scopes", [{"all"}, {"read", "write"}, set()])
def test_a_scope_that_does_not_exist_is_refused(sandbox: Sandbox, scopes: set[str]) -> None:
    with pytest.raises(WrongValue):
        make(sandbox, scopes=frozenset(scopes))


def test_a_key_of_an_unknown_system_or_organization_is_not_made(sandbox: Sandbox) -> None:
    with pytest.raises(NotFound, match="system"):
        make(sandbox, system="unknown")
    with pytest.raises(NotFound, match="organization"):
        sandbox.key(organization_id="org-unknown")
