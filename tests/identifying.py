"""Agents with keys of their own, for tests that need one and not how it comes to be."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from precog.core.agent_tokens import AgentCaller
from precog.core.keys import Caller
from precog.core.services import Services
from precog.storage import audit
from precog.storage.audit import Entry
from tests.conftest import NOW, Sandbox

ADD = """
INSERT INTO agents (id, organization_id, agent_id, created_at, name, public_key, scopes)
VALUES (:id, :organization_id, :id, :now, 'payer', 'PEM', '[]')
"""


def identity(services: Services, organization_id: str) -> str:
    """A new identity's id."""
    id = str(uuid.uuid4())
    services.db.write(lambda tx: tx.run(ADD, id=id, organization_id=organization_id, now=NOW))
    return id


def operator(sandbox: Sandbox, organization_id: str | None = None) -> Caller:
    """Whoever has a key with every scope."""
    key = sandbox.key("telemetry", "read", "agents", "admin", organization_id=organization_id)
    return sandbox.services.authenticator.authenticate(key)


def acting(caller: Caller, agent_id: str) -> AgentCaller:
    """The agent, with an access token."""
    return AgentCaller(
        organization_id=caller.organization_id,
        agent_id=agent_id,
        scopes=frozenset(),
        jti="a-token",
        expires_at=NOW + 3_600_000,
        caller=caller,
    )


def audited(services: Services, organization_id: str) -> list[tuple[str, dict[str, Any]]]:
    """What the organization's audit entries tell of its agents, oldest first: event and metadata."""
    return [(entry.event_type, orjson.loads(entry.metadata)) for entry in entries(services, organization_id)]


def entries(services: Services, organization_id: str) -> list[Entry]:
    """The organization's audit entries that tell of an agent, oldest first."""
    found = services.db.read(audit.stretch, organization_id, after=0, last=2**62, limit=10_000)
    return [entry for entry in found if isinstance(entry, Entry) and entry.agent_id]
