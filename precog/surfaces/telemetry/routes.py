"""Where telemetry comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, g, jsonify, request

from ...core import telemetry
from ...core.telemetry import Interaction, Receipt
from ...errors import PrecogError
from .. import auth
from ..base import services
from ..blueprint import RATE_LIMIT_HEADERS, Blueprint
from ..coded import ERROR
from . import convert
from .schemas import (
    AGENT_ID_CHARACTERS,
    EXAMPLE,
    INTERACTION,
    RECEIPT,
    BatchReceiptSchema,
    BatchSchema,
    NativeSchema,
    RejectedSchema,
)

PLATFORMS = ("flowise", "n8n", "dify", "custom")

blueprint = Blueprint("telemetry", __name__, url_prefix="/api/v1", description="What agents do")

_BATCH = BatchSchema()
_BATCH_RECEIPT = BatchReceiptSchema()
_NATIVE = NativeSchema()
_REJECTED = RejectedSchema()
_ERRORS = (400, 401, 403, 413, 415, 429, 500, 503)

# Several n8n items come as an array, and are answered like a batch.
_ONE_OR_MANY_IN = {"oneOf": [NativeSchema(), {"type": "array", "items": {"type": "object"}}]}
_ONE_OR_MANY_OUT = {"oneOf": [RECEIPT, _BATCH_RECEIPT]}

_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Makes a retry safe: the same key answers the first interaction's id again, for 48 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_AGENT_ID = [
    {
        "in": place,
        "name": name,
        "description": "The agent's id, where the body names none.",
        "schema": {"type": "string", "minLength": 1, "maxLength": AGENT_ID_CHARACTERS},
    }
    for place, name in (("query", "agentId"), ("header", "X-Agent-Id"))
]
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` when an earlier request with this key stored the interaction.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    **RATE_LIMIT_HEADERS,
}


@blueprint.route("/telemetry/ingest", methods=["POST"])
@auth.needs("telemetry", agents=True)
@blueprint.arguments(INTERACTION)
@blueprint.response(200, RECEIPT, headers=_REPLAYED)
@blueprint.errors(ERROR, *_ERRORS, 409, headers=RATE_LIMIT_HEADERS)
@blueprint.doc(parameters=[_IDEMPOTENCY_KEY])
def ingest(interaction: Interaction) -> tuple[Receipt, int, Mapping[str, str]]:
    """Store one interaction. The answer comes when it is on disk."""
    key = convert.to_idempotency_key(request.headers.get("Idempotency-Key"))
    return _record(replace(interaction, idempotency_key=key) if key else interaction)


@blueprint.route("/telemetry/batch", methods=["POST"])
@auth.needs("telemetry", agents=True)
@blueprint.arguments(_BATCH)
@blueprint.response(200, _BATCH_RECEIPT, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(_REJECTED, 400, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, headers=RATE_LIMIT_HEADERS)
def ingest_batch(batch: dict[str, Any]) -> Response:
    """Store up to 1,000 interactions in one transaction. Those that are wrong do not sink the others.

    When nothing was stored the answer is 400, with the same `results`.
    """
    key = convert.to_idempotency_key(request.headers.get("Idempotency-Key"))
    return _record_batch(convert.with_keys(batch["interactions"], key))


@blueprint.route(f"/integrations/<any({', '.join(PLATFORMS)}):platform>/telemetry", methods=["POST"])
@auth.needs("telemetry", agents=True)
@blueprint.arguments(_NATIVE, example=EXAMPLE)
@blueprint.response(200, RECEIPT, headers=_REPLAYED)
@blueprint.errors(_REJECTED, 400, headers=RATE_LIMIT_HEADERS)
@blueprint.errors(ERROR, *_ERRORS, 404, 409, headers=RATE_LIMIT_HEADERS)
@blueprint.doc(
    parameters=[_IDEMPOTENCY_KEY, *_AGENT_ID],
    requestBody={"content": {"application/json": {"schema": _ONE_OR_MANY_IN}}},
    responses={200: {"content": {"application/json": {"schema": _ONE_OR_MANY_OUT}}}},
)
def ingest_from_platform(body: Any, platform: str) -> Any:
    """Store what a platform sends: the canonical interaction, or the platform's own body.

    A platform's body is its request, its response, or `{"request": ..., "response": ...}`, and is kept
    whole beside what was understood of it. The agent's id comes from the body, the query or the header.
    Several n8n items at once are answered like a batch.
    """
    interactions = convert.to_interactions(
        platform,
        body,
        agent_id=request.args.get("agentId") or convert.to_text(request.headers.get("X-Agent-Id")),
        idempotency_key=convert.to_idempotency_key(request.headers.get("Idempotency-Key")),
    )
    if len(interactions) == 1 and isinstance(interactions[0], Interaction):
        return _record(interactions[0])
    return _record_batch(interactions)


def _record(interaction: Interaction) -> tuple[Receipt, int, Mapping[str, str]]:
    receipt, g.quota = telemetry.record(services(), auth.caller(), interaction)
    return receipt, 200, convert.from_replay(receipt)


def _record_batch(batch: Sequence[Interaction | PrecogError]) -> Response:
    results, g.quota = telemetry.record_batch(services(), auth.caller(), batch)
    answer = jsonify(convert.from_batch(results))
    if all(isinstance(result, PrecogError) for result in results):
        answer.status_code = 400
    return answer
