"""One interaction on the short way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...core import telemetry
from ...core.keys import Caller
from ...core.services import Services
from ...core.telemetry import Interaction
from ..base import ratelimit_headers
from ..shortcut import Answer, Shortcut
from . import convert
from .schemas import RECEIPT, load_interaction


def _prepare(environ: Mapping[str, Any], body: Any) -> Interaction:
    interaction = load_interaction(body)
    key = convert.to_idempotency_key(environ.get("HTTP_IDEMPOTENCY_KEY"))
    return replace(interaction, idempotency_key=key) if key else interaction


def _act(services: Services, caller: Caller, interaction: Interaction) -> Answer:
    receipt, quota = telemetry.record(services, caller, interaction)
    return Answer(RECEIPT.dump(receipt), quota, convert.from_replay(receipt))


INGEST = Shortcut("/api/v1/telemetry/ingest", "telemetry", _prepare, _act, ratelimit_headers)
