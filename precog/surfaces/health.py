"""Probes for whoever runs the process."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify

from ..core.services import probe
from ..errors import StorageUnavailable
from .base import services

log = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """A read and a write work, the schema is this version's, and the server is not going down."""
    here = services()
    if here.draining:
        return jsonify(status="draining"), 503
    try:
        probe(here)
    except StorageUnavailable:
        return jsonify(status="storage unavailable"), 503
    except Exception as error:  # whatever the reason, work would fail for it too
        log.error("the readiness probe failed: %s", type(error).__name__)
        return jsonify(status="failed"), 503
    return jsonify(status="ready"), 200
