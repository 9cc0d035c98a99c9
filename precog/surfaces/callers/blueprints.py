"""Where this API's routes hang: one blueprint a prefix, each identifying its visitor first."""

from __future__ import annotations

from ..blueprint import Blueprint
from .visitors import identify

_ABOUT = "Recommendation agents for agents from outside, who need no key"

public_blueprint = Blueprint("callers", __name__, url_prefix="/api/public", description=_ABOUT)
well_known_blueprint = Blueprint("callers_well_known", __name__, description=_ABOUT)

public_blueprint.before_request(identify)
well_known_blueprint.before_request(identify)
