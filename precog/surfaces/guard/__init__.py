"""The data plane of AgentID: a verdict before the model is called, and what happened afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.limits import Quota
from .. import auth
from ..base import Surface, services
from .convert import ratelimit_headers
from .forms import STATUS, flat_envelope, guard_envelope
from .routes import config_blueprint, events_blueprint, guard_blueprint
from .short import JUDGE

SHORTCUTS = (JUDGE,)


def _quota_headers(quota: Quota) -> Mapping[str, str]:
    return ratelimit_headers(quota, services().clock())


surfaces = (
    Surface("/api/v1/guard", guard_blueprint, guard_envelope, STATUS, auth.charge, _quota_headers),
    Surface("/api/v1/ingest", events_blueprint, flat_envelope, STATUS, auth.charge, _quota_headers),
    Surface("/api/v1/agent/config", config_blueprint, flat_envelope, STATUS, auth.charge, _quota_headers),
)
