"""What is shown once is kept nowhere: in no table, no log, and no answer that comes later."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.conftest import Sandbox
from tests.surfaces.agents_with_keys import (
    AGENTS,
    INTROSPECT,
    JWKS,
    REFRESH,
    REVOKE,
    TOKEN,
    agent,
    bearer,
    tokens,
)
from tests.surfaces.calls import INGEST


def forms(raw: bytes) -> set[bytes]:
    """What bytes look like wherever they may have been written."""
    return {raw, raw.hex().encode(), base64.b64encode(raw)[:40], base64.urlsafe_b64encode(raw)[:40]}


def tables(sandbox: Sandbox) -> bytes:
    """All that the database holds."""
    names = sandbox.services.db.read(lambda tx: tx.tables())
    rows = [
        sandbox.services.db.read(lambda tx, name=name: [dict(row) for row in tx.all(f"SELECT * FROM {name}")])
        for name in names
        if "search" not in name and "words" not in name
    ]
    assert any(rows)
    return json.dumps(rows, default=str).encode()


@pytest.fixture
def story(sandbox, caplog):
    """All that was shown once, and what was answered, logged and kept afterwards."""
    caplog.set_level(logging.DEBUG)
    client = sandbox.client
    made = agent(client)
    held = tokens(client, made)
    access, renewal = held["access_token"], {"refresh_token": held["refresh_token"]}
    later = [
        client.get(AGENTS),
        client.get(f"{AGENTS}/{made['id']}"),
        client.patch(f"{AGENTS}/{made['id']}", json={"name": "x"}),
        client.get("/api/v1/agents"),
        client.get(JWKS),
        client.post(INTROSPECT, json={"token": access}),
        client.post(INTROSPECT, json={"token": held["refresh_token"]}),
        client.post(REFRESH, json=renewal),
        client.post(TOKEN, json={"agent_id": made["id"], "secret": made["secret"][:-1]}),
        client.post(INGEST, json={"prompt": "Hi", "response": "Hello"}, headers=bearer(access)),
        client.post(REVOKE, json=renewal, headers=bearer(access)),
        client.delete(f"{AGENTS}/{made['id']}"),
    ]
    key = load_pem_private_key(made["private_key"].encode(), None)
    signing = sandbox.services.signing_keys.signer().private
    secret = {made["secret"].encode(), held["refresh_token"].encode(), access.encode()}
    for one in (key, signing):
        secret |= forms(one.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    secret |= forms(made["secret"].encode())
    kept = tables(sandbox)
    if Path(url := sandbox.app.config["PRECOG"].database).is_file():
        kept += b"".join(path.read_bytes() for path in Path(url).parent.glob(f"{Path(url).name}*"))
    logged = caplog.text + str([vars(record) for record in caplog.records])
    return secret, kept, logged.encode(), [answer.data for answer in later]


def test_no_secret_is_kept_logged_or_told_again(story):
    secret, kept, logged, answers = story
    assert len(secret) >= 10
    assert b"payment-processor" in kept
    for one in secret:
        assert one not in kept
        assert one not in logged
        assert not any(one in answer for answer in answers)
    assert b"PRIVATE KEY" not in kept + logged + b"".join(answers)
