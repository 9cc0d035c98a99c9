"""Where this API's routes hang: one blueprint a prefix."""

from __future__ import annotations

from ..blueprint import Blueprint, StrictParser

_ABOUT = "Agents with keys of their own"


class _Parser(StrictParser):
    DEFAULT_VALIDATION_STATUS = 422


class _Blueprint(Blueprint):
    ARGUMENTS_PARSER = _Parser()


agents_blueprint = _Blueprint("identities", __name__, url_prefix="/v1", description=_ABOUT)
sessions_blueprint = _Blueprint(
    "sessions", __name__, url_prefix="/sessions", description="What an agent may do in one go"
)
transactions_blueprint = _Blueprint(
    "transactions", __name__, url_prefix="/transactions", description="What agents did, and how to undo it"
)
audit_blueprint = _Blueprint(
    "audit", __name__, url_prefix="/audit", description="What was changed, in a chain that shows tampering"
)
health_blueprint = _Blueprint(
    "service_health", __name__, url_prefix="/health", description="Whether it works"
)
well_known_blueprint = _Blueprint("identities_well_known", __name__, description=_ABOUT)
