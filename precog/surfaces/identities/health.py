"""Whether the service works, for its clients."""

from __future__ import annotations

from importlib.metadata import version

import marshmallow as ma

from ...core.services import look
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from .blueprints import health_blueprint
from .forms import ERROR


class HealthSchema(ma.Schema):
    """It works."""

    status = ma.fields.Constant("healthy", required=True, metadata={"type": "string"})
    version = ma.fields.String(required=True)


_HEALTH = HealthSchema()


@health_blueprint.route("", methods=["GET"])
@health_blueprint.response(200, _HEALTH, headers=RATE_LIMIT_HEADERS)
@health_blueprint.errors(ERROR, 429, 500, 503, headers=RATE_LIMIT_HEADERS)
@health_blueprint.doc(security=[])
def health() -> dict[str, str]:
    """Whether the service answers and reads its database; needs no key."""
    look(services())
    return {"version": version("precog")}
