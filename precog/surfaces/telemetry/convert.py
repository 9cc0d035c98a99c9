"""Between the wire and core, where a schema is not enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...core.telemetry import Interaction, Receipt
from ...errors import MalformedBody, MissingField, PrecogError, WrongValue
from ..base import Problem, problem_from
from ..coded import error_body
from . import native
from .schemas import KEY_CHARACTERS, load_interaction


def to_idempotency_key(header: str | None) -> str | None:
    """The key in the header, quoted or bare. Raises WrongValue."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= KEY_CHARACTERS:
        raise WrongValue(
            "Idempotency-Key",
            expected=f"1 to {KEY_CHARACTERS} characters",
            received=f"{len(key)} characters",
        )
    return key


def to_text(header: str | None) -> str | None:
    """A header as it was meant: WSGI hands its bytes over as latin-1, and senders write UTF-8."""
    if header is None:
        return None
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise WrongValue("X-Agent-Id", expected="UTF-8", received="other bytes") from None


def with_keys(
    batch: Sequence[Interaction | PrecogError], key: str | None
) -> Sequence[Interaction | PrecogError]:
    """A batch under one idempotency key: each interaction that has none of its own gets one by its place."""
    if key is None:
        return batch
    return [
        replace(one, idempotency_key=f"{key}#{index}")
        if isinstance(one, Interaction) and one.idempotency_key is None
        else one
        for index, one in enumerate(batch)
    ]


def to_interactions(
    platform: str, body: Any, *, agent_id: str | None, idempotency_key: str | None
) -> list[Interaction | PrecogError]:
    """The interactions in a platform's body; `agent_id` is taken where the body names none.

    Of several, one that is wrong is its error. Raises MalformedBody or an InvalidField when it is
    the only one, or when there is neither prompt nor response.
    """
    if not isinstance(body, dict | list):
        raise MalformedBody("The body is neither a JSON object nor an array")
    try:
        mapped = native.to_canonical(platform, body)
    except native.TooManyItems:
        raise WrongValue("items", expected=f"1 to {native.MOST_ITEMS} items", received="more") from None
    except native.Unmappable as error:
        looked_for = ", ".join(error.looked_for)
        raise MissingField(
            "prompt", expected=f"one of the fields {looked_for}", received="none of them"
        ) from None
    if len(mapped) == 1:
        return [_to_interaction(platform, mapped[0], agent_id, idempotency_key)]
    # One key for several interactions: each has its own, told apart by its place.
    keys = [idempotency_key and f"{idempotency_key}#{index}" for index in range(len(mapped))]
    return [
        _interaction_or_error(platform, one, agent_id, key) for one, key in zip(mapped, keys, strict=True)
    ]


def _interaction_or_error(
    platform: str, mapped: native.Mapped, agent_id: str | None, idempotency_key: str | None
) -> Interaction | PrecogError:
    try:
        return _to_interaction(platform, mapped, agent_id, idempotency_key)
    except PrecogError as error:
        return error


def _to_interaction(
    platform: str, mapped: native.Mapped, agent_id: str | None, idempotency_key: str | None
) -> Interaction:
    payload = dict(mapped.payload)
    if agent_id and payload.get("agentId") is None and payload.get("agent_id") is None:
        payload["agentId"] = agent_id
    interaction = load_interaction(payload)
    key = idempotency_key
    if key is None and mapped.message_id is not None:
        # Of one platform's messages; another's may have the same number.
        key = f"{platform}:{mapped.message_id}"[:KEY_CHARACTERS]
    return replace(
        interaction,
        metadata={**interaction.metadata, "platform": platform},
        platform=platform,
        native=mapped.native,
        idempotency_key=key,
    )


def from_replay(receipt: Receipt) -> dict[str, str]:
    """The header that tells a replay from a first time."""
    return {"Idempotent-Replayed": "true"} if receipt.replayed else {}


def from_batch(results: Sequence[Receipt | PrecogError]) -> dict[str, Any]:
    """The answer to a batch: what became of each interaction. With none stored it is an error as well."""
    rejected = sum(isinstance(result, PrecogError) for result in results)
    accepted = len(results) - rejected
    answer: dict[str, Any] = {
        "status": "partial" if rejected else "success",
        "message": f"{accepted} of {len(results)} interactions ingested",
        "accepted": accepted,
        "rejected": rejected,
        "results": [_from_result(index, result) for index, result in enumerate(results)],
    }
    if not accepted:
        problem = Problem("malformed_body", "No interaction of the batch was ingested")
        answer |= {"status": "error", "error": error_body(problem)}
    return answer


def _from_result(index: int, result: Receipt | PrecogError) -> dict[str, Any]:
    if isinstance(result, PrecogError):
        return {"index": index, "status": "error", "error": error_body(problem_from(result))}
    found: dict[str, Any] = {
        "index": index,
        "status": "success",
        "agentId": result.agent_id,
        "interactionId": result.interaction_id,
    }
    if result.replayed:
        found["replayed"] = True
    return found
