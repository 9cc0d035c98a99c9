"""Keys for tests, and whether they are let in."""

from __future__ import annotations

from typing import Any

from precog.core import administration
from precog.core.administration import KeyRequest
from precog.core.keys import NewKey
from precog.core.services import Services
from precog.errors import Unauthenticated
from tests.conftest import Sandbox


def admits(services: Services, key: str) -> bool:
    try:
        return bool(services.authenticator.authenticate(key))
    except Unauthenticated:
        return False


def make(sandbox: Sandbox, **fields: Any) -> NewKey:
    request = KeyRequest(kind="precogx", prefix="px_live_", name="test", **fields)
    return administration.create_key(sandbox.services, sandbox.organization_id, request)
