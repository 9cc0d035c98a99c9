"""A bare Flask echo on the server software of `precog serve`: the yardstick. Arguments: port, threads."""

import sys

from flask import Flask, jsonify, request
from granian.constants import Interfaces
from granian.server.mt import MTServer

app = Flask(__name__)


@app.post("/echo")
def echo():
    return jsonify(request.get_json())


@app.get("/healthz")
def healthz():
    return "alive"


class Server(MTServer):
    """In one process, as precog.serving explains."""

    def _check_gil(self) -> None:
        pass


Server(
    "echo",
    address="127.0.0.1",
    port=int(sys.argv[1]),
    interface=Interfaces.WSGI,
    blocking_threads=int(sys.argv[2]),
    backlog=1024,
    websockets=False,
    log_enabled=False,
).serve(target_loader=lambda: app, wrap_loader=False)
