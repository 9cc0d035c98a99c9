"""A live server for the whole folder; each test has an organization of its own on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from certusrodo import Agent, AgentCreate, CertusOrdoClient

from tests.live import Server, precog_json, serving
from tests.served import ENGINES, database_of


@dataclass(frozen=True)
class Live:
    """A server, its operator's key, and a key of one of its organizations."""

    server: Server
    operator_key: str
    key: str

    def client(self, key: str | None = None) -> CertusOrdoClient:
        """The official client; all that is changed is where it goes."""
        return CertusOrdoClient(key or self.key, base_url=self.server.url)


@pytest.fixture(scope="package", params=ENGINES)
def _operated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    instance, database = tmp_path_factory.mktemp("certusordo") / "instance", database_of(request)
    key = precog_json("init", instance=instance, database=database)["keys"]["certusordo"]
    with serving(instance, database=database) as server:
        yield Live(server, key, key)


@pytest.fixture
def live(_operated: Live) -> Live:
    """The server, with a new organization's key."""
    with _operated.client() as operator:
        made = operator.organizations.create("Acme")
    return Live(_operated.server, _operated.operator_key, made.api_key)


@pytest.fixture
def client(live: Live) -> Iterator[CertusOrdoClient]:
    with live.client() as opened:
        yield opened


@pytest.fixture
def agent(client: CertusOrdoClient) -> AgentCreate:
    """An agent of the client's organization."""
    return client.agents.create("payer", scopes=["payments:write"])


@pytest.fixture
def acting(client: CertusOrdoClient, agent: Agent) -> CertusOrdoClient:
    """The client, with the agent's access token."""
    client.auth.get_token(agent.id, agent.secret)
    return client
