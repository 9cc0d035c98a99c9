"""Each benchmark still runs: once, small, for no figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.live import clean_environment

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def printed(name: str, *options: str) -> str:
    """What a benchmark prints."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *options],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_the_engine_is_measured() -> None:
    output = printed("guard.py", "--texts", "1", "--seconds", "0")
    for line in ("256 KB", "the samples of all rules", "base64 of noise"):
        assert line in output


def test_the_outside_agents_are_measured() -> None:
    output = printed("callers.py", "--products", "10", "--goals", "1", "--seconds", "0")
    for line in ("10 products, imported in", "1 goals"):
        assert line in output


def test_the_identities_are_measured() -> None:
    output = printed("identities.py", "--count", "1", "--entries", "1", "--seconds", "0")
    for line in (
        "token verified, 1 threads",
        "audit append, 16 threads",
        "1 entries, made in",
        "verified in",
    ):
        assert line in output


def test_memory_is_measured() -> None:
    output = printed("memory.py", "--connections", "1", "--texts", "1", "--long", "1")
    for line in ("started", "loaded", "short texts", "long texts"):
        assert line in output
