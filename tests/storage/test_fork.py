"""A forked child's writes are as durable as any, whatever becomes of its parent."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.live import clean_environment

# The parent has written and read, forks, and then closes while the child goes on writing.
SCRIPT = """
import os, sys
from precog.storage import migrate
from precog.storage.engine import open_database

def add(tx, name):
    tx.run("INSERT INTO readiness_probes (name, probed_at) VALUES (:name, 1)", name=name)

db = open_database(sys.argv[1])
migrate.prepare(db, now=0)
db.write(add, "parent")
db.read(lambda tx: tx.all("SELECT * FROM readiness_probes"))
to_child, to_parent = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    db.write(add, "child before")
    os.write(to_parent[1], b".")
    os.read(to_child[0], 1)
    for number in range(4):
        db.write(add, f"child {number}")
    os.kill(os.getpid(), 9)
os.read(to_parent[0], 1)
db.close()
os.write(to_child[1], b".")
os.waitpid(child, 0)
"""


def test_what_a_child_wrote_is_there_though_its_parent_closed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "precog.sqlite3"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    with contextlib.closing(sqlite3.connect(path)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM readiness_probes ORDER BY name")]
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert names == ["child 0", "child 1", "child 2", "child 3", "child before", "parent"]
