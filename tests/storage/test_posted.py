"""Writes for whose end nobody waits."""

from __future__ import annotations

import logging

import pytest

from precog.storage.engine import Database, Transaction


def test_a_posted_write_is_made(db: Database) -> None:
    db.post(lambda tx: tx.run("INSERT INTO readiness_probes (name, probed_at) VALUES ('posted', 1)"))
    db.write(lambda tx: None)  # behind it in the queue
    assert db.read(lambda tx: tx.one("SELECT name FROM readiness_probes"))["name"] == "posted"


def test_a_posted_write_that_fails_is_logged_by_its_kind_alone(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(tx: Transaction) -> None:
        raise ValueError("a secret")

    with caplog.at_level(logging.WARNING):
        db.post(fail)
        db.write(lambda tx: None)
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text


def test_a_posted_write_that_comes_too_late_is_logged(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    db.close()
    db.post(lambda tx: None)
    assert "StorageUnavailable" in caplog.text
