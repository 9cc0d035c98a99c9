"""A model of our own making that speaks OpenAI's chat completions: it says what it was told."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
PIECE = 5  # characters of an answer that is streamed: shorter than any placeholder
NAME = "echo-1"


@dataclass
class Model:
    """Where it listens, and every prompt that reached it."""

    url: str = ""
    prompts: list[str] = field(default_factory=list)


def answer_to(prompt: str) -> str:
    return f"You said: {prompt}"


@contextlib.contextmanager
def serving_model() -> Iterator[Model]:
    """A model on a port of its own; it is gone afterwards."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = request["messages"][-1]["content"]
            model.prompts.append(prompt)
            if request.get("stream"):
                self._send("text/event-stream", _stream(answer_to(prompt)))
            else:
                self._send("application/json", json.dumps(_whole(answer_to(prompt))))

        def _send(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing on the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        model.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join()


def _whole(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return _object("chat.completion", choice, usage=USAGE)


def _stream(text: str) -> str:
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    deltas = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
    last = _object("chat.completion.chunk", {"index": 0, "delta": {}, "finish_reason": "stop"}, usage=USAGE)
    chunks = [*(_object("chat.completion.chunk", delta) for delta in deltas), last]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _object(kind: str, choice: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": NAME, "choices": [choice], **more}
