"""Keys known by the words before them: what looks drawn at random, next to a word that announces a key."""

from __future__ import annotations

import re

from .secret_detectors import (
    LIKELY,
    NOTHING,
    POSSIBLE,
    SURE,
    WEAK,
    Detector,
    is_made_up,
    is_random,
    names_a_digest,
)
from .secret_tokens import fill

_ALNUM, _HEX = "[A-Za-z0-9]", "[0-9a-f]"

_KEY_WORDS = (
    r"(?:api|access|secret|auth|private|encryption|signing|master|account|app|application|service|client|"
    r"license|session|"
    r"refresh|bearer|shared|consumer|subscription|deploy|webhook)[ _.\-]?(?:key|token|secret)s?|token|secret|"
    r"credentials?|"
    r"apikey|api[-_ ]?schl[üu]ssel|cl[ée] (?:d'?)?api|clave (?:de )?(?:la )?api|chave (?:de )?(?:da )?api|"
    r"chiave api|"
    r"api[- ]?ключ|ключ api|токен|klucz api|api[- ]?sleutel|api[- ]?nyckel|密钥|令牌|apiキー|トークン|"
    r"api ?키|토큰|jeton"
)


def _judge_token(match: re.Match[str]) -> float:
    value = match["secret"]
    if names_a_digest(match.string, match.start("secret")) or not is_random(value):
        return NOTHING
    return LIKELY if match["near"] else POSSIBLE


def _judge_hex_or_base64(match: re.Match[str]) -> float:
    return SURE - 0.05 if len(set(match["secret"])) > 8 and not is_made_up(match["secret"]) else WEAK


def announced() -> tuple[Detector, ...]:
    """A detector for each way of saying that a secret follows."""
    long, hexadecimal = "q7Wz2KpL9xVb4NtR8mYc3JhD", fill(_HEX, 32)
    return (
        Detector(
            "aws_secret_access_key",
            "SECRET_KEY",
            anchor=r"(?:aws_?secret|secret_?access_?key|"
            r"secret access key)[^\n]{0,30}?[\s\"'=:][a-z0-9/+]{40}",
            pattern=r"(?i:aws_?secret|secret_?access_?key|secret access key)[^\n]{0,30}?[\s\"'=:]"
            r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
            judge=_judge_hex_or_base64,
            hits=(
                f"AWS_SECRET_ACCESS_KEY={fill(_ALNUM, 40)}",
                f'"SecretAccessKey": "{fill(_ALNUM, 40)}"',
                f"our aws secret access key is {fill(_ALNUM, 40)}",
            ),
            misses=("aws_secret_access_key = ${KEY}", f"AWS_SECRET_ACCESS_KEY={fill(_ALNUM, 44)}"),
            caseless=True,
        ),
        Detector(
            "gcp_service_account_key_id",
            "SECRET_KEY",
            anchor=r"private_key_id[\\\"']{1,3}\s{0,3}:\s{0,3}[\\\"']{1,3}[0-9a-f]{40}",
            pattern=r"private_key_id[\\\"']{1,3}\s{0,3}:\s{0,3}[\\\"']{1,3}(?P<secret>[0-9a-f]{40})",
            judge=lambda match: POSSIBLE,
            hits=(f'"private_key_id": "{fill(_HEX, 40)}"', f"'private_key_id':'{fill(_HEX, 40)}'"),
            misses=('"private_key_id": "..."', "private_key_id is a field"),
        ),
        Detector(
            "key_in_hexadecimal",
            "API_KEY",
            anchor=r"(?:datadog|dd[_-]api|dd[_-]app|cloudflare|mailgun|heroku|cohere|mistral|algolia|twilio|"
            r"auth_token|"
            r"deepseek|vercel|linode|fastly|vultr|trello|bitbucket)[^\n]{0,30}?[\s\"'=:][a-z0-9_\-]{32}",
            pattern=r"\w[\w\-]{2,12}[^\n]{0,36}?[\s\"'=:](?P<secret>[A-Za-z0-9_\-]{32,80})(?![A-Za-z0-9_\-])",
            judge=lambda match: (
                LIKELY
                if is_random(match["secret"]) and not names_a_digest(match.string, match.start("secret"))
                else NOTHING
            ),
            hits=(
                f"DD_API_KEY={hexadecimal}",
                f"export CLOUDFLARE_API_TOKEN={fill(_ALNUM, 40)}",
                f'TWILIO_AUTH_TOKEN: "{hexadecimal}"',
                f"the Mistral key: {fill(_ALNUM, 32)}",
            ),
            misses=("DD_API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", f"cloudflare commit {fill(_HEX, 40)}"),
            caseless=True,
        ),
        Detector(
            "named_uuid",
            "API_KEY",
            anchor=r"(?:heroku|api|postmark|snyk|secret|license)[_-]?(?:api)?[_-]?(?:key|"
            r"token)[\"']?\s{0,2}[=:]\s{0,2}[\"']?"
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            pattern=r"[\w\-]{3,30}[\"']?\s{0,2}[=:]\s{0,2}[\"']?(?P<secret>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-)"
            r"{3}[0-9a-fA-F]{12})",
            judge=lambda match: POSSIBLE if len(set(match["secret"])) > 6 else NOTHING,
            hits=(
                "HEROKU_API_KEY=3f2c1d4e-9a8b-4c7d-8e6f-1a2b3c4d5e6f",
                "api_key: '3f2c1d4e-9a8b-4c7d-8e6f-1a2b3c4d5e6f'",
            ),
            misses=(
                "request_id=3f2c1d4e-9a8b-4c7d-8e6f-1a2b3c4d5e6f",
                "API_KEY=00000000-0000-0000-0000-000000000000",
            ),
            caseless=True,
        ),
        Detector(
            "announced_key",
            "API_KEY",
            anchor=_KEY_WORDS,
            pattern=r"s?(?P<near>[\"'`\\\])]{0,4}\s{0,3}(?:=>|={1,2}|:=?|：|は|是|(?:is|ist|est|es|é|è)\b)"
            r"\s{0,3}[\"'`\\]{0,3}(?:(?i:bearer|basic|token|key) )?)?(?(near)|[^\n]{0,36}?[ \"'`=:(])"
            r"(?P<secret>[A-Za-z0-9+/_\-.~]{16,512}={0,2})",
            after=True,
            judge=_judge_token,
            hits=(
                f"api_key = '{long}'",
                f'"client_secret": "{long}"',
                f"X_ACCESS_TOKEN={long}",
                f"here is the token for staging, keep it safe: {long}",
                f"unser API-Schlüssel ist {long}",
                f"notre clé API est {long}",
                f"наш API-ключ: {long}",
                f"我们的密钥是 {long}",
            ),
            misses=(
                "api_key = os.environ['SERVICE_API_KEY_PRODUCTION']",
                "token = request.headers.get('authorization')",
                "secret: kubernetes-service-account-token-2024",
                f"the token was introduced in commit {fill(_HEX, 40)}",
                "access_token_expiration_time_in_seconds",
                "API_KEY=your-api-key-goes-here-12345",
                "secret for integrity sha512-" + fill(_ALNUM, 86) + "==",
                "token id 3f2c1d4e-9a8b-4c7d-8e6f-1a2b3c4d5e6f",
            ),
            caseless=True,
        ),
    )
