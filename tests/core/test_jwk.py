"""Public keys in and out, and what is sealed."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from precog.core import jwk
from precog.core.sealing import Sealer

# The key of RFC 8037, appendix A.
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def key() -> Ed25519PublicKey:
    return jwk.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": X})


def test_a_jwk_comes_out_as_it_went_in() -> None:
    assert jwk.to_jwk(key()) == {"kty": "OKP", "crv": "Ed25519", "x": X}


def test_the_thumbprint_is_the_one_of_rfc_8037() -> None:
    assert jwk.thumbprint({"kty": "OKP", "crv": "Ed25519", "x": X, "use": "sig"}) == THUMBPRINT


def test_a_pem_comes_out_as_it_went_in() -> None:
    pem = jwk.to_pem(key())
    assert jwk.to_pem(jwk.from_pem(pem)) == pem


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN PRIVATE KEY-----", "A" * 10_000])
def test_what_is_no_public_key_is_refused(pem: str) -> None:
    with pytest.raises(ValueError):
        jwk.from_pem(pem)


def test_what_was_sealed_is_opened_by_every_secret_that_is_still_there() -> None:
    sealed = Sealer(["old"], purpose="p").seal(b"content", name="n")
    assert Sealer(["old", "new"], purpose="p").open(sealed, name="n") == b"content"
    assert Sealer(["new"], purpose="p").open(sealed, name="n") is None
    assert Sealer(["old"], purpose="q").open(sealed, name="n") is None
    assert Sealer(["old"], purpose="p").open(sealed, name="m") is None


@pytest.mark.parametrize("sealed", ["", "x", "é", "AAAA", "A" * 400])
def test_what_was_never_sealed_is_not_opened(sealed: str) -> None:
    assert Sealer(["old"], purpose="p").open(sealed, name="n") is None


def test_an_altered_seal_is_not_opened() -> None:
    raw = bytearray(base64.urlsafe_b64decode(Sealer(["old"], purpose="p").seal(b"content", name="n")))
    raw[-1] ^= 1
    altered = base64.urlsafe_b64encode(bytes(raw)).decode()
    assert Sealer(["old"], purpose="p").open(altered, name="n") is None
