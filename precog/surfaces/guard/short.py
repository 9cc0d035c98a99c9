"""A verdict on the short way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core import lifecycle
from ...core.keys import Caller
from ...core.lifecycle import Question
from ...core.services import Services
from ..shortcut import Answer, Shortcut
from . import convert
from .schemas import load_question


def _prepare(environ: Mapping[str, Any], body: Any) -> Question:
    return load_question(body)


def _act(services: Services, caller: Caller, question: Question) -> Answer:
    judgement, quota = lifecycle.guard(services, caller, question)
    body, status = convert.from_judgement(judgement)
    return Answer(body, quota, convert.ratelimit_headers(quota, services.clock()), status)


JUDGE = Shortcut("/api/v1/guard", "guard", _prepare, _act, lambda _: {}, stale=True)
