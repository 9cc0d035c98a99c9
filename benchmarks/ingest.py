"""How fast `precog serve` takes telemetry, beside a bare Flask echo on the same server software.

Both are driven in turn, in one run, by wrk: single interactions of about 400 bytes over 1 and 16 connections,
with real keys, limits and commits, on SQLite and (when PRECOG_TEST_POSTGRES names a server) on PostgreSQL;
then batches of 500; then single ones again on a table of a million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import _servers as servers

INTERACTION = {
    "agentId": "bench-agent",
    "prompt": "What is your refund policy for orders that were placed last month?",
    "response": "Our policy allows returns within thirty days of delivery, provided the item is unused.",
    "metadata": {
        "timestamp": "2026-01-15T10:30:00Z",
        "model": "gpt-4",
        "platform": "custom",
        "tokens_used": 150,
    },
    "toolCalls": [{"name": "search", "input": {"q": "refund"}, "output": {"n": 3}}],
    "sessionId": "session-abcde",
}
BATCH = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of load a measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians are told")
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the large table; 0 leaves it out")
    parser.add_argument("--only", choices=["sqlite", "postgres"], help="one of the databases")
    options = parser.parse_args()
    print(servers.machine())
    print(f"an interaction of {len(json.dumps(INTERACTION))} bytes; medians of {options.rounds} runs\n")
    with tempfile.TemporaryDirectory(prefix="precog-bench-") as name:
        if options.only != "postgres":
            measure("SQLite", Path(name), None, options)
        postgres = os.environ.get("PRECOG_TEST_POSTGRES")
        if postgres and options.only != "sqlite":
            measure("PostgreSQL", Path(name) / "postgres", new_schema(postgres), options)


def new_schema(postgres: str) -> str:
    """The URL of an empty schema on the server."""
    import psycopg

    schema = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    return f"{postgres}{'&' if '?' in postgres else '?'}options=-csearch_path%3D{schema}"


def measure(title: str, folder: Path, database: str | None, options: argparse.Namespace) -> None:
    instance = folder / "instance"
    folder.mkdir(parents=True, exist_ok=True)
    key = servers.new_key(instance, database)
    print(f"{title}\n{'':<34}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of the echo':>13}")
    with servers.echo() as echo, servers.precog(instance, database) as precog:
        small = singles(echo, precog, key, folder, options, "empty table")
        batches(precog, key, folder, options)
    if database is None and options.rows:
        fill(instance / "precog.sqlite3", options.rows)
        with servers.echo() as echo, servers.precog(instance, database) as precog:
            large = singles(echo, precog, key, folder, options, f"{options.rows:,} rows")
        for connections, load in large.items():
            grown = load.p50_ms / small[connections].p50_ms
            print(f"  p50 at {connections:>2} connections, {options.rows:,} rows over empty: {grown:.2f}")
    print()


def singles(
    echo: str, precog: str, key: str, folder: Path, options: argparse.Namespace, table: str
) -> dict[int, servers.Load]:
    body = json.dumps(INTERACTION)
    found = {}
    for connections in (1, 16):
        drive = {"body": body, "key": key, "connections": connections, "folder": folder}
        ours, theirs = [], []
        for _ in range(options.rounds):
            theirs.append(servers.post(f"{echo}/echo", seconds=options.seconds, **drive))
            ours.append(servers.post(f"{precog}/api/v1/telemetry/ingest", seconds=options.seconds, **drive))
        yardstick, load = servers.median(theirs), servers.median(ours)
        tell(f"  echo, {connections} conn.", yardstick)
        tell(f"  ingest, {connections} conn., {table}", load, load.per_second / yardstick.per_second)
        found[connections] = load
    return found


def batches(precog: str, key: str, folder: Path, options: argparse.Namespace) -> None:
    body = json.dumps({"interactions": [INTERACTION] * BATCH})
    for connections in (1, 4):
        loads = [
            servers.post(
                f"{precog}/api/v1/telemetry/batch",
                body=body,
                key=key,
                connections=connections,
                seconds=options.seconds,
                folder=folder,
            )
            for _ in range(options.rounds)
        ]
        load = servers.median(loads)
        tell(f"  batches of {BATCH}, {connections} conn.", load)
        print(f"{'':<34}{load.per_second * BATCH:>12,.0f} interactions a second")


def tell(name: str, load: servers.Load, ratio: float | None = None) -> None:
    share = "" if ratio is None else f"{ratio:.2f}"
    print(f"{name:<34}{load.per_second:>12,.0f}{load.p50_ms:>9.2f}{load.p99_ms:>9.2f}{share:>13}", flush=True)


def fill(path: Path, rows: int) -> None:
    """Add so many rows like the first, each with an id of its own, in many sessions and of many users."""
    sql = f"""
    INSERT INTO interactions (organization_id, id, agent, platform, session_id, user_id, conversation_id,
                              prompt, response, metadata, tool_calls, extra, native, occurred_at,
                              received_at, analyzed_at)
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {rows}),
         one AS (SELECT * FROM interactions LIMIT 1)
    SELECT organization_id, 'int-' || printf('%012x', received_at - 1) || printf('%017x', n), agent, platform,
           'session-' || (n % 100000), 'user-' || (n % 10000), conversation_id, prompt, response, metadata,
           tool_calls, extra, native, occurred_at, received_at, received_at
    FROM counted, one;
    """
    subprocess.run([sys.executable, "-c", FILL, str(path), sql], check=True)


FILL = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.executescript(sys.argv[2])
"""


if __name__ == "__main__":
    main()
