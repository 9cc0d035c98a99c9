"""The outside agents that registered with the organization, and their tiers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...core import callers, times
from ...core.callers import Grant, OutsideCaller, share_from_text, share_to_text
from ...core.visitors import GRANTED_TIERS, PER_MINUTE
from ...errors import MissingField, WrongType, WrongValue
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..coded import ERROR
from ..fields import Checked, Choice, fault, json_type
from . import convert
from .routes import blueprint
from .schemas import PageQuery

_ERRORS = (401, 403, 429, 500, 503)
_TIER = {"enum": list(GRANTED_TIERS)}
_SHARE = {"pattern": r"^[0-9]{1,3}\.[0-9]{2}$", "example": "12.50"}


class Percentage(Checked):
    """A number or a decimal text from 0 to 100, x 100 inside."""

    expected = "0 to 100 percent, with two decimals at most"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise fault(WrongType, self.expected, json_type(value))
        try:
            return share_from_text(str(value))
        except WrongValue as error:
            raise fault(WrongValue, error.expected, error.received) from None


class CallerPatch(ma.Schema):
    """What may be changed of a caller: one of these at least. Only a partner has a revenue share."""

    class Meta:
        unknown = ma.EXCLUDE

    tier = Choice(GRANTED_TIERS, metadata={"enum": [*GRANTED_TIERS, None], "example": "elevated"})
    revenue_share = Percentage(
        data_key="revenueShare",
        metadata={
            "type": ["string", "number"],
            "minimum": 0,
            "maximum": 100,
            "pattern": r"^[0-9]{1,3}(\.[0-9]{1,2})?$",
            "description": "A partner's, in percent.",
        },
    )

    @ma.validates_schema
    def changes_something(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Nothing to change is a mistake of the sender."""
        if data["tier"] is None and data["revenue_share"] is None:
            raise ma.ValidationError({"tier": fault(MissingField, "string", "null").messages})


class CallerSchema(ma.Schema):
    """An outside agent that registered itself; what it says of itself is not verified."""

    callerId = ma.fields.String(required=True, metadata={"example": "my-personal-assistant-3f2a1c"})
    name = ma.fields.String(required=True)
    contactEmail = ma.fields.String(required=True, allow_none=True)
    description = ma.fields.String(required=True, allow_none=True)
    key = ma.fields.String(required=True, metadata={"description": "The first characters of its key."})
    status = ma.fields.String(required=True, metadata={"enum": ["active", "revoked"]})
    tier = ma.fields.String(required=True, metadata=_TIER)
    requestsPerMinute = ma.fields.Integer(required=True)
    revenueShare = ma.fields.String(required=True, allow_none=True, metadata=_SHARE)
    createdAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    revokedAt = ma.fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class GrantSchema(ma.Schema):
    """A tier that a caller was given, by a key or (null) by the operator."""

    tier = ma.fields.String(required=True, metadata=_TIER)
    revenueShare = ma.fields.String(required=True, allow_none=True, metadata=_SHARE)
    grantedAt = ma.fields.String(required=True, metadata={"format": "date-time"})
    grantedBy = ma.fields.String(required=True, allow_none=True)


class CallerDetailSchema(CallerSchema):
    """A caller, and the tiers that it was given since it registered with the standard one, newest first."""

    grants = ma.fields.List(ma.fields.Nested(GrantSchema), required=True)


class CallerPage(ma.Schema):
    """Callers by id."""

    callers = ma.fields.List(ma.fields.Nested(CallerSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


_PAGE_QUERY = PageQuery()
_PATCH = CallerPatch()
_CALLER = CallerSchema()
_DETAIL = CallerDetailSchema()
_PAGE = CallerPage()


@blueprint.route("/callers", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_PAGE_QUERY, location="query")
@blueprint.response(200, _PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, headers=RATE_LIMIT_HEADERS)
def list_callers(query: dict[str, Any]) -> dict[str, Any]:
    """The outside agents that registered, by id."""
    after = convert.from_cursor(query["cursor"]) if query["cursor"] else ""
    owner = auth.charged_caller().organization_id
    found = callers.page(services(), owner, after=after, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "callers": [_from_caller(caller) for caller in page],
        "next_cursor": convert.to_cursor(page[-1].id) if len(found) > len(page) else None,
    }


@blueprint.route("/callers/<caller_id>", methods=["GET"])
@auth.needs("read")
@blueprint.response(200, _DETAIL, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def get_caller(caller_id: str) -> dict[str, Any]:
    """A caller, with the history of its tiers."""
    owner = auth.charged_caller().organization_id
    caller, grants = callers.get(services(), owner, caller_id)
    return {**_from_caller(caller), "grants": [_from_grant(grant) for grant in grants]}


@blueprint.route("/callers/<caller_id>", methods=["PATCH"])
@auth.needs("admin")
@blueprint.arguments(_PATCH)
@blueprint.response(200, _CALLER, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, 413, 415, headers=RATE_LIMIT_HEADERS)
def change_caller(data: dict[str, Any], caller_id: str) -> dict[str, Any]:
    """Give a caller another tier, or a partner another revenue share; not one that is revoked."""
    by = auth.charged_caller()
    changed = callers.grant(
        services(), by, caller_id, tier=data["tier"], revenue_share_e2=data["revenue_share"]
    )
    return _from_caller(changed)


@blueprint.route("/callers/<caller_id>", methods=["DELETE"])
@auth.needs("admin")
@blueprint.response(200, _CALLER, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, headers=RATE_LIMIT_HEADERS)
def revoke_caller(caller_id: str) -> dict[str, Any]:
    """Refuse a caller's key from now on, for good; again changes nothing."""
    return _from_caller(callers.revoke(services(), auth.charged_caller(), caller_id))


def _from_caller(caller: OutsideCaller) -> dict[str, Any]:
    return {
        "callerId": caller.id,
        "name": caller.name,
        "contactEmail": caller.contact_email,
        "description": caller.description,
        "key": f"{caller.key_display}…",
        "status": "active" if caller.revoked_at is None else "revoked",
        "tier": caller.tier,
        "requestsPerMinute": PER_MINUTE[caller.tier],
        "revenueShare": _share(caller.revenue_share_e2),
        "createdAt": times.to_rfc3339(caller.created_at),
        "revokedAt": None if caller.revoked_at is None else times.to_rfc3339(caller.revoked_at),
    }


def _from_grant(grant: Grant) -> dict[str, Any]:
    return {
        "tier": grant.tier,
        "revenueShare": _share(grant.revenue_share_e2),
        "grantedAt": times.to_rfc3339(grant.granted_at),
        "grantedBy": grant.key_id,
    }


def _share(share_e2: int | None) -> str | None:
    return None if share_e2 is None else share_to_text(share_e2)
