"""The clients that PrecogX publishes, run as they are but for the base URL and the key.

They are read from where PRECOG_CLIENTS says, else from `../shared/clients` beside the checkout; where
they, or what runs them, are absent the tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .live import Server, precog_json, serving

FOLDER = Path(os.environ.get("PRECOG_CLIENTS") or Path(__file__).parents[2] / "shared" / "clients")
BASE_URL = "https://api.precogx.ai/api/v1"
KEY = "px_live_your_actual_api_key_here"
NODE = shutil.which("node")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    instance = tmp_path_factory.mktemp("vendor") / "instance"
    key = precog_json("init", instance=instance)["keys"]["precogx"]
    with serving(instance) as running:
        yield running, key


def text_of(name: str, url: str, key: str) -> str:
    """The client's text, pointed at our server."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    text = path.read_text()
    assert text.count(BASE_URL) == text.count(KEY) == 1
    return text.replace(BASE_URL, f"{url}/api/v1").replace(KEY, key)


def run(command: list[str], script: Path, text: str) -> str:
    script.write_text(text)
    done = subprocess.run([*command, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr
    return done.stdout


def stored(server: Server, key: str, agent_id: str) -> list[dict[str, Any]]:
    """The agent's interactions as the API gives them back one by one, oldest first."""
    _, _, page = server.request("GET", f"/api/v1/interactions?agentId={agent_id}", key=key)
    ids = [one["interactionId"] for one in reversed(page["interactions"])]
    return [server.request("GET", f"/api/v1/interactions/{id}", key=key)[2] for id in ids]


# The published example sends no tool call and prints nothing: one more call each.
PYTHON_CALLS = """
print(result)
print(client.send_telemetry(
    agent_id="python-chatbot",
    prompt="And in Oslo?",
    response="",
    metadata={"custom": {"nested": [1, 2.5, None, True]}},
    tool_calls=[{"name": "weather", "arguments": {"city": "Oslo"}, "result": "4 °C"}],
))
"""
NODE_CALLS = """
client.sendTelemetry(
  'nodejs-tools',
  'And in Oslo?',
  '',
  { custom: { nested: [1, 2.5, null, true] } },
  [{ name: 'weather', arguments: { city: 'Oslo' }, result: '4 °C' }]
).then(result => { console.log('And the tools:', result); });
"""
TOOL_CALL = {"name": "weather", "arguments": {"city": "Oslo"}, "result": "4 °C"}


def test_the_python_client_works_unchanged(server: tuple[Server, str], tmp_path: Path) -> None:
    running, key = server
    text = text_of("python_client.py", running.url, key) + PYTHON_CALLS

    printed = run([sys.executable], tmp_path / "client.py", text)

    assert printed.count("'status': 'success'") == 2
    assert "failed" not in printed
    asked, tooled = stored(running, key, "python-chatbot")
    assert asked["prompt"] == "What's the weather like?"
    assert asked["response"] == "I don't have access to real-time weather data."
    assert asked["metadata"] == {
        "user_id": "user123",
        "session_id": "sess456",
        "model": "gpt-4",
        "platform": "python-custom",
    }
    assert asked["toolCalls"] == []
    assert tooled["toolCalls"] == [TOOL_CALL]
    assert tooled["metadata"] == {"custom": {"nested": [1, 2.5, None, True]}}
    assert asked["interactionId"] in printed
    assert tooled["interactionId"] in printed


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_node_client_works_unchanged(server: tuple[Server, str], tmp_path: Path) -> None:
    running, key = server
    assert NODE is not None
    if subprocess.run([NODE, "-e", "require('axios')"], capture_output=True, timeout=60).returncode:
        pytest.skip("NODE_PATH leads to no axios")
    text = text_of("node_client.js", running.url, key) + NODE_CALLS

    printed = run([NODE], tmp_path / "client.js", text)

    assert printed.count("status: 'success'") == 2
    assert "Telemetry sent successfully:" in printed
    (asked,) = stored(running, key, "nodejs-assistant")
    assert asked["prompt"] == "Help me write a professional email"
    assert asked["response"].startswith("I'd be happy to help you write a professional email.")
    assert asked["metadata"] == {
        "userId": "user789",
        "sessionId": "sess123",
        "model": "gpt-4",
        "platform": "nodejs-custom",
    }
    (tooled,) = stored(running, key, "nodejs-tools")
    assert tooled["toolCalls"] == [TOOL_CALL]
    assert tooled["metadata"] == {"custom": {"nested": [1, 2.5, None, True]}}
    assert asked["interactionId"] in printed
    assert tooled["interactionId"] in printed


def test_a_client_with_a_wrong_key_is_told(server: tuple[Server, str], tmp_path: Path) -> None:
    running, _ = server
    printed = run([sys.executable], tmp_path / "client.py", text_of("python_client.py", running.url, KEY))
    assert printed.startswith("PrecogX telemetry failed: 401 Client Error")
