"""What somebody wants, and the products that fit it."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
import orjson
from flask import request

from ...core import conversions, money, recommend, times
from ...core.ids import random_uuid
from ...core.pitch import B2C, MODES
from ...core.recommend import Pick, Recommendation, Wish
from ...errors import WrongType, WrongValue
from ..amounts import Amount
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..fields import Checked, Choice, Text, Whole, fault, json_type
from . import visitors
from .blueprints import public_blueprint
from .forms import ERROR

LONGEST_GOAL = 2_000
MOST_CONSTRAINTS = 20
LONGEST_CONSTRAINT = 200
MOST_RESULTS = 20
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,200}")


class Phrases(Checked, ma.fields.List[Any]):
    """An array of some short strings."""

    expected = "array"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"maxItems": MOST_CONSTRAINTS, **kwargs.get("metadata", {})}
        super().__init__(
            Text(longest=LONGEST_CONSTRAINT, allow_none=False, load_default=ma.missing), **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        if len(value) > MOST_CONSTRAINTS:
            raise fault(
                WrongValue, f"array of at most {MOST_CONSTRAINTS} strings", f"array of {len(value)} entries"
            )
        return super()._deserialize(value, attr, data, **kwargs)


class WishSchema(ma.Schema):
    """What somebody wants."""

    EXACT_NUMBERS = True

    class Meta:
        unknown = ma.EXCLUDE

    goal = Text(
        required=True,
        shortest=1,
        longest=LONGEST_GOAL,
        trim=True,
        metadata={
            "description": "What is wanted, in plain words.",
            "example": "waterproof hiking boots for a rainy week in Scotland",
        },
    )
    budget = Amount(
        metadata={"description": "The highest price, in the currency of each product.", "example": 80}
    )
    constraints = Phrases(
        metadata={
            "description": "Plain phrases: `no …`, `not …` or `without …` excludes, `under N` or `max N` "
            "caps the price (with a currency, only prices in it fit), anything else must be there.",
            "example": ["no leather", "under 80 EUR"],
        }
    )
    limit = Whole(least=1, most=MOST_RESULTS, data_key="maxResults", load_default=5)
    mode = Choice(
        MODES,
        data_key="callerMode",
        metadata={"enum": [*MODES, None], "description": "Else the header X-Caller-Mode, else b2c."},
    )


class PickSchema(ma.Schema):
    """A product that fits, in the words of its catalogue; only `Why_It_Fits` is said by this server."""

    product_id = ma.fields.String(required=True, metadata={"example": "p_2f0c51b7a3d94e8812aa"})
    Product_Name = ma.fields.String(required=True)
    Price = ma.fields.Raw(
        required=True,
        metadata={"type": "number", "description": "Decimal, exact as it is written.", "example": 79.5},
    )
    Currency = ma.fields.String(required=True, metadata={"example": "EUR"})
    URL = ma.fields.String(required=True, allow_none=True)
    Img_URL = ma.fields.String(required=True, allow_none=True)
    Notes = ma.fields.String(required=True, allow_none=True)
    Why_It_Fits = ma.fields.String(required=True)


class PitchSchema(ma.Schema):
    """How to speak of it: in the caller's mode, with what the operator vouches for."""

    mode = ma.fields.String(required=True, metadata={"enum": list(MODES)})
    tone = ma.fields.String(required=True)
    trustClaims = ma.fields.List(ma.fields.String(), required=True)
    callerCta = ma.fields.String(required=True)


class RecommendationSchema(ma.Schema):
    """Products, best first. With the token, and in the session, it is told what was bought."""

    sessionId = ma.fields.String(required=True)
    products = ma.fields.List(ma.fields.Nested(PickSchema), required=True)
    reasoning = ma.fields.String(required=True)
    pitchContext = ma.fields.Nested(PitchSchema, required=True)
    conversionToken = ma.fields.String(required=True)
    conversionTokenExpiresAt = ma.fields.String(required=True, metadata={"format": "date-time"})


_WISH = WishSchema()
_RECOMMENDATION = RecommendationSchema()
_HEADERS = [
    {"in": "header", "name": "X-Caller-Mode", "schema": {"type": "string", "enum": list(MODES)}},
    {
        "in": "header",
        "name": "X-Session-Id",
        "description": "The session to go on with; made when it is left out.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    },
]


@public_blueprint.route("/agents/<slug>/recommend", methods=["POST"])
@public_blueprint.arguments(_WISH)
@public_blueprint.response(200, _RECOMMENDATION, headers=RATE_LIMIT_HEADERS)
@public_blueprint.errors(ERROR, 400, 401, 404, 413, 415, 429, 500, 503, headers=RATE_LIMIT_HEADERS)
@public_blueprint.doc(parameters=_HEADERS)
def recommend_products(data: dict[str, Any], slug: str) -> dict[str, Any]:
    """Recommend products for a goal. None that fits is an empty list."""
    visitors.charged_visitor()
    session_id = _session_id()
    found = recommend.recommend(services(), slug, _to_wish(data))
    return _from_recommendation(found, session_id)


def _to_wish(data: dict[str, Any]) -> Wish:
    return Wish(
        goal=data["goal"],
        budget_e4=data["budget"],
        constraints=data["constraints"] or (),
        limit=data["limit"] or 5,
        mode=data["mode"] or _mode(),
    )


def _mode() -> str:
    mode = request.headers.get("X-Caller-Mode", "").strip().lower() or B2C
    if mode not in MODES:
        raise WrongValue("X-Caller-Mode", expected=f"one of {', '.join(MODES)}", received="another string")
    return mode


def _session_id() -> str:
    given = request.headers.get("X-Session-Id", "").strip()
    if given and _SESSION_ID.fullmatch(given) is None:
        raise WrongValue(
            "X-Session-Id", expected="1 to 200 visible ASCII characters", received="another header value"
        )
    return given or random_uuid()


def _from_recommendation(found: Recommendation, session_id: str) -> dict[str, Any]:
    here = services()
    token, expires_at = conversions.issue(
        here, session_id=session_id, slug=found.catalog.slug, now=here.clock()
    )
    return {
        "sessionId": session_id,
        "products": [_from_pick(pick) for pick in found.picks],
        "reasoning": found.reasoning,
        "pitchContext": {
            "mode": found.pitch.mode,
            "tone": found.pitch.tone,
            "trustClaims": found.pitch.claims,
            "callerCta": found.pitch.call_to_action,
        },
        "conversionToken": token,
        "conversionTokenExpiresAt": times.to_rfc3339(expires_at),
    }


def _from_pick(pick: Pick) -> dict[str, Any]:
    product = pick.product
    return {
        "product_id": pick.id,
        "Product_Name": product.name,
        # Clients expect a number, and a float would not have the digits.
        "Price": orjson.Fragment(money.to_text(product.price_e4, product.currency)),
        "Currency": product.currency,
        "URL": product.url,
        "Img_URL": product.image_url,
        "Notes": product.notes,
        "Why_It_Fits": pick.why,
    }
