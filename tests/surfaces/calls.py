"""What the tests of the API say again and again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

INGEST = "/api/v1/telemetry/ingest"
BATCH = "/api/v1/telemetry/batch"


def interaction(**fields: Any) -> dict[str, Any]:
    """A small valid interaction, with other fields where they are given."""
    return {"agentId": "bot", "prompt": "Hi", "response": "Hello", **fields}


def ingest(client: FlaskClient, **fields: Any) -> str:
    """Store an interaction; its id."""
    answer = client.post(INGEST, json=interaction(**fields))
    assert answer.status_code == 200, answer.json
    return answer.json["interactionId"]


def kept(client: FlaskClient, interaction_id: str) -> dict[str, Any]:
    """The interaction as it can be read back."""
    answer = client.get(f"/api/v1/interactions/{interaction_id}")
    assert answer.status_code == 200, answer.json
    return answer.json


def stored(client: FlaskClient) -> list[dict[str, Any]]:
    """The organization's interactions, newest first."""
    return client.get("/api/v1/interactions?limit=200").json["interactions"]


def pages(client: FlaskClient, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """All pages of a list, by its cursors."""
    (name,) = client.get(path).json.keys() - {"next_cursor"}
    found: list[list[dict[str, Any]]] = []
    cursor = None
    while True:
        answer = client.get(f"{path}?{urlencode(query | ({'cursor': cursor} if cursor else {}))}")
        assert answer.status_code == 200, answer.json
        found.append(answer.json[name])
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return found


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error, which must have the API's form and nothing beside it."""
    assert answer.content_type == "application/json"
    (name,) = answer.json
    assert name == "error"
    assert answer.json["error"].keys() == {"code", "message", "details"}
    assert isinstance(answer.json["error"]["message"], str)
    assert isinstance(answer.json["error"]["details"], dict)
    assert answer.headers["X-Request-Id"]
    return answer.status_code, answer.json["error"]["code"]


def field_fault(answer: TestResponse) -> tuple[str, str]:
    """Code and field of a 400 for a field; `expected` and `received` must say something."""
    status, code = refusal(answer)
    details = answer.json["error"]["details"]
    assert status == 400
    assert details.keys() == {"field", "expected", "received"}
    assert details["expected"] and details["received"]
    return code, details["field"]
