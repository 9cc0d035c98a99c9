"""What was answered 200 is there, however often the server is killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path

from precog.storage import migrate
from precog.storage.engine import open_database

from .live import Server, precog_json, serving

SENDERS = 8
ANSWERS_A_LIFE = 200  # so many are waited for before the server is killed in the midst of more

LIVES = {"sqlite": 10, "postgres": 2}  # PostgreSQL itself is not killed

KEPT = "SELECT id, prompt FROM interactions"


@dataclass
class Sender:
    """Sends one interaction after the other; one that was not answered is sent again by the next life."""

    name: str
    count: int = 0
    answered: dict[str, str] = field(default_factory=dict)

    def send_until_killed(self, server: Server, key: str, answers: threading.Semaphore) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                prompt = f"{self.name} {self.count}"
                self.answered[self._send(connection, key, prompt)] = prompt
                self.count += 1
                answers.release()

    def _send(self, connection: http.client.HTTPConnection, key: str, prompt: str) -> str:
        body = json.dumps({"agentId": self.name, "prompt": prompt, "response": "x" * 300})
        headers = {"Content-Type": "application/json", "x-api-key": key, "Idempotency-Key": prompt}
        connection.request("POST", "/api/v1/telemetry/ingest", body, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 200, found
        return str(found["interactionId"])


def live_and_die(server: Server, key: str, senders: list[Sender]) -> None:
    """Load the server from many threads, and kill it in the midst."""
    answers = threading.Semaphore(0)
    threads = [
        threading.Thread(target=sender.send_until_killed, args=(server, key, answers)) for sender in senders
    ]
    for thread in threads:
        thread.start()
    for _ in range(ANSWERS_A_LIFE):
        assert answers.acquire(timeout=30)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(timeout=20)
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()


def kept(database: str) -> dict[str, str]:
    """Every interaction in the database: its id and what tells it from the others."""
    db = open_database(database)
    try:
        db.read(migrate.require_current)
        return {row["id"]: row["prompt"] for row in db.read(lambda tx: tx.all(KEPT))}
    finally:
        db.close()


def test_what_was_answered_survives_every_killing(engine: str, database_url: str, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    key = precog_json("init", instance=instance, database=database_url)["keys"]["precogx"]
    senders = [Sender(f"sender-{number}") for number in range(SENDERS)]
    for _ in range(LIVES[engine]):
        with serving(instance, database=database_url) as server:
            live_and_die(server, key, senders)
        if engine == "sqlite":
            with contextlib.closing(sqlite3.connect(database_url)) as file:
                assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = kept(database_url)
        answered = {id: prompt for sender in senders for id, prompt in sender.answered.items()}
        assert answered.items() <= found.items()
        # At most the one that each was waiting for is there besides, and none is there twice.
        assert len(found) - len(answered) <= SENDERS
        assert len(set(found.values())) == len(found)

    with serving(instance, database=database_url) as server:
        assert server.request("GET", "/readyz")[0] == 200
        for id, prompt in list(answered.items())[:: len(answered) // 20]:
            status, _, body = server.request("GET", f"/api/v1/interactions/{id}", key=key)
            assert (status, body["prompt"]) == (200, prompt)
