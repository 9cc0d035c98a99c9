"""The published documents: valid, complete, with examples that work, and never surprised by an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi_checks

from precog.core import identities, tokens
from precog.core.identities import Wanted
from precog.core.tokens import Asking
from precog.surfaces.telemetry.routes import PLATFORMS
from tests.conftest import Sandbox
from tests.shop import open_shop
from tests.surfaces.calls import ingest
from tests.surfaces.outside import REGISTER, partner, registered

SCOPES = ("telemetry", "guard", "agents", "read", "admin")
CREATES = {
    ("/api/v1/systems", "post"),
    ("/api/v1/catalogs", "post"),
    (REGISTER, "post"),
    ("/v1/agents", "post"),
    ("/v1/organizations", "post"),
    ("/sessions", "post"),
    ("/transactions/begin", "post"),
}
MAY_CONFLICT = {
    ("/api/v1/systems", "post"),
    ("/api/v1/catalogs", "post"),
    ("/api/v1/systems/{system_id}/policy", "patch"),
    ("/api/v1/ingest", "post"),
    ("/v1/agents/{agent_id}", "patch"),
    ("/transactions/begin", "post"),
    ("/transactions/{transaction_id}/commit", "post"),
    ("/transactions/{transaction_id}/rollback", "post"),
}
MAY_MISS = {
    ("/api/v1/ingest/finalize", "post"),
    (REGISTER, "post"),
    ("/sessions", "post"),
    ("/transactions/begin", "post"),
}
TRACK = ("/api/public/agents/{slug}/track-conversion", "post")
REVOKE = "/v1/auth/revoke"
# They need a token of the server's, or what was made before; their own tests have that.
UNPREPARED = {
    TRACK,
    (REVOKE, "post"),
    ("/v1/auth/token", "post"),
    ("/v1/auth/refresh", "post"),
    ("/v1/auth/introspect", "post"),
    ("/sessions", "post"),
    ("/transactions/begin", "post"),
    ("/transactions/{transaction_id}/commit", "post"),
    ("/transactions/{transaction_id}/rollback", "post"),
}
TAKE_NOTHING = ("/health", "/.well-known/jwks.json")  # of which nothing can be wrong
API = re.compile(r"/(api/v1/|api/public/|\.well-known/|v1/|sessions|transactions|audit|health$)")


@dataclass(frozen=True)
class Published:
    """A document, the headers that it tells the quota in, and the kind of key that its clients have."""

    url: str
    quota: frozenset[str]
    kind: str
    key_header: str
    bodies: int  # operations that take one, each platform's for itself
    always: frozenset[int] = frozenset({401, 403, 429, 500, 503})
    wrong: int = 400  # what a field is that is not as it must be

    def key(self, sandbox: Sandbox) -> str:
        """A key that may do everything in the document."""
        if self.kind == "caller":
            return partner(sandbox).environ_base["HTTP_X_CALLER_KEY"]
        return sandbox.key(*SCOPES) if self.kind == "precogx" else sandbox.first.keys[self.kind].secret

    def headers(self, sandbox: Sandbox) -> dict[str, str]:
        """Whatever its clients prove themselves by: some calls are an agent's, who has a token."""
        headers = {self.key_header: self.key(sandbox)}
        if self.kind == "certusordo":
            headers["Authorization"] = f"Bearer {agent(sandbox)[1]}"
        return headers


def agent(sandbox: Sandbox) -> tuple[str, str]:
    """A new agent's id and access token."""
    services = sandbox.services
    caller = services.authenticator.authenticate(sandbox.first.keys["certusordo"].secret)
    made = identities.create(services, caller, Wanted("tester"))
    asking = Asking(issuer="http://localhost", address="192.0.2.1")
    given = tokens.by_secret(services, asking, agent_id=made.identity.id, secret=made.secret)
    return made.identity.id, given.access_token


