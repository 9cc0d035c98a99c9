"""What the tests of the outside callers' API say again and again."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from precog.core import callers
from tests.conftest import Sandbox

REGISTER = "/api/public/recommendation/register"
NOTHING = "/api/public/nothing"  # a way to ask that needs nothing but a quota
WELL_KNOWN = "/.well-known/agents.json"
QUOTA = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

# Letter for letter what browsers are promised.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization, X-Agent-Id, X-Caller-Key, X-Caller-Mode, "
    "X-Session-Id, X-Conversion-Token",
    "Access-Control-Expose-Headers": "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    "X-Caller-Id, X-Request-Id",
    "Access-Control-Max-Age": "7200",
}


def stranger(sandbox: Sandbox, address: str = "127.0.0.1", **headers: str) -> FlaskClient:
    """A client from outside, from an address, that sends these headers: `X_Agent_Id="a"`."""
    client = sandbox.app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    for name, value in headers.items():
        client.environ_base[f"HTTP_{name.upper()}"] = value
    return client


def registered(sandbox: Sandbox, name: str = "Shop Bot", **fields: Any) -> dict[str, Any]:
    """A new caller's id and key, from an address of its own."""
    answer = stranger(sandbox, f"192.0.2.{len(name)}").post(REGISTER, json={"name": name, **fields})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def partner(sandbox: Sandbox, tier: str = "partner") -> FlaskClient:
    """A client with the key of a caller that has a tier."""
    made = registered(sandbox)
    share = 1_000 if tier == "partner" else None
    callers.grant(sandbox.services, None, made["callerId"], tier=tier, revenue_share_e2=share)
    return stranger(sandbox, X_Caller_Key=made["callerKey"])


def quota(answer: TestResponse) -> tuple[int, int, int]:
    """Limit, remaining and reset; each exactly once."""
    limit, remaining, reset = (int(value) for name in QUOTA for value in answer.headers.getlist(name))
    return limit, remaining, reset


def carries_all(answer: TestResponse) -> None:
    """Fail unless the answer has what every answer of this API has, each exactly once."""
    for name, value in CORS.items():
        assert answer.headers.getlist(name) == [value], name
    limit, remaining, reset = quota(answer)
    assert 0 <= remaining <= limit
    assert 0 < reset <= 60
    assert len(answer.headers.getlist("X-Request-Id")) == 1


def refused(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error, which must have this API's form and nothing beside it."""
    carries_all(answer)
    assert answer.content_type == "application/json"
    assert answer.json.keys() == {"error", "message"}
    assert isinstance(answer.json["message"], str)
    assert answer.json["message"]
    return answer.status_code, answer.json["error"]
