"""The management API: agents, interactions, systems and usage, as their organization sees them."""

from __future__ import annotations

from .. import auth
from ..base import Surface
from ..coded import STATUS, envelope
from . import callers as callers
from . import catalogs as catalogs
from . import conversions as conversions  # whose routes are on the same blueprint, as those of systems
from . import systems as systems
from .routes import blueprint

surface = Surface("/api/v1", blueprint, envelope, STATUS, auth.charge)
