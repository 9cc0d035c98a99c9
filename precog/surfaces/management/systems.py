"""An organization's systems, and their policies by version."""

from __future__ import annotations

from typing import Any

from ...core import policies
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS
from ..coded import ERROR
from ..policies import PolicyPatch, PolicySchema, from_version, to_patch
from . import convert
from .routes import blueprint
from .schemas import NewSystem, PageQuery, PolicyPage, PolicyQuery, SystemPage, SystemSchema

_ERRORS = (401, 403, 429, 500, 503)
_PAGE_QUERY = PageQuery()
_NEW_SYSTEM = NewSystem()
_SYSTEM = SystemSchema()
_SYSTEM_PAGE = SystemPage()
_POLICY = PolicySchema()
_POLICY_QUERY = PolicyQuery()
_POLICY_PATCH = PolicyPatch()
_POLICY_PAGE = PolicyPage()


@blueprint.route("/systems", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_PAGE_QUERY, location="query")
@blueprint.response(200, _SYSTEM_PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, headers=RATE_LIMIT_HEADERS)
def list_systems(query: dict[str, Any]) -> dict[str, Any]:
    """The organization's systems by name."""
    after = convert.from_cursor(query["cursor"]) if query["cursor"] else ""
    caller = auth.charged_caller()
    if caller.system_id is not None:  # a key of one system sees that one
        found = [policies.find(services(), caller.organization_id, caller.system_id)]
    else:
        found = policies.page(services(), caller.organization_id, after=after, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "systems": [convert.from_system(system) for system in page],
        "next_cursor": convert.to_cursor(page[-1].name) if len(found) > len(page) else None,
    }


@blueprint.route("/systems", methods=["POST"])
@auth.needs("admin")
@blueprint.arguments(_NEW_SYSTEM)
@blueprint.response(201, _SYSTEM, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 409, 413, 415, headers=RATE_LIMIT_HEADERS)
def create_system(new: dict[str, Any]) -> dict[str, Any]:
    """Make a system, with the default policy."""
    caller = auth.charged_caller()
    caller.require_system(None)
    return convert.from_system(policies.create_system(services(), caller.organization_id, new["name"]))


@blueprint.route("/systems/<system_id>/policy", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_POLICY_QUERY, location="query")
@blueprint.response(200, _POLICY, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, headers=RATE_LIMIT_HEADERS)
def get_policy(query: dict[str, Any], system_id: str) -> dict[str, Any]:
    """A version of a system's policy, the present one when none is named."""
    owner = _owner(system_id)
    return from_version(policies.get(services(), owner, system_id, version=query["version"]))


@blueprint.route("/systems/<system_id>/policy", methods=["PATCH"])
@auth.needs("admin")
@blueprint.arguments(_POLICY_PATCH)
@blueprint.response(200, _POLICY, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, 409, 413, 415, headers=RATE_LIMIT_HEADERS)
def change_policy(data: dict[str, Any], system_id: str) -> dict[str, Any]:
    """Make the next version of a system's policy; a patch that changes nothing makes none."""
    caller = auth.charged_caller()
    caller.require_system(system_id)
    found = policies.change(services(), caller, system_id, to_patch(data), expected_version=data["version"])
    return from_version(found)


@blueprint.route("/systems/<system_id>/policy/history", methods=["GET"])
@auth.needs("read")
@blueprint.arguments(_PAGE_QUERY, location="query")
@blueprint.response(200, _POLICY_PAGE, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 400, 404, headers=RATE_LIMIT_HEADERS)
def list_policy_versions(query: dict[str, Any], system_id: str) -> dict[str, Any]:
    """The versions of a system's policy, newest first."""
    before = convert.to_version(query["cursor"]) if query["cursor"] else None
    owner = _owner(system_id)
    found = policies.history(services(), owner, system_id, before=before, limit=query["limit"] + 1)
    page = found[: query["limit"]]
    return {
        "versions": [from_version(version) for version in page],
        "next_cursor": convert.to_cursor(str(page[-1].version)) if len(found) > len(page) else None,
    }


def _owner(system_id: str) -> str:
    """The caller's organization, after the request was counted; a key of one system reads no other's."""
    caller = auth.charged_caller()
    caller.require_system(system_id)
    return caller.organization_id
