"""What is sent for tokens, as JSON or as a form (RFC 6749, 7009, 7662), and what is answered."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ...errors import WrongValue
from ..fields import Choice, Text, fault

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPES = ("client_credentials", "refresh_token")
_LONGEST = 8_192


class TokenRequestSchema(ma.Schema):
    """What an agent proves itself by: `agent_id` and `secret`, or `client_assertion`.

    OAuth's clients say `client_id` and `client_secret`, and name the `grant_type`; by a refresh token, with
    the `grant_type` `refresh_token`, it is renewed here as well. An id beside an assertion, and an id or
    a secret beside a refresh token, must be the same agent's.
    """

    class Meta:
        unknown = ma.EXCLUDE

    MAY_BE_FORM = True

    agent_id = Text(longest=_LONGEST, metadata={"format": "uuid"})
    secret = Text(longest=_LONGEST)
    client_assertion = Text(
        longest=_LONGEST,
        metadata={
            "description": "A JWT that the agent has signed by its key (RFC 7523): `iss` and `sub` are its "
            "id, `aud` is this address or the issuer, `exp` at most 5 minutes ahead, `jti` used once."
        },
    )
    client_assertion_type = Text(longest=_LONGEST, metadata={"example": ASSERTION_TYPE})
    client_id = Text(longest=_LONGEST, metadata={"description": "Another name of `agent_id`."})
    client_secret = Text(longest=_LONGEST, metadata={"description": "Another name of `secret`."})
    grant_type = Choice(GRANT_TYPES, metadata={"enum": [*GRANT_TYPES, None]})
    refresh_token = Text(longest=_LONGEST)

    @ma.post_load
    def one_name(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Of two names for one thing, one is as good as the other, but they must say the same."""
        for name, other in (("agent_id", "client_id"), ("secret", "client_secret")):
            value = data.pop(other)
            if None not in (value, data[name]) and value != data[name]:
                wrong = fault(WrongValue, f"the same as {name}", "another string")
                raise ma.ValidationError({other: wrong.messages})
            data[name] = data[name] if value is None else value
        return data


class RefreshSchema(ma.Schema):
    """The refresh token."""

    class Meta:
        unknown = ma.EXCLUDE

    MAY_BE_FORM = True

    refresh_token = Text(required=True, longest=_LONGEST)


class RevokeSchema(ma.Schema):
    """What is to be ended: a `refresh_token` beside the access token that is sent, or the `token` alone."""

    class Meta:
        unknown = ma.EXCLUDE

    MAY_BE_FORM = True

    refresh_token = Text(longest=_LONGEST)
    token = Text(longest=_LONGEST, metadata={"description": "A refresh token, or an access token."})


class IntrospectSchema(ma.Schema):
    """The token to look at, of either kind."""

    class Meta:
        unknown = ma.EXCLUDE

    MAY_BE_FORM = True

    token = Text(required=True, longest=_LONGEST)


class AccessSchema(ma.Schema):
    """An access token."""

    access_token = ma.fields.String(required=True, metadata={"description": "A JWT, signed by EdDSA."})
    token_type = ma.fields.Constant("bearer", required=True, metadata={"type": "string"})
    expires_in = ma.fields.Integer(required=True, metadata={"example": 3600})


class TokensSchema(AccessSchema):
    """An access token, and a refresh token that is good for seven days, unless it was got by that."""

    refresh_token = ma.fields.String()


class RevokedSchema(ma.Schema):
    """It is done."""

    status = ma.fields.Constant("revoked", required=True, metadata={"type": "string"})


class StateSchema(ma.Schema):
    """What is known of a token (RFC 7662); of one that is not good, nothing else."""

    active = ma.fields.Boolean(required=True)
    sub = ma.fields.String(metadata={"description": "The agent's id."})
    client_id = ma.fields.String()
    scope = ma.fields.String()
    jti = ma.fields.String()
    exp = ma.fields.Integer()
    token_type = ma.fields.String(metadata={"enum": ["access_token", "refresh_token"]})


class KeySchema(ma.Schema):
    """A public key."""

    kty = ma.fields.String(required=True, metadata={"example": "OKP"})
    crv = ma.fields.String(required=True, metadata={"example": "Ed25519"})
    x = ma.fields.String(required=True)
    kid = ma.fields.String(required=True, metadata={"description": "The RFC 7638 thumbprint."})
    use = ma.fields.String(required=True, metadata={"example": "sig"})
    alg = ma.fields.String(required=True, metadata={"example": "EdDSA"})


class KeysSchema(ma.Schema):
    """The keys by which tokens that are good now may be signed."""

    keys = ma.fields.List(ma.fields.Nested(KeySchema), required=True)
