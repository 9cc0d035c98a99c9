"""Other people's servers take `app:app` too."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .live import free_port, precog_json, running

ROOT = Path(__file__).parents[1]

SERVERS = {
    "flask": "flask --app app:app run --port {port}",
    # Two children of a parent that has made the application and used its database.
    "gunicorn": "gunicorn --preload --workers 2 --threads 4 --bind 127.0.0.1:{port} app:app",
    "waitress": "waitress --listen 127.0.0.1:{port} app:app",
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_wsgi_server_serves_the_app_of_the_checkout(name: str, database_url: str, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    key = precog_json("init", instance=instance, database=database_url)["keys"]["precogx"]
    port = free_port()
    environment = {
        "PRECOG_INSTANCE": str(instance),
        "PRECOG_DATABASE": database_url,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", *SERVERS[name].format(port=port).split()]
    with running(command, port=port, log=tmp_path / "log", environment=environment) as server:

        def send(number: int) -> tuple[int, str]:
            body = {"agentId": "served", "prompt": f"{number}", "response": name}
            status, _, answer = server.request("POST", "/api/v1/telemetry/ingest", key=key, body=body)
            return status, answer["interactionId"]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(40)))
        assert {status for status, _ in answers} == {200}
        for number, (_, id) in enumerate(answers):
            status, _, kept = server.request("GET", f"/api/v1/interactions/{id}", key=key)
            assert (status, kept["prompt"]) == (200, str(number))
        assert server.stop() in (0, -15)
