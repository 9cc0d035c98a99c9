"""Precog: a light, embeddable security and telemetry service for AI agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from .core.times import Clock

__all__ = ["create_app"]


def create_app(config: Mapping[str, Any] | None = None, *, clock: Clock | None = None) -> Flask:
    """A WSGI application on its own database, ready to serve or to be mounted in another one.

    `config` holds settings by name (see `precog.config.Config`) and wins over the environment. `clock`
    gives the time in unix milliseconds. Raises ConfigurationError, DatabaseRefused or StorageUnavailable.
    """
    # Here, so that importing a part of Precog does not bring in all of it.
    from .application import build

    return build(config, clock=clock)