DOCUMENTS = [
    Published(
        "/api/v1/openapi.json",
        frozenset({"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}),
        "precogx",
        "x-api-key",
        9 + len(PLATFORMS),
    ),
    Published(
        "/api/v1/guard/openapi.json",
        frozenset({"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}),
        "agentid",
        "x-agentid-api-key",
        3,
    ),
    Published(
        "/api/public/openapi.json",
        frozenset({"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}),
        "caller",
        "X-Caller-Key",
        2,
        frozenset({400, 401, 429, 500, 503}),  # 400 also for what a caller says it is
    ),
    Published(
        "/v1/openapi.json",
        frozenset({"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}),
        "certusordo",
        "X-API-Key",
        3,
        wrong=422,
    ),
]


@pytest.fixture(params=DOCUMENTS, ids=["precogx", "agentid", "agilityos", "certusordo"])
def published(request) -> Published:
    return request.param


def read(client: FlaskClient, published: Published) -> dict[str, Any]:
    answer = client.get(published.url)
    assert answer.content_type == "application/json"
    return answer.json


@pytest.fixture
def document(sqlite_client, published) -> dict[str, Any]:
    return read(sqlite_client, published)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method in found.keys() & {"get", "post", "put", "patch", "delete"}:
            yield path, method, found[method]


def test_the_document_is_valid_openapi(document):
    assert document["openapi"].startswith("3.")
    validate(document)


def test_the_document_can_be_read_without_a_key(sqlite_sandbox, published):
    assert sqlite_sandbox.app.test_client().get(published.url).status_code == 200


def test_the_document_names_the_header_that_its_clients_send(published, document):
    schemes = document["components"]["securitySchemes"]
    assert schemes["ApiKey"] == {"type": "apiKey", "in": "header", "name": published.key_header}
    assert schemes["Bearer"] == {"type": "http", "scheme": "bearer"}


def test_every_route_of_the_api_is_in_one_document(sqlite_sandbox, sqlite_client):
    routes = {
        (re.sub(r"<(?:[^<>]+?:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in sqlite_sandbox.app.url_map.iter_rules()
        if API.match(rule.rule) and not rule.endpoint.startswith("openapi_")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    told = [
        (path, method)
        for published in DOCUMENTS
        for path, method, _ in operations(read(sqlite_client, published))
    ]
    assert sorted(told) == sorted(routes)


def test_every_answer_of_every_route_is_documented(document, published):
    for path, method, operation in operations(document):
        expected = {201 if (path, method) in CREATES else 200, *published.always}
        if operation.get("security") == []:
            expected -= {401, 403}
        if (path, method) == TRACK:
            expected.add(201)
        if "requestBody" in operation:
            expected |= {400, 413, 415, published.wrong}
        if any(parameter["in"] == "query" for parameter in operation.get("parameters", [])):
            expected.add(published.wrong)
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", [])):
            expected.add(409)
        if (path, method) in MAY_CONFLICT:
            expected.add(409)
        if "{" in path or (path, method) in MAY_MISS:
            expected.add(404)
        assert {int(status) for status in operation["responses"]} == expected, (method, path)


def test_every_header_of_every_answer_is_documented(document, published):
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            expected = published.quota | {"X-Request-Id"}
            expected |= {"429": {"Retry-After"}, "503": {"Retry-After"}, "401": {"WWW-Authenticate"}}.get(
                status, set()
            )
            if status == "200" and (path.endswith("telemetry/ingest") or "{platform}" in path):
                expected |= {"Idempotent-Replayed"}
            if (path, method, status) == ("/v1/agents", "get", "200"):
                expected |= {"X-Total-Count"}
            if status == "200" and path in ("/.well-known/jwks.json", "/v1/auth/token", "/v1/auth/refresh"):
                expected |= {"Cache-Control"}
            assert response["headers"].keys() == expected, (path, status)
            assert response["content"].keys() == {"application/json"}


def test_every_operation_says_what_it_does(document):
    for path, method, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["tags"]


# --- examples -------------------------------------------------------------------------------


def example_of(document: dict[str, Any], content: dict[str, Any]) -> Any:
    """The example of a body: its own, else made of its properties' examples."""
    if "example" in content:
        return content["example"]
    schema = content["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return {name: found["example"] for name, found in schema["properties"].items() if "example" in found}


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [error.message for error in OAS31Validator(whole).iter_errors(value)]


def with_examples(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "example" in value and ("type" in value or "schema" in value):
            yield value
        for inner in value.values():
            yield from with_examples(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from with_examples(inner)


def test_every_example_is_valid(document):
    found = list(with_examples(document))
    assert len(found) > 5
    for one in found:
        assert faults(document, one.get("schema", one), one["example"]) == []


def test_every_example_of_a_request_is_answered_as_documented(sandbox, document, published):
    ingest(sandbox.client, agentId="bot")
    client = sandbox.app.test_client()
    names = {
        "agent_id": agent(sandbox)[0] if published.kind == "certusordo" else "bot",
        "system_id": sandbox.first.system.id,
        "caller_id": registered(sandbox, "Other Bot")["callerId"],
        "slug": open_shop(sandbox).slug,
    }
    key = {published.key_header: published.key(sandbox)}
    sent = 0
    for path, method, operation in operations(document):
        if "requestBody" not in operation or (path, method) in UNPREPARED:
            continue
        example = example_of(document, operation["requestBody"]["content"]["application/json"])
        for platform in PLATFORMS if "{platform}" in path else [""]:
            answer = client.open(
                path.format(platform=platform, **names),
                method=method.upper(),
                json=example,
                headers=key,
            )
            assert answer.status_code == (201 if (path, method) in CREATES else 200), (path, answer.json)
            documented = operation["responses"][str(answer.status_code)]
            schema = documented["content"]["application/json"]["schema"]
            assert faults(document, schema, answer.json) == []
            sent += 1
    assert sent == published.bodies


# --- whatever the document allows -----------------------------------------------------------

CHECKS = [
    not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.ignored_auth,
]


EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_call_that_the_document_allows_or_forbids_is_answered_otherwise(sandbox, published, mode):
    headers = published.headers(sandbox)
    api = schemathesis.openapi.from_wsgi(published.url, sandbox.app)
    for found in api.get_all_operations():
        if mode is GenerationMode.NEGATIVE and found.ok().path in TAKE_NOTHING:
            continue
        sandbox.clock.advance(60_000)  # what is asked without a good key counts for the address

        @EXAMPLES
        @given(found.ok().as_strategy(generation_mode=mode))
        def call(case):
            # A token that was revoked is none.
            sent = published.headers(sandbox) if case.operation.path == REVOKE else headers
            case.call_and_validate(headers=sent, checks=CHECKS)

        call()
