"""How long the guard takes: the engine alone, and `POST /guard` beside a bare Flask echo.

The engine runs in this process and one thread, on ordinary text of several lengths and on text made to be
slow; times are those of the thread. Then echo and guard are driven in turn, in one run, by wrk, over 1 and
16 connections, with a real key, limits, policy and commits; each prompt is a row on disk.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import _servers as servers
import _texts as texts

from precog.detection.engine import Engine, shared

SIZES = {"200 B": 200, "1 KB": 1024, "10 KB": 10_240, "100 KB": 102_400, "256 KB": 262_144}
PROMPT = 200  # bytes of the prompts over HTTP
LARGEST = SIZES["256 KB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=400, help="of 1 KB and less; fewer of the longer")
    parser.add_argument("--seconds", type=int, default=5, help="of load a measurement; 0 leaves HTTP out")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians are told")
    options = parser.parse_args()
    print(servers.machine())
    for line in engine_figures(options.texts):
        print(line, flush=True)
    if options.seconds:
        for line in http_figures(options.seconds, options.rounds):
            print(line, flush=True)


def engine_figures(rounds: int) -> Iterator[str]:
    """The lines to print about the engine alone."""
    before = time.perf_counter()
    engine = shared()
    yield f"the engine is loaded in {time.perf_counter() - before:.2f} s\n"
    engine.warm()
    yield f"{'ordinary text':<34}{'p50 ms':>9}{'p99 ms':>9}"
    for name, size in SIZES.items():
        count = max(1, min(rounds, rounds * 4096 // size))
        taken = sorted(took_ms(engine, texts.ordinary(size, number)) for number in range(count))
        yield f"  {name:<32}{taken[count // 2]:>9.2f}{taken[count * 99 // 100]:>9.2f}"
    yield f"\n{'hostile text, 256 KB':<34}{'worst ms':>9}"
    for name, text in texts.hostile(LARGEST if rounds > 1 else 1024):
        taken = [took_ms(engine, text) for _ in range(3 if rounds > 1 else 1)]
        yield f"  {name:<32}{min(taken):>9.1f}"


def took_ms(engine: Engine, text: str) -> float:
    before = time.thread_time_ns()
    engine.scan(text)
    return (time.thread_time_ns() - before) / 1e6


def http_figures(seconds: int, rounds: int) -> Iterator[str]:
    """The lines to print about the server: throughput, latency, start and memory."""
    body = json.dumps({"input": texts.ordinary(PROMPT, 0), "user_id": "user-7", "model": "gpt-4o"})
    with tempfile.TemporaryDirectory(prefix="precog-bench-") as name:
        folder = Path(name)
        key = servers.new_key(folder / "instance", None, "agentid")
        with servers.echo() as echo:
            before = time.perf_counter()
            with servers.precog(folder / "instance", None) as precog:
                yield f"\nthe server answers {time.perf_counter() - before:.2f} s after its start"
                drive = {"body": body, "key": key, "folder": folder}
                servers.post(f"{precog}/api/v1/guard", seconds=1, connections=1, **drive)
                yield f"memory with everything loaded: {servers.resident_mb(precog):.0f} MB"
                title = f"a prompt of {PROMPT} bytes, SQLite"
                yield f"\n{title:<34}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of the echo':>13}"
                urls = {"echo": f"{echo}/echo", "guard": f"{precog}/api/v1/guard"}
                for connections in (1, 16):
                    found: dict[str, list[servers.Load]] = {name: [] for name in urls}
                    for _ in range(rounds):
                        for name, url in urls.items():
                            load = servers.post(url, seconds=seconds, connections=connections, **drive)
                            found[name].append(load)
                    yield from servers.compared(found, connections)
                yield f"memory afterwards: {servers.resident_mb(precog):.0f} MB"


if __name__ == "__main__":
    main()
