"""The telemetry API of PrecogX: what agents were asked and what they answered."""

from __future__ import annotations

from .. import auth
from ..base import Surface
from ..coded import STATUS, envelope
from .routes import blueprint
from .short import INGEST

SHORTCUTS = (INGEST,)

surface = Surface("/api/v1", blueprint, envelope, STATUS, auth.charge)
