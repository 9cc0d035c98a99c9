"""A real `precog serve` in a process of its own, for tests that need one."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def precog(*arguments: str, instance: Path, database: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the `precog` command."""
    where = ["--instance", str(instance), *(["--database", database] if database else [])]
    return subprocess.run(
        [sys.executable, "-m", "precog", *arguments, *where],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )


def precog_json(*arguments: str, instance: Path, database: str | None = None) -> dict[str, Any]:
    """What a `precog` command prints with --json; it must succeed."""
    done = precog(*arguments, "--json", instance=instance, database=database)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PRECOG_")}


@dataclass
class Server:
    """A running server; its log is a file."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and parsed body of one request."""
        sent = dict(headers or {})
        if key is not None:
            sent["x-api-key"] = key
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), json.loads(answer.read() or b"null")
        except TimeoutError:
            raise AssertionError(f"no answer in 30 s: {self.where_it_is()}") from None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), json.loads(error.read() or b"null")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def where_it_is(self) -> str:
        """The server's log, with the place of each of its threads at the end."""
        self.process.send_signal(signal.SIGUSR1)
        select_for(1)
        return self.log.read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=20)


@contextlib.contextmanager
def serving(
    instance: Path, *, database: str | None = None, port: int | None = None, arguments: tuple[str, ...] = ()
) -> Iterator[Server]:
    """A `precog serve` that is up; it is gone afterwards."""
    port = port or free_port()
    where = ["--instance", str(instance), *(["--database", database] if database else [])]
    command = [sys.executable, "-m", "precog", "serve", "--port", str(port), *arguments, *where]
    with running(command, port=port, log=instance / f"serve-{port}.log") as server:
        yield server


@contextlib.contextmanager
def running(
    command: Sequence[str], *, port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Whatever server the command starts, once it is up; it is gone afterwards."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=sink, env={**clean_environment(), **(environment or {})}
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_up(server)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)


def wait_until_up(server: Server, seconds: float = 20) -> None:
    """Poll until the server answers: a process that starts has no event to wait for."""
    deadline = time.monotonic() + seconds
    while True:
        if server.process.poll() is not None:
            raise AssertionError(f"the server ended: {server.log.read_text()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/healthz", timeout=2):
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"the server did not come up: {server.log.read_text()}")
        select_for(0.02)


def select_for(seconds: float) -> None:
    """Give the processor away between two polls."""
    select.select([], [], [], seconds)
