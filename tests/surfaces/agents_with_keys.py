"""What the tests of agents with keys say again and again."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Sandbox

AGENTS = "/v1/agents"
TOKEN = "/v1/auth/token"
REFRESH = "/v1/auth/refresh"
REVOKE = "/v1/auth/revoke"
INTROSPECT = "/v1/auth/introspect"
JWKS = "/.well-known/jwks.json"


def agent(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    """A new agent, with its secret."""
    scopes = ["payments:read", "telemetry:write"]
    answer = client.post(AGENTS, json={"name": "payment-processor", "scopes": scopes, **fields})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def tokens(client: FlaskClient, made: dict[str, Any]) -> dict[str, Any]:
    """Tokens for an agent, by its secret."""
    answer = client.post(TOKEN, json={"agent_id": made["id"], "secret": made["secret"]})
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def as_agent(sandbox: Sandbox, token: str) -> FlaskClient:
    """A client that has an agent's access token and no key."""
    client = sandbox.app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def refused(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error, which must have this API's form and nothing beside it."""
    assert answer.content_type == "application/json"
    assert answer.json.keys() == {"detail", "code"}
    assert isinstance(answer.json["detail"], str)
    assert answer.json["detail"]
    assert answer.headers["X-Request-Id"]
    assert answer.headers["RateLimit-Limit"]
    return answer.status_code, answer.json["code"]
