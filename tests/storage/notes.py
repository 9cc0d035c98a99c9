"""The least that can be kept in a database and asked of it."""

from __future__ import annotations

from precog.storage.engine import Database

NOTE = "INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 0)"


def note(db: Database, name: str) -> None:
    db.write(lambda tx: tx.run(NOTE, name=name))


def names(db: Database) -> set[str]:
    return db.read(lambda tx: {row["name"] for row in tx.all("SELECT name FROM readiness_probes")})
