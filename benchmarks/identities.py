"""How fast agents get keys and tokens, and how fast the log of what was changed is written and verified.

First in this process, from 1 and from 16 threads: agents made with a key pair, tokens issued for a secret,
access tokens verified, audit entries appended to one chain; what is written is on disk each time. Then a long
chain, made in bulk, is verified by `precog audit verify` in a process of its own, whose time and memory are
beside those of verifying an empty one. At last agents are made and tokens issued and looked at over HTTP,
driven by wrk over 1 and 16 connections in turn with a bare Flask echo, in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _servers as servers

from precog import create_app
from precog.core import administration, audit, identities, tokens
from precog.core.identities import Wanted
from precog.core.keys import Caller
from precog.core.services import Services
from precog.core.tokens import Asking
from precog.storage.audit import Entry, Head, head
from precog.storage.engine import Transaction

ASKING = Asking(issuer="http://127.0.0.1:8700", address="192.0.2.1")
ROWS_A_STATEMENT = 50
STATEMENTS_A_TRANSACTION = 200
COLUMNS = (
    "organization_id",
    "sequence_number",
    "id",
    "previous_hash",
    "entry_hash",
    "event_type",
    "agent",
    "session_id",
    "transaction_id",
    "metadata",
    "created_at",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3_000, help="of each thing that is done one by one")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the chain that is verified")
    parser.add_argument("--seconds", type=int, default=5, help="of load a measurement; 0 leaves HTTP out")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are told")
    parser.add_argument("--database", help="postgresql://…, an empty database; else SQLite")
    options = parser.parse_args()
    print(servers.machine())
    with tempfile.TemporaryDirectory(prefix="precog-bench-") as folder:
        for line in measure(Path(folder) / "instance", options):
            print(line, flush=True)


def measure(instance: Path, options: argparse.Namespace) -> Iterator[str]:
    """The lines to print."""
    key = servers.new_key(instance, options.database, "certusordo")
    settings = {"instance": instance, "database": options.database, "background_analysis": False}
    services: Services = create_app(settings).extensions["precog"]
    try:
        yield f"\n{'':<34}{'a second':>12}"
        one = Agent.of(services, key)
        for name, do in one.deeds(services).items():
            for threads in (1, 16):
                rate = a_second(do, options.count, threads)
                yield f"  {f'{name}, {threads} threads':<32}{rate:>12,.0f}"
        owners = [administration.create_organization(services, name, "FREE").id for name in ("none", "long")]
        before = time.perf_counter()
        fill(services, owners[1], options.entries)
        yield f"\n{options.entries:,} entries, made in {time.perf_counter() - before:.1f} s"
    finally:
        services.close()
    empty, whole = (verified(instance, options.database, owner) for owner in owners)
    assert whole.entries - empty.entries == options.entries
    spent = max(whole.seconds - empty.seconds, 0.001)
    yield (
        f"  verified in {spent:.1f} s ({options.entries / spent:,.0f} a second), "
        f"with {whole.peak_mb:.0f} MB at most (an empty one: {empty.peak_mb:.0f} MB)"
    )
    if options.seconds:
        yield from http_figures(instance, one, options)


@dataclass(frozen=True)
class Agent:
    """An agent, and the key of its organization."""

    key: str
    caller: Caller
    id: str
    secret: str
    token: str

    @classmethod
    def of(cls, services: Services, key: str) -> Agent:
        """A new one."""
        caller = services.authenticator.authenticate(key)
        made = identities.create(services, caller, Wanted("bench", ("payments:read",)))
        given = tokens.by_secret(services, ASKING, agent_id=made.identity.id, secret=made.secret)
        return cls(key, caller, made.identity.id, made.secret, given.access_token)

    def deeds(self, services: Services) -> dict[str, Callable[[], Any]]:
        """What is done again and again, by name."""
        wanted = Wanted("bench", ("payments:read", "payments:write"))
        return {
            "agent made": lambda: identities.create(services, self.caller, wanted),
            "token issued": lambda: tokens.by_secret(services, ASKING, agent_id=self.id, secret=self.secret),
            "token verified": lambda: tokens.agent_of(services, self.token),
            "audit append": lambda: services.db.write(
                audit.append, self.caller.organization_id, now=services.clock(), **facts()
            ),
        }


def a_second(do: Callable[[], Any], count: int, threads: int) -> float:
    """How often a second it is done."""
    each = max(1, count // threads)

    def work(_: int) -> None:
        for _ in range(each):
            do()

    before = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return each * threads / (time.perf_counter() - before)


def facts() -> dict[str, Any]:
    """What an entry tells, of the usual length."""
    return {
        "event_type": "transaction.committed",
        "agent_id": str(uuid.uuid4()),
        "session_id": str(uuid.uuid4()),
        "transaction_id": str(uuid.uuid4()),
        "metadata": {"action_type": "payment", "value_usd": "12.50"},
    }


# --- a long chain


def fill(services: Services, owner: str, count: int) -> None:
    """Make a chain longer by so many entries."""
    made = chain(owner, services.db.read(head, owner), count, services.clock())
    while services.db.write(put, [next(made, None) for _ in range(STATEMENTS_A_TRANSACTION)]):
        pass


def chain(owner: str, end: Head, count: int, now: int) -> Iterator[list[Entry]]:
    """The entries, each with its right hash, a statement's at a time."""
    previous, last = end.entry_hash, end.sequence_number + count
    batch: list[Entry] = []
    for number in range(end.sequence_number + 1, last + 1):
        told = {**facts(), "id": str(uuid.uuid4()), "created_at": now + number}
        told["metadata"] = audit.canonical_metadata(told["metadata"])
        entry = audit.sealed(owner, number, previous, told)
        previous = entry.entry_hash
        batch.append(entry)
        if len(batch) == ROWS_A_STATEMENT or number == last:
            yield batch
            batch = []


