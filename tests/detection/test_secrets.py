"""Secrets are found where they stand, and what only looks like one is left alone."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.core.keys import generate
from precog.detection import secrets
from precog.detection.findings import Finding
from precog.detection.secret_detectors import Detector
from precog.detection.secret_tokens import fill

ALL = [pytest.param(detector, id=detector.name) for detector in secrets.detectors()]
# Put together here, so that no line of this file is a token.
GITHUB = "gh" + "p_" + fill("[A-Za-z0-9]", 36)
PRIVATE_KEY = "\n".join(
    ["-----BEGIN " + "PRIVATE KEY-----", *[fill("[A-Za-z0-9]", 64)] * 5, "-----END " + "PRIVATE KEY-----"]
)
RANDOM = "q7Wz2KpL9xVb4NtR8mYc3JhD"


def strong(text: str) -> list[Finding]:
    return [finding for finding in secrets.find(text) if finding.score >= 0.5]


def texts(text: str) -> list[str]:
    return [text[slice(*finding.span)] for finding in secrets.find(text)]


@pytest.mark.parametrize("detector", ALL)
def test_a_detector_finds_its_hits_and_leaves_its_misses(detector: Detector) -> None:
    def score(text: str) -> float:
        rule = f"secret.{detector.name}"
        return max((finding.score for finding in secrets.find(text) if finding.rule == rule), default=0)

    assert detector.hits
    assert len(detector.misses) >= 2
    assert [text for text in detector.hits if score(text) < 0.5] == []
    assert [text for text in detector.misses if score(text) >= 0.5] == []


def test_detectors_have_names_of_their_own_and_labels_that_placeholders_take() -> None:
    names = [detector.name for detector in secrets.detectors()]
    assert len(set(names)) == len(names) > 80
    assert all(re.fullmatch("[A-Z][A-Z0-9_]*", detector.label) for detector in secrets.detectors())


def test_a_finding_says_where_the_secret_alone_stands() -> None:
    assert texts(f"é🔑 token {GITHUB}, and then password='Xk29vLq!' 密码是Kx99Lm21。") == [
        GITHUB,
        "Xk29vLq!",
        "Kx99Lm21",
    ]
    assert texts("My password is Hunter2x. Thanks") == ["Hunter2x"]
    assert texts("see postgres://app:s3cr3tHorse9@db/app for it") == ["postgres://app:s3cr3tHorse9@db/app"]


def test_a_private_key_is_found_whole_also_within_json() -> None:
    assert texts(f"before\n{PRIVATE_KEY}\nafter") == [PRIVATE_KEY]
    [escaped] = [text for text in texts(json.dumps({"private_key": PRIVATE_KEY})) if "BEGIN" in text]
    assert escaped == json.dumps(PRIVATE_KEY)[1:-1]


def test_findings_of_one_text_do_not_overlap_and_the_surest_stays() -> None:
    [finding] = secrets.find(f"GITHUB_TOKEN={GITHUB}")
    assert (finding.rule, finding.label) == ("secret.github", "TOKEN")


@pytest.mark.parametrize("prefix", ["px_live_", "sk_live_", "aa_"])
def test_a_key_that_this_service_issues_is_known_by_its_checksum(prefix: str) -> None:
    key = generate(prefix)
    assert [finding.rule for finding in secrets.find(f"use {key} please")] == ["secret.own_api_key"]
    other = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert "secret.own_api_key" not in [finding.rule for finding in secrets.find(f"use {other} please")]


@pytest.mark.parametrize(
    "text",
    [
        "The run 3f2c1d4e-9a8b-4c7d-8e6f-1a2b3c4d5e6f failed.",
        f"fixed in commit {fill('[0-9a-f]', 40)}",
        f"git checkout {fill('[0-9a-f]', 40)} -- secrets.py",
        f"data:image/png;base64,{base64.b64encode(bytes(range(256)) * 4).decode()}",
        f'<script src="token.js" integrity="sha256-{base64.b64encode(bytes(range(32))).decode()}"></script>',
        f'"integrity": "sha512-{base64.b64encode(bytes(range(64))).decode()}"',
        f'name = "secrecy"\nversion = "0.10.3"\nchecksum = "{fill("[0-9a-f]", 64)}"',
        f"sha256:{fill('[0-9a-f]', 64)}  api-key-tool.tar.gz",
        "How long should my password be? Mine has 12 characters.",
        "Please reset my password: https://example.org/reset/password?step=2",
        "Passwords are hashed with bcrypt; the password is salted first.",
        "What is the difference between an API key and an access token?",
        "The tokenizer splits `token` = `tok` + `en`.",
        "const password = req.body.password;",
        'user = User(name="Ada", password=password)',
        "password: Optional[str] = Field(default=None, min_length=8)",
        "if (password === confirmPassword) { submit() }",
        'password = os.getenv("DB_PASSWORD")',
        "api_key: ${{ secrets.API_KEY_FOR_PRODUCTION_2024 }}",
        "export OPENAI_API_KEY=sk-...",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $ACCESS_TOKEN_FROM_VAULT_2024",
        "postgres://user:password@localhost:5432/db",
        "The password policy: 8-64 characters, one digit.",
        "I forgot my password and my pin is blocked",
        "La contraseña es obligatoria. Das Passwort ist zu kurz. Le mot de passe est incorrect.",
        "пароль неверный, 密码错误, パスワードが違います",
        "CLASS AccessTokenAuthenticationProviderFactory2 implements TokenProvider",
        "secret_key_base_path = /etc/app/secrets/production/key_2024.pem",
        "The key ingredient is 250g flour; the secret: patience.",
        "max_tokens=4096, temperature=0.7, token_count: 128000",
        "pin 12 is connected to pin 34 on the board",
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    assert strong(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "password=${DB_PASSWORD}",
        "password=<your password>",
        "password=********",
        "password: changeme",
        "password='example'",
        "AKIAIOSFODNN7" + "EXAMPLE",
        "api_key=YOUR_API_KEY_1234567890",
    ],
)
def test_a_stand_in_weighs_little(text: str) -> None:
    assert max((finding.score for finding in secrets.find(text)), default=0) <= 0.4


def test_a_flood_of_secrets_leaves_none_uncovered() -> None:
    text = " ".join(f"password=Zt81kkQ{number}" for number in range(3000))
    covered = {point for finding in secrets.find(text) for point in range(*finding.span)}
    assert {found.start() for found in re.finditer("Zt81", text)} <= covered


@given(st.text() | st.text("pasword =:'\"eyJ.-BEGIN://@{}AKIA\ud800密码是é1a"))
def test_any_text_is_taken_and_spans_lie_within_it(text: str) -> None:
    before = 0
    for finding in secrets.find(text):
        start, end = finding.span
        assert before <= start < end <= len(text)
        assert 0 < finding.score <= 1
        before = end


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_token_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    text = f"{before} {GITHUB} {after}"
    start = len(before) + 1
    assert (start, start + len(GITHUB)) in [finding.span for finding in secrets.find(text)]


@pytest.mark.parametrize(
    "piece",
    [
        "password is ",
        "pwd=a1b2",
        "eyJ",
        "-eyJ",
        "://a:b@c ",
        "-----BEGIN " + "PRIVATE KEY-----",
        "token ",
        "密码是",
    ],
)
def test_a_long_hostile_text_ends_soon(piece: str) -> None:
    # Less than 60 ms is the aim; a quadratic pattern would take minutes, and run into the suite's timeout.
    secrets.find(piece * (262_144 // len(piece)))


def test_threads_share_the_detectors() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(secrets.find, [f"{GITHUB} {RANDOM}"] * 64))
    assert all(len(findings) == 1 for findings in found)
