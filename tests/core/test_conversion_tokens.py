"""Conversion tokens are good for one session with one agent, for a day, and for nothing else."""

from __future__ import annotations

import base64
import hmac
from types import SimpleNamespace

import itsdangerous.signer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core import conversions
from precog.core.conversion_tokens import TOLERANCE_MS, ConversionTokens, signed_text
from precog.errors import ConversionTokenExpired, InvalidConversionToken
from tests.conftest import NOW

DAY_MS = 86_400_000
OLD, NEW = "an old secret of the server", "the newest secret of the server"
TOKENS = ConversionTokens([OLD, NEW])


def issue(tokens=TOKENS, session_id="s-1", agent_id="savoir", now=NOW):
    return tokens.issue(session_id=session_id, agent_id=agent_id, now=now).text


def verify(token, tokens=TOKENS, session_id="s-1", agent_id="savoir", now=NOW):
    tokens.verify(token, session_id=session_id, agent_id=agent_id, now=now)


def refused(token, **changed):
    with pytest.raises(InvalidConversionToken):
        verify(token, **changed)


def test_a_token_is_an_expiry_and_the_hmac_of_the_documented_text():
    expires_s, signature = issue().split(".")
    assert int(expires_s) * 1000 == NOW + DAY_MS
    key = hmac.digest(NEW.encode(), b"precog.conversion", "sha256")
    made = hmac.digest(key, f"s-1|savoir|{expires_s}".encode(), "sha256")
    assert signature == base64.urlsafe_b64encode(made).decode().rstrip("=")


def test_a_token_is_good_for_its_session_and_agent():
    verify(issue())


@pytest.mark.parametrize(
    "changed", [{"session_id": "s-2"}, {"agent_id": "other"}, {"session_id": "s-1|savoir", "agent_id": ""}]
)
def test_a_token_of_another_session_or_agent_is_refused(changed):
    refused(issue(), **changed)


def test_a_token_expires_after_a_day_and_the_clocks_tolerance():
    token = issue()
    verify(token, now=NOW + DAY_MS + TOLERANCE_MS)
    with pytest.raises(ConversionTokenExpired):
        verify(token, now=NOW + DAY_MS + TOLERANCE_MS + 1)


def test_a_part_of_a_second_is_not_taken_off_the_day():
    assert TOKENS.issue(session_id="s", agent_id="a", now=NOW + 1).expires_at == NOW + DAY_MS + 1000


def test_a_forged_token_that_is_expired_is_told_to_be_forged():
    refused("1." + issue().split(".")[1], now=NOW)


def test_a_token_of_a_retired_secret_is_good_while_the_secret_is_listed():
    old = issue(ConversionTokens([OLD]))
    verify(old)
    refused(old, tokens=ConversionTokens([NEW]))
    refused(issue(ConversionTokens(["a secret that nobody knows"])))


@pytest.mark.parametrize("place", range(44 + 11))
@pytest.mark.parametrize("other", ["A", "B", "1", "=", " ", "."])
def test_a_token_with_another_character_is_refused(place, other):
    token = issue()
    if place < len(token) and token[place] != other:
        refused(token[:place] + other + token[place + 1 :])


def test_a_signature_can_be_written_in_one_way_only():
    """Two bits of the last character are to spare; a decoder takes it with whatever they say."""
    token = issue()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for letter in letters.replace(token[-1], ""):
        refused(token[:-1] + letter)


@pytest.mark.parametrize("length", range(0, 53, 4))
def test_a_truncated_token_is_refused(length):
    refused(issue()[:length])


@pytest.mark.parametrize(
    "make",
    [
        lambda expires, signature: f"{expires}.{signature}=",
        lambda expires, signature: f"{expires}.{signature}\n",
        lambda expires, signature: f" {expires}.{signature}",
        lambda expires, signature: f"0{expires}.{signature}",
        lambda expires, signature: f"+{expires}.{signature}",
        lambda expires, signature: f"-{expires}.{signature}",
        lambda expires, signature: f"{expires}e0.{signature}",
        lambda expires, signature: f"{'9' * 5_000}.{signature}",
        lambda expires, signature: f"{expires}.{signature}.{signature}",
        lambda expires, signature: f"{expires}.{'!' * 9}{signature}",
        lambda expires, signature: f"{expires}.{signature[:-1]}é",
        lambda expires, signature: "".join(chr(0xFEE0 + ord(digit)) for digit in expires) + f".{signature}",
        lambda expires, signature: f"{expires}.{chr(0xDC00) * 43}",
        lambda expires, signature: "\0",
        lambda expires, signature: ".",
        lambda expires, signature: "",
    ],
)
def test_rubbish_is_refused(make):
    refused(make(*issue().split(".")))


def test_signatures_are_compared_in_constant_time(monkeypatch):
    compared = []

    def compare_digest(one, other):
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    token = issue()
    monkeypatch.setattr(
        itsdangerous.signer, "hmac", SimpleNamespace(new=hmac.new, compare_digest=compare_digest)
    )
    verify(token)
    refused(token, session_id="s-2")
    assert compared == [(32, 32)] * 3  # with the newest secret, then with both


@given(st.text(st.characters(), max_size=80))
def test_whatever_is_no_token_is_refused(text):
    refused(text)


@given(st.text(st.characters()))
def test_a_session_may_have_any_name(session_id):
    verify(issue(session_id=session_id), session_id=session_id)


PARTS = st.text(st.sampled_from("ab1|.%257C25é\udc00"), max_size=6) | st.text(st.characters(), max_size=6)


@given(PARTS, PARTS, PARTS, PARTS, PARTS, PARTS)
def test_no_two_triples_share_a_signed_text(session, agent, expiry, other_session, other_agent, other_expiry):
    one, other = (session, agent, expiry), (other_session, other_agent, other_expiry)
    assert (signed_text(*one) == signed_text(*other)) == (one == other)


@given(st.lists(PARTS, min_size=2, max_size=6).flatmap(st.permutations), st.data())
def test_a_joined_text_cannot_be_cut_elsewhere(parts, data):
    joined = "|".join([*parts, "", ""])
    cuts = [place for place, letter in enumerate(joined) if letter == "|"]
    first = data.draw(st.tuples(st.sampled_from(cuts), st.sampled_from(cuts)).map(sorted))
    second = data.draw(st.tuples(st.sampled_from(cuts), st.sampled_from(cuts)).map(sorted))
    triples = [(joined[:a], joined[a + 1 : b], joined[b + 1 :]) for a, b in (first, second)]
    assert (signed_text(*triples[0]) == signed_text(*triples[1])) == (triples[0] == triples[1])


def test_the_servers_secrets_sign_oldest_first(make_sandbox, tmp_path):
    def server(number, *secrets):
        return make_sandbox(database=str(tmp_path / f"{number}.sqlite3"), secret_key=list(secrets)).services

    before, after, later = server(1, OLD), server(2, OLD, NEW), server(3, NEW)
    token, expires_at = conversions.issue(before, session_id="s", slug="savoir", now=NOW)
    assert expires_at == NOW + DAY_MS
    conversions.verify(after, token, session_id="s", slug="savoir", now=NOW)
    with pytest.raises(InvalidConversionToken):
        conversions.verify(later, token, session_id="s", slug="savoir", now=NOW)
    token, _ = conversions.issue(after, session_id="s", slug="savoir", now=NOW)
    conversions.verify(later, token, session_id="s", slug="savoir", now=NOW)
