"""A write that changes nothing of value, to learn whether writing works."""

from __future__ import annotations

from .engine import Transaction

PROBE = """
INSERT INTO readiness_probes (name, probed_at) VALUES ('readyz', :now)
ON CONFLICT (name) DO UPDATE SET probed_at = excluded.probed_at
"""


def probe(tx: Transaction, *, now: int) -> None:
    """Write the time of the probe."""
    tx.run(PROBE, now=now)
