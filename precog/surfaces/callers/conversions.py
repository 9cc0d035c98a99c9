"""An outside agent reports that something it recommended was bought."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request

from ...core import conversions
from ...core.conversions import Told
from ...errors import InvalidConversionToken, MissingField
from ..amounts import Amount, Currency
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Text
from . import visitors
from .blueprints import public_blueprint
from .forms import ERROR

LONGEST_ID = 512


class ConversionSchema(ma.Schema):
    """What was bought, in which session. Amounts may be numbers or texts; neither is rounded."""

    EXACT_NUMBERS = True

    class Meta:
        unknown = ma.EXCLUDE

    product_id = Text(
        data_key="productId",
        required=True,
        shortest=1,
        longest=LONGEST_ID,
        metadata={"description": "The `product_id` of a recommended product."},
    )
    value_e4 = Amount(data_key="value", required=True, metadata={"example": "19.99"})
    currency = Currency(required=True)
    session_id = Text(
        data_key="sessionId",
        longest=LONGEST_ID,
        metadata={"description": "That of the recommendation; else the header X-Session-Id."},
    )
    token = Text(
        data_key="conversionToken",
        metadata={
            "description": "That of the recommendation, unless it is in the header X-Conversion-Token."
        },
    )


class TrackedSchema(ma.Schema):
    """The conversion is counted. `idempotent` says that it was before, and what was told first stands."""

    ok = ma.fields.Constant(True, required=True, metadata={"type": "boolean"})
    idempotent = ma.fields.Boolean(required=True)
    conversion_id = ma.fields.String(
        required=True,
        data_key="conversionId",
        metadata={"example": "conv-019b40c0a1b20a1b2c3d4e5f6071"},
    )


_CONVERSION = ConversionSchema()
_HEADERS = [
    {
        "in": "header",
        "name": name,
        "description": description,
        "schema": {"type": "string"},
    }
    for name, description in (
        ("X-Conversion-Token", "The recommendation's token, unless it is in the body."),
        ("X-Session-Id", "The session, unless it is in the body."),
    )
]
_TRACKED = TrackedSchema()


@public_blueprint.route("/agents/<slug>/track-conversion", methods=["POST"])
@public_blueprint.arguments(_CONVERSION)
@public_blueprint.response(201, _TRACKED, headers=RATE_LIMIT_HEADERS)
@public_blueprint.alt_response(200, schema=_TRACKED, headers=RATE_LIMIT_HEADERS)
@public_blueprint.errors(ERROR, 400, 401, 404, 413, 415, 429, 500, 503, headers=RATE_LIMIT_HEADERS)
@public_blueprint.doc(parameters=_HEADERS)
def track_conversion(data: dict[str, Any], slug: str) -> tuple[dict[str, Any], int]:
    """Report what was bought: counted once for its session, product and sender, also when it is told again.

    It is a registered caller's when its X-Caller-Key comes with it.
    """
    visitor = visitors.charged_visitor()
    tracked = conversions.track(services(), visitor, _to_told(data, slug))
    body = {"idempotent": tracked.repeated, "conversion_id": tracked.id}
    return body, 200 if tracked.repeated else 201


def _to_told(data: dict[str, Any], slug: str) -> Told:
    # The header is what a browser's page and a curl line send; an empty one is none.
    token = request.headers.get("X-Conversion-Token", "").strip() or data["token"]
    session_id = data["session_id"] or request.headers.get("X-Session-Id", "").strip()
    if not session_id:
        raise MissingField("sessionId", expected="string", received="null")
    if not token:
        raise InvalidConversionToken()
    return Told(
        slug=slug,
        session_id=session_id,
        product_id=data["product_id"],
        value_e4=data["value_e4"],
        currency=data["currency"],
        token=token,
    )
