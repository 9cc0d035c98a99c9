"""`precog audit`: whether the log is whole, and what to keep in order to know that later."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner

from precog import create_app
from precog.cli import main

from .auditing import begin_anew, write
from .test_cli import ask, refusal, run
from .test_cli import elsewhere as elsewhere  # each test in a folder of its own


@pytest.fixture(autouse=True)
def organization(elsewhere: None) -> str:
    """An organization with a chain of five."""
    id = ask("init")["organization"]["id"]
    services = create_app({"background_analysis": False}).extensions["precog"]
    try:
        begin_anew(services.db)
        write(services.db, id, 5)
    finally:
        services.close()
    return id


def behind_its_back(*statements: str) -> None:
    connection = sqlite3.connect("instance/precog.sqlite3")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def cut_off() -> None:
    """Remove the two newest entries, and every trace that there were more."""
    behind_its_back(
        "DELETE FROM audit_entries WHERE sequence_number > 3",
        "UPDATE audit_heads SET sequence_number = 3, entry_hash ="
        " (SELECT entry_hash FROM audit_entries WHERE sequence_number = 3)",
    )


def test_where_the_log_cannot_be_written_on_a_command_says_so(organization):
    behind_its_back("UPDATE audit_heads SET sequence_number = 3")
    sentence = "The audit log is not as it was written: see precog audit verify."
    assert refusal("org", "set-plan", organization, "FREE") == sentence
    behind_its_back("UPDATE audit_entries SET event_type = CAST(x'ff' AS TEXT) WHERE sequence_number = 2")
    assert "Entry 2 is not what its hash was made of" in run("audit", "verify").stdout


def test_a_whole_chain_is_said_to_be_whole(organization):
    assert run("audit", "verify").stdout == "5 entries, 1 to 5: unbroken.\n"
    assert ask("audit", "verify", "--org", organization, "--from", "4") == {
        "is_valid": True,
        "entries_verified": 2,
        "first_entry_sequence": 4,
        "last_entry_sequence": 5,
        "errors": [],
    }


def test_what_is_wrong_is_told_and_the_status_says_so():
    behind_its_back("UPDATE audit_entries SET agent = 'x' WHERE sequence_number = 2")
    done = run("audit", "verify")
    assert done.exit_code == 1
    assert done.stdout == "5 entries, 1 to 5: NOT as written.\nEntry 2 is not what its hash was made of\n"
    assert run("audit", "verify", "--json").exit_code == 1


def test_a_checkpoint_shows_that_the_end_was_cut_off():
    Path("kept").write_text(run("audit", "checkpoint").stdout)
    assert run("audit", "verify", "--checkpoint", "kept").exit_code == 0
    cut_off()
    assert run("audit", "verify").exit_code == 0
    done = run("audit", "verify", "--checkpoint", "kept")
    assert done.exit_code == 1
    assert "Entry 5 is missing, which the checkpoint of" in done.stdout


def test_a_checkpoint_may_come_from_the_standard_input():
    kept = run("audit", "checkpoint").stdout
    cut_off()
    done = CliRunner().invoke(main, ["audit", "verify", "--checkpoint", "-"], input=kept)
    assert (done.exit_code, "Entry 5 is missing" in done.stdout) == (1, True)


def test_anybody_can_verify_a_checkpoint_by_the_public_key(organization):
    found = ask("audit", "checkpoint")
    payload = jwt.decode(found["checkpoint"], found["public_key"], algorithms=["EdDSA"])
    assert (payload["seq"], payload["org"]) == (5, organization)


def test_of_several_organizations_one_is_named(organization):
    other = ask("org", "create", "Other")["id"]
    assert run("audit", "verify").exit_code == 2
    assert ask("audit", "verify", "--org", other)["entries_verified"] == 1  # its own beginning
    Path("kept").write_text(run("audit", "checkpoint", "--org", organization).stdout)
    assert refusal("audit", "verify", "--org", other, "--checkpoint", "kept") == (
        "checkpoint: expected checkpoint of this organization."
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a.b.c", b"x" * 10_000])
def test_what_is_no_checkpoint_is_refused_in_a_sentence(content):
    Path("kept").write_bytes(content)
    assert refusal("audit", "verify", "--checkpoint", "kept") == (
        "checkpoint: expected one that this server signed."
    )


def test_a_chain_that_does_not_end_where_it_must_is_not_signed():
    behind_its_back("DELETE FROM audit_entries WHERE sequence_number = 5")
    assert refusal("audit", "checkpoint").startswith("The chain is not as it was written")
