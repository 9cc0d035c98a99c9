"""`precog serve`: granian's WSGI worker in this very process, and JSON log lines."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask
from granian.constants import Interfaces
from granian.server.mt import MTServer

from .core.services import Services
from .errors import ConfigurationError


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "precog", {})
        return orjson.dumps(line, default=str).decode()


def log_as_json(level: str) -> None:
    """Send every log line of this process to standard error, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class _Server(MTServer):
    """granian's threaded server, which it offers for free-threaded Python and which runs as well on any.

    The usual one forks a worker: two processes to watch, and an orphan when the first is killed.
    """

    def __init__(self, *args: Any, services: Services, grace_s: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._services = services
        self._grace_s = grace_s

    def _check_gil(self) -> None:
        pass

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Tell load balancers first, then stop listening and finish what is under way."""
        stop = super().signal_handler_interrupt
        if self._services.draining or not self._grace_s:
            self._services.draining = True
            stop()
            return
        self._services.draining = True
        timer = threading.Timer(self._grace_s, stop)
        timer.daemon = True
        timer.start()


def serve(app: Flask, *, host: str, port: int, threads: int, grace_s: float) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError when the address cannot be had."""
    services: Services = app.extensions["precog"]
    _check_address(host, port)
    server = _Server(
        "precog",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        backlog=1024,
        websockets=False,
        log_enabled=False,
        services=services,
        grace_s=grace_s,
    )
    logging.getLogger("_granian").setLevel(logging.ERROR)  # it warns of threads and of missing free-threading
    try:
        server.serve(target_loader=lambda: app, wrap_loader=False)
    finally:
        services.close()


def _check_address(host: str, port: int) -> None:
    # granian shares a port with whoever has it, which is never what a second start means.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigurationError(f"{host}:{port} cannot be listened on: {error.strerror}.") from error