def put(tx: Transaction, batches: list[list[Entry] | None]) -> bool:
    """Store some of a chain; False when there was nothing to store any more."""
    last = None
    for batch in filter(None, batches):
        params = {
            f"{column}_{at}": getattr(entry, "agent_id" if column == "agent" else column)
            for at, entry in enumerate(batch)
            for column in COLUMNS
        }
        rows = ", ".join(
            f"({', '.join(f':{column}_{at}' for column in COLUMNS)})" for at in range(len(batch))
        )
        tx.run(f"INSERT INTO audit_entries ({', '.join(COLUMNS)}) VALUES {rows}", **params)
        last = batch[-1]
    if last is None:
        return False
    tx.run(
        "INSERT INTO audit_heads (organization_id, sequence_number, entry_hash) "
        "VALUES (:owner, :number, :hash) ON CONFLICT (organization_id) DO UPDATE "
        "SET sequence_number = excluded.sequence_number, entry_hash = excluded.entry_hash",
        owner=last.organization_id,
        number=last.sequence_number,
        hash=last.entry_hash,
    )
    return True


@dataclass(frozen=True)
class Verified:
    """What a verification saw, and what it took."""

    entries: int
    seconds: float
    peak_mb: float


def verified(instance: Path, database: str | None, owner: str) -> Verified:
    """Verify an organization's chain in a process of its own."""
    command = [sys.executable, "-m", "precog", "audit", "verify", "--json", "--org", owner]
    before = time.perf_counter()
    process = subprocess.Popen([*command, *servers.where(instance, database)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as said:
        found = json.load(said)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not found["is_valid"]:
        raise SystemExit(found["errors"])
    return Verified(found["entries_verified"], time.perf_counter() - before, usage.ru_maxrss / 1024)


# --- over HTTP


def http_figures(instance: Path, one: Agent, options: argparse.Namespace) -> Iterator[str]:
    """The lines to print about the server: throughput and latency."""
    bodies = {
        "echo": {"name": "bench", "scopes": ["payments:read"]},
        "/v1/agents": {"name": "bench", "scopes": ["payments:read"]},
        "/v1/auth/token": {"agent_id": one.id, "secret": one.secret},
        "/v1/auth/introspect": {"token": one.token},
    }
    with servers.echo() as echo, servers.precog(instance, options.database) as precog:
        yield f"\n{'':<34}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of the echo':>13}"
        for connections in (1, 16):
            found: dict[str, list[servers.Load]] = {name: [] for name in bodies}
            for _ in range(options.rounds):
                for name, body in bodies.items():
                    load = servers.post(
                        f"{echo}/echo" if name == "echo" else precog + name,
                        body=json.dumps(body),
                        key=one.key,
                        connections=connections,
                        seconds=options.seconds,
                        folder=instance,
                    )
                    found[name].append(load)
            yield from servers.compared(found, connections)


if __name__ == "__main__":
    main()
