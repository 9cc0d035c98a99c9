"""What outside agents sold, as the organization that owns the catalogues sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from ...core import conversions, money, times
from ...core.callers import share_to_text
from ...core.conversions import GROUPS, Behind, Conversion, Filter, Total
from ...errors import WrongValue
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..coded import ERROR
from ..fields import Choice, Day, Text, Time
from . import convert
from .routes import blueprint
from .schemas import PageQuery

_ERRORS = (400, 401, 403, 429, 500, 503)
_BY = tuple(name for name in GROUPS if name != "all")


class ConversionsQuery(PageQuery):
    """Which conversions: all that is asked for must hold."""

    caller = Text(longest=200, metadata={"description": "A registered caller's id."})
    agent = Text(longest=200, metadata={"description": "The slug of the agent that recommended."})
    product = Text(longest=200, metadata={"description": "A product's id."})
    tracked_from = Time(data_key="from", metadata={"description": "At this time or later."})
    tracked_before = Time(data_key="to", metadata={"description": "Before this time."})
    day = Day(metadata={"description": "On this day, UTC."})


class SummaryQuery(ConversionsQuery):
    """Which conversions, and how they are grouped."""

    by = Choice(_BY, load_default="caller")


class ConversionSchema(ma.Schema):
    """A conversion. A partner's has its share, at the rate of that moment; money is text, exact."""

    conversionId = ma.fields.String(required=True)
    agent = ma.fields.String(required=True, metadata={"description": "The slug of the one that recommended."})
    productId = ma.fields.String(required=True)
    sessionId = ma.fields.String(required=True)
    callerId = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The registered caller, when it had a key."}
    )
    callerAgentId = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The same, else what it called itself, which anybody can call itself."},
    )
    registered = ma.fields.Boolean(
        required=True, metadata={"description": "Whether a registered caller told it, with its key."}
    )
    tier = ma.fields.String(required=True)
    value = ma.fields.String(required=True, metadata={"example": "19.99"})
    currency = ma.fields.String(required=True, metadata={"example": "EUR"})
    revenueSharePercent = ma.fields.String(required=True, allow_none=True, metadata={"example": "12.50"})
    revenueShare = ma.fields.String(required=True, allow_none=True, metadata={"example": "2.4988"})
    createdAt = ma.fields.String(required=True, metadata={"format": "date-time"})


class ConversionPage(ma.Schema):
    """Conversions, newest first."""

    conversions = ma.fields.List(ma.fields.Nested(ConversionSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class TotalSchema(ma.Schema):
    """What was sold in one currency, and what of it is the partners'."""

    currency = ma.fields.String(required=True, metadata={"example": "EUR"})
    attributed = ma.fields.Boolean(
        required=True,
        metadata={
            "description": "Whether registered callers told it; what anybody can tell is summed up apart."
        },
    )
    conversions = ma.fields.Integer(required=True)
    value = ma.fields.String(required=True, metadata={"example": "1999.00"})
    revenueShare = ma.fields.String(required=True, metadata={"example": "249.875"})


class GroupSchema(TotalSchema):
    """The same of one group."""

    group = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A caller, agent, product or day; null is everybody who is not registered."},
    )


class SummarySchema(ma.Schema):
    """Totals by currency, attributed or not, of all and by group; only the groups come in pages."""

    by = ma.fields.String(required=True, metadata={"enum": list(_BY)})
    totals = ma.fields.List(ma.fields.Nested(TotalSchema), required=True)
    groups = ma.fields.List(ma.fields.Nested(GroupSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


_QUERY = ConversionsQuery()
_SUMMARY_QUERY = SummaryQuery()
_PAGE = ConversionPage()
_SUMMARY = SummarySchema()


@blueprint.route("/conversions", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_QUERY, location="query")
@blueprint.response(200, _PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def list_conversions(query: dict[str, Any]) -> dict[str, Any]:
    """What outside agents sold, newest first."""
    only = _to_filter(query, behind=_to_id(query["cursor"]) if query["cursor"] else None)
    found = conversions.page(services(), auth.charged_caller(), only, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "conversions": [_from_conversion(conversion) for conversion in page],
        "next_cursor": convert.to_cursor(page[-1].id) if len(found) > len(page) else None,
    }


@blueprint.route("/conversions/summary", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_SUMMARY_QUERY, location="query")
@blueprint.response(200, _SUMMARY, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def summarize_conversions(query: dict[str, Any]) -> dict[str, Any]:
    """What was sold by currency: in all, and by caller, agent, product or day."""
    after = _to_group(query["cursor"]) if query["cursor"] else Behind()
    only, by, limit = _to_filter(query), query["by"], query["limit"]
    caller = auth.charged_caller()
    summary = conversions.summarize(services(), caller, only, by=by, after=after, limit=limit + 1)
    page = summary.groups[:limit]
    return {
        "by": by,
        "totals": [_from_total(total) for total in summary.totals],
        "groups": [{"group": _group(total.group, by), **_from_total(total)} for total in page],
        "next_cursor": _to_cursor(page[-1]) if len(summary.groups) > limit else None,
    }


def _to_filter(query: Mapping[str, Any], *, behind: str | None = None) -> Filter:
    day = query["day"]
    after = [query["tracked_from"], day]
    before = [query["tracked_before"], None if day is None else day + times.DAY_MS]
    starts = [conversions.first_id(ms) for ms in after if ms is not None]
    ends = [conversions.first_id(ms) for ms in before if ms is not None]
    return Filter(
        caller_id=query["caller"],
        catalog=query["agent"],
        product_id=query["product"],
        from_id=max(starts, default=None),
        before_id=min([*ends, *([behind] if behind else [])], default=None),
    )


def _to_id(cursor: str) -> str:
    last = convert.from_cursor(cursor)
    if not conversions.is_conversion_id(last):
        raise _bad_cursor()
    return last


def _to_cursor(total: Total) -> str:
    return convert.to_cursor(f"{total.group}{total.currency}{'+' if total.attributed else '-'}")


def _to_group(cursor: str) -> Behind:
    last = convert.from_cursor(cursor)
    group, currency, attribution = last[:-4], last[-4:-1], last[-1:]
    if not money.is_currency(currency) or attribution not in ("+", "-"):
        raise _bad_cursor()
    return Behind(group, currency, attribution == "+")


def _bad_cursor() -> WrongValue:
    return WrongValue("cursor", expected="the next_cursor of a page", received="another string")


def _group(group: str, by: str) -> str | None:
    if by == "day":
        return times.to_day(int(group) * times.DAY_MS)
    return group or None


def _from_conversion(found: Conversion) -> dict[str, Any]:
    percent, share = found.revenue_share_e2, found.share_e4
    return {
        "conversionId": found.id,
        "agent": found.catalog,
        "productId": found.product_id,
        "sessionId": found.session_id,
        "callerId": found.caller_id,
        "callerAgentId": conversions.sender_of(found),
        "registered": found.caller_id is not None,
        "tier": found.tier,
        "value": money.to_text(found.value_e4, found.currency),
        "currency": found.currency,
        "revenueSharePercent": None if percent is None else share_to_text(percent),
        "revenueShare": None if share is None else money.to_text(share, found.currency),
        "createdAt": times.to_rfc3339(found.created_at),
    }


def _from_total(total: Total) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "attributed": total.attributed,
        "conversions": total.conversions,
        "value": money.to_text(total.value_e4, total.currency),
        "revenueShare": money.to_text(total.share_e4, total.currency),
    }
