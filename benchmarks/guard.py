"""How long the detection engine takes: on ordinary text of several lengths, and on text made to be slow.

The engine alone, in this process and one thread, without a classifier; times are those of the thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import _servers as servers
import _texts as texts

from precog.detection.engine import Engine, shared

SIZES = {"200 B": 200, "1 KB": 1024, "10 KB": 10_240, "100 KB": 102_400, "256 KB": 262_144}
LARGEST = SIZES["256 KB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=400, help="of 1 KB and less; fewer of the longer")
    options = parser.parse_args()
    print(servers.machine())
    for line in engine_figures(options.texts):
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


if __name__ == "__main__":
    main()
