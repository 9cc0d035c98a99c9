"""AgilityOS's public API: outside agents register, ask for recommendations, and report conversions."""

from __future__ import annotations

from ..base import Surface
from ..blueprint import Blueprint
from . import conversions as conversions  # whose routes are on the public blueprint
from . import discovery as discovery
from . import recommend as recommend
from . import registration as registration
from . import visitors
from .blueprints import public_blueprint, well_known_blueprint
from .forms import CORS, STATUS, envelope


def _surface(prefix: str, blueprint: Blueprint) -> Surface:
    return Surface(
        prefix,
        blueprint,
        envelope,
        STATUS,
        visitors.charge,
        visitors.quota_headers,
        headers=CORS,
        preflight=visitors.preflight,
        quota_when_away=visitors.quota_when_away,
    )


surfaces = (
    _surface("/api/public", public_blueprint),
    _surface("/.well-known/agents.json", well_known_blueprint),
)
