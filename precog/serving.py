"""`precog serve`: granian's WSGI worker in this very process."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from granian.constants import Interfaces
from granian.server.mt import MTServer

from .core.services import Services
from .errors import ConfigurationError

log = logging.getLogger(__name__)


class _Alarm(threading.Event):
    """An event whose waiter looks up now and then.

    Python runs a signal's handler in the main thread, and a signal that comes just before that thread
    begins to wait does not wake it: SIGTERM in the first moments would be forgotten.
    """

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(0.5):
            pass
        return True


class _Server(MTServer):
    """granian's threaded server, which it offers for free-threaded Python and which runs as well on any.

    The usual one forks a worker: two processes to watch, and an orphan when the first is killed.
    """

    def __init__(
        self, *args: Any, services: Services, grace_s: float, patience_s: float, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._services = services
        self._grace_s = grace_s
        self._patience_s = patience_s
        self.main_loop_interrupt = _Alarm()

    def _check_gil(self) -> None:
        pass

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Tell load balancers first, then stop listening and finish what is under way."""
        stop: Callable[[], None] = super().signal_handler_interrupt
        # In another thread: this one may be holding the lock that `stop` takes.
        if self._services.draining:
            _later(0, stop)
            return
        self._services.draining = True
        _later(self._grace_s, stop)
        _later(self._grace_s + self._patience_s, self._give_up)

    def _give_up(self) -> None:
        # A sender that stalls in the middle of its body would keep the process for ever.
        log.warning("stopped with requests unfinished")
        self._services.close()
        for handler in logging.getLogger().handlers:
            handler.flush()
        os._exit(0)


def _later(seconds: float, what: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, what)
    timer.daemon = True
    timer.start()


def serve(
    app: Flask, *, host: str, port: int, threads: int, grace_s: float = 0.5, patience_s: float = 10
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is done within `patience_s`."""
    services: Services = app.extensions["precog"]
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
        patience_s=patience_s,
    )
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1)  # writes where every thread is to standard error
    logging.getLogger("_granian").setLevel(logging.ERROR)  # it warns of threads and of missing free-threading
    try:
        server.serve(target_loader=lambda: app, wrap_loader=False)
    finally:
        services.close()


def check_address(host: str, port: int) -> None:
    """Raise ConfigurationError when the address cannot be had."""
    # granian shares a port with whoever has it, which is never what a second start means.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigurationError(f"{host}:{port} cannot be listened on: {error.strerror}.") from error
