"""Checkpoints are signed by a key that the database does not have, and nothing else passes for one."""

from __future__ import annotations

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from precog.core import jwk
from precog.core.checkpoint_signer import LONGEST, Checkpoint, CheckpointSigner
from precog.errors import WrongValue
from tests.conftest import NOW

OLD, NEW = "an old secret of this server", "a new secret of this server"
MADE = Checkpoint("org-1", 42, "ab" * 32, NOW)


def refused(signer, text):
    with pytest.raises(WrongValue) as caught:
        signer.read(text)
    return caught.value.field == "checkpoint"


def test_what_was_signed_is_read():
    signer = CheckpointSigner([NEW])
    assert signer.read(signer.sign(MADE)) == MADE


def test_another_library_verifies_it_by_the_public_key():
    signer = CheckpointSigner([NEW])
    key = OKPKey.import_key(jwk.to_pem(signer.public_key))
    with pytest.warns(match="EdDSA"):
        found = jws.deserialize_compact(signer.sign(MADE), key, algorithms=["EdDSA"])
    assert orjson.loads(found.payload) == {
        "seq": 42,
        "head": "ab" * 32,
        "time": "2026-01-15T10:30:00.000Z",
        "org": "org-1",
    }
    assert found.protected["kid"] == key.thumbprint()


def test_it_is_good_while_the_secret_is_listed():
    signed = CheckpointSigner([OLD]).sign(MADE)
    assert CheckpointSigner([OLD, NEW]).read(signed) == MADE
    assert refused(CheckpointSigner([NEW]), signed)


def test_the_newest_secret_signs():
    signed = CheckpointSigner([OLD, NEW]).sign(MADE)
    assert CheckpointSigner([NEW]).read(signed) == MADE


def test_what_the_same_key_signed_as_something_else_is_no_checkpoint():
    signer = CheckpointSigner([NEW])
    text = jwt.api_jws.encode(b"{}", signer._keys[0], algorithm="EdDSA", headers={"typ": "JWT"})
    assert refused(signer, text)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "\x00", "é", "a" * (LONGEST + 1)])
def test_what_is_no_checkpoint_is_refused(text):
    assert refused(CheckpointSigner([NEW]), text)


@given(st.text(max_size=200))
def test_whatever_is_sent_is_refused_in_a_sentence(text):
    assert refused(CheckpointSigner([NEW]), text)


@given(st.data())
def test_one_altered_character_is_noticed(data):
    signer = CheckpointSigner([NEW])
    signed = signer.sign(MADE)
    # The last character has bits to spare, which mean nothing.
    at = data.draw(st.integers(0, len(signed) - 2))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda one: one != signed[at]))
    assert refused(signer, signed[:at] + other + signed[at + 1 :])
