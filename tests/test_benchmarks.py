"""Each benchmark still runs: once, small, for no figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.live import clean_environment

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_the_engine_is_measured() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "guard.py"), "--texts", "1", "--seconds", "0"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    for line in ("256 KB", "the samples of all rules", "base64 of noise"):
        assert line in done.stdout


def test_the_outside_agents_are_measured() -> None:
    done = subprocess.run(
        [
            sys.executable,
            str(BENCHMARKS / "callers.py"),
            "--products",
            "10",
            "--goals",
            "1",
            "--seconds",
            "0",
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    for line in ("10 products, imported in", "1 goals"):
        assert line in done.stdout


def test_the_identities_are_measured() -> None:
    command = [
        sys.executable,
        str(BENCHMARKS / "identities.py"),
        "--count",
        "1",
        "--entries",
        "1",
        "--seconds",
        "0",
    ]
    done = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, timeout=120, check=True
    )
    for line in (
        "token verified, 1 threads",
        "audit append, 16 threads",
        "1 entries, made in",
        "verified in",
    ):
        assert line in done.stdout


def test_memory_is_measured() -> None:
    command = [
        sys.executable,
        str(BENCHMARKS / "memory.py"),
        "--connections",
        "1",
        "--texts",
        "1",
        "--long",
        "1",
    ]
    done = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, timeout=120, check=True
    )
    for line in ("started", "loaded", "short texts", "long texts"):
        assert line in done.stdout
