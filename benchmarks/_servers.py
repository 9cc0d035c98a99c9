"""The servers and the load generator that the benchmarks share."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

THREADS = 16


@dataclass(frozen=True)
class Load:
    """What wrk measured: requests a second, and latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


def machine() -> str:
    """What the figures were measured on."""
    model = platform.machine()
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {platform.system()}"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(arguments: list[str], url: str) -> Iterator[str]:
    """A server process, from when it answers until it is stopped."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=2):
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"{arguments} did not come up")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def resident_mb(url: str, *, most: bool = False) -> float:
    """The resident memory of the server at an address, now or the most that it ever was."""
    name = "VmHWM" if most else "VmRSS"
    port = url.rpartition(":")[2]
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if port.encode() in command and b"serve" in command:
                found = re.search(rf"{name}:\s+(\d+) kB", (process / "status").read_text())
                return int(found[1]) / 1024 if found else math.nan
    return math.nan


def echo() -> contextlib.AbstractContextManager[str]:
    """A bare Flask app that answers the JSON it got, on the server software of `precog serve`."""
    port = free_port()
    script = str(Path(__file__).with_name("_echo.py"))
    return running([sys.executable, script, str(port), str(THREADS)], f"http://127.0.0.1:{port}")


def precog(instance: Path, database: str | None) -> contextlib.AbstractContextManager[str]:
    """`precog serve` as it comes, its log thrown away."""
    port = free_port()
    command = [sys.executable, "-m", "precog", "serve", "--port", str(port), "--threads", str(THREADS)]
    return running([*command, *where(instance, database)], f"http://127.0.0.1:{port}")


def where(instance: Path, database: str | None) -> list[str]:
    """The options that name an instance."""
    return ["--instance", str(instance), *(["--database", database] if database else [])]


def new_key(instance: Path, database: str | None, kind: str = "precogx") -> str:
    """The key of a kind of a new instance."""
    command = [sys.executable, "-m", "precog", "init", "--json", *where(instance, database)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["keys"][kind])


def post(url: str, *, body: str, key: str, connections: int, seconds: int, folder: Path) -> Load:
    """Drive one address with wrk. An answer that is not 2xx ends the benchmark: it would measure refusals."""
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["x-api-key"] = "{key}"\nwrk.body = [[{body}]]\n'
    )
    return drive(url, script, connections=connections, seconds=seconds)


def drive(url: str, script: Path, *, connections: int, seconds: int) -> Load:
    """Drive one address with a script of wrk's. An answer that is not 2xx ends the benchmark."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    found = {quantile: _ms(said, quantile) for quantile in ("50%", "99%")}
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None
    return Load(float(rate[1]), found["50%"], found["99%"])


def _ms(said: str, quantile: str) -> float:
    found = re.search(rf"\s{quantile}\s+([\d.]+)(us|ms|s)", said)
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def median(loads: list[Load]) -> Load:
    """The median of each figure."""
    return Load(
        statistics.median(load.per_second for load in loads),
        statistics.median(load.p50_ms for load in loads),
        statistics.median(load.p99_ms for load in loads),
    )


def compared(found: Mapping[str, list[Load]], connections: int) -> Iterator[str]:
    """A line for each of some loads, "echo" among them, with its share of the echo's requests."""
    yardstick = median(found["echo"])
    for name, loads in found.items():
        load = median(loads)
        share = f"{load.per_second / yardstick.per_second:>13.2f}" if name != "echo" else ""
        yield (
            f"  {f'{name}, {connections} conn.':<32}"
            f"{load.per_second:>12,.0f}{load.p50_ms:>9.2f}{load.p99_ms:>9.2f}{share}"
        )
