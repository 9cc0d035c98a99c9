"""CertusOrdo's API: agents with keys of their own, what they do in transactions, and the record of it."""

from __future__ import annotations

from .. import auth
from ..base import Surface
from ..blueprint import Blueprint
from . import agents as agents  # whose routes are on the blueprints, as those of the others
from . import audit as audit
from . import authorization as authorization
from . import health as health
from . import organizations as organizations
from . import sessions as sessions
from . import transactions as transactions
from .blueprints import (
    agents_blueprint,
    audit_blueprint,
    health_blueprint,
    sessions_blueprint,
    transactions_blueprint,
    well_known_blueprint,
)
from .forms import STATUS, envelope


def _surface(prefix: str, blueprint: Blueprint) -> Surface:
    return Surface(prefix, blueprint, envelope, STATUS, auth.charge)


surfaces = (
    _surface("/v1", agents_blueprint),
    _surface("/sessions", sessions_blueprint),
    _surface("/transactions", transactions_blueprint),
    _surface("/audit", audit_blueprint),
    _surface("/health", health_blueprint),
    _surface("/.well-known/jwks.json", well_known_blueprint),
)
