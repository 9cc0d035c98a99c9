"""Secrets known by their structure: private keys, signed tokens, addresses and headers with a password."""

from __future__ import annotations

import base64
import binascii
import json
import re
from string import ascii_letters, digits

from .secret_detectors import LIKELY, NOTHING, POSSIBLE, SURE, WEAK, Detector, is_made_up, is_random
from .secret_tokens import fill

_ALNUM = "[A-Za-z0-9]"
_CLIENT = re.compile(r"\b(?:curl|wget|http|https|xh|redis-cli|mysql|mysqldump|lftp|mosquitto_pub)\b")
_USUAL = re.compile(  # what documentation puts where a password goes
    r"(?i)(?:my|your|the|some|db|user|test|new)?[-_]?(?:pass(?:word|wd|phrase)?|pwd?|secret|postgres|root|admin|guest|"
    r"user(?:name)?|token|key|test|mysql|redis|mongo|rabbitmq)(?:here)?\d{0,3}"
)
_REFERENCE = re.compile(r"[$%]\(?\{?\w|\{\{?\w|<|>|\[|\*{2}|\.{3}|^:|x{4}|X{4}|•")


def _json_of(part: str) -> object:
    """What a base64url part holds; None when it holds no JSON."""
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None


_SHORTEST_SIGNATURE = 20
_SHORT = re.compile(r"[a-z]{4}|(?=[a-z0-9]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{4}")  # short, but in use
_WEB = ("http", "https", "ftp", "ws", "wss")


def _judge_jwt(match: re.Match[str]) -> float:
    header = _json_of(match["header"])
    if not isinstance(header, dict) or "alg" not in header:
        return NOTHING
    if 0 < len(match["signature"]) < _SHORTEST_SIGNATURE:
        return WEAK  # an example
    return SURE if match["signature"] else POSSIBLE


def _judge_private_key(match: re.Match[str]) -> float:
    body = match["body"]
    if len(body) < 64 or len(set(body)) < 12:
        return NOTHING
    return SURE


def _judge_address(match: re.Match[str]) -> float:
    password, user = match["password"], match["user"]
    if _REFERENCE.search(password) or password == user == "":
        return NOTHING
    if _USUAL.fullmatch(password) or password == user:
        return WEAK
    if is_made_up(password + "-----"[: 5 * (len(password) < 5)]):
        return LIKELY if _SHORT.fullmatch(password) and user and match["scheme"].lower() not in _WEB else WEAK
    return LIKELY if match["scheme"].lower() in _WEB else SURE


def _judge_basic(match: re.Match[str]) -> float:
    value = match["secret"]
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, binascii.Error):
        return NOTHING
    _user, colon, password = plain.partition(b":")
    if not (colon and plain.isascii() and password and plain.decode("ascii").isprintable()):
        return NOTHING
    return WEAK if _USUAL.fullmatch(password.decode("ascii")) else LIKELY


def _judge_bearer(match: re.Match[str]) -> float:
    value = match["secret"]
    if is_made_up(value) or _REFERENCE.search(value):
        return NOTHING
    return LIKELY if is_random(value) else NOTHING


def _judge_user(match: re.Match[str]) -> float:
    password = match["secret"]
    line = match.string[max(0, match.start() - 160) : match.start()].rpartition("\n")[2]
    if not _CLIENT.search(line) or _REFERENCE.search(password) or len(password) < 4:
        return NOTHING
    return WEAK if _USUAL.fullmatch(password) else LIKELY


def _encoded(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def structured() -> tuple[Detector, ...]:
    """A detector for each kind of structure."""
    head, body = _encoded({"alg": "HS256", "typ": "JWT"}), _encoded({"sub": "42", "exp": 1})
    dashes = "-" * 5
    begin, end = f"{dashes}BEGIN RSA PRIVATE " + f"KEY{dashes}", f"{dashes}END RSA PRIVATE " + f"KEY{dashes}"
    lines = "\n".join([fill(_ALNUM, 64)] * 6)
    basic = base64.b64encode(b"deploy:Tr0ub4dor").decode()
    return (
        Detector(
            "private_key",
            "PRIVATE_KEY",
            anchor=r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY( BLOCK)?-----",
            pattern=r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|\s){0,4}"
            r"(?:[A-Za-z\-]{3,20}: [^\n]{0,80}\n\s{0,2}){0,4}(?P<body>[A-Za-z0-9+/=\s\\]{0,16384})"
            r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?",
            judge=_judge_private_key,
            hits=(
                f"{begin}\n{lines}\n{end}",
                f'"private_key": "{begin}\\n' + lines.replace("\n", "\\n") + f'\\n{end}\\n"',
                f"{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{lines}",
            ),
            misses=(
                f"A PEM file opens with {begin} and closes with {end}.",
                f"{begin}\n...\n{end}",
                f"{dashes}BEGIN PUBLIC KEY{dashes}\n{lines}",
                f"{dashes}BEGIN CERTIFICATE{dashes}\n{lines}",
            ),
        ),
        Detector(
            "jwt",
            "JWT",
            anchor=r"(?:^|[^A-Za-z0-9_\-])ey[IJ][A-Za-z0-9_\-]{12}",
            pattern=r"[^A-Za-z0-9_\-]?(?P<secret>(?P<header>ey[IJ][A-Za-z0-9_\-]{12,2048})\.(?P<claims>[A-Za-z0-9_\-]{2,16384})"
            r"\.(?P<signature>[A-Za-z0-9_\-]{0,2048}))",
            judge=_judge_jwt,
            hits=(
                f"{head}.{body}.{fill(_ALNUM, 43)}",
                f"token={head}.{body}.{fill(_ALNUM, 43)};",
                f"({head}.{body}.)",
            ),
            misses=(
                head,
                f"{head}.{body}",
                f"eyJ{fill(_ALNUM, 33)}.{body}.{fill(_ALNUM, 43)}",
                f"{_encoded({'kid': 'of no algorithm'})}.{body}.abc",
            ),
        ),
        Detector(
            "connection_string",
            "CONNECTION_STRING",
            anchor=r"://[^\s/:@\"'<>?#]{0,64}:[^\s/@\"'<>]{1,80}@[a-z0-9_\[$%{]",
            pattern=r"[0-9+.\-]*(?P<secret>(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]{1,31})://(?P<user>[^\s/:@\"'<>?#]{0,64}):"
            r"(?P<password>[^\s/@\"'<>]{1,128})@[^\s\"'<>`|\\^]{1,512})",
            judge=_judge_address,
            hits=(
                "postgres://app:s3cr3tHorse9@db.internal:5432/app",
                "DATABASE_URL=mysql+pymysql://svc:Zx9_kk2Lq@10.0.0.5/orders",
                "mongodb+srv://reader:Pq7mVn2a@cluster0.mongodb.net/?retryWrites=true",
                "redis://:b7Rk2pLm9@cache:6379/0",
                "mysql://root:toor@db/x",
                "amqps://jobs:Lk83hdNq@mq.internal/%2f",
            ),
            misses=(
                "postgres://localhost:5432/app",
                "postgres://app@db.internal/app",
                "postgres://${DB_USER}:${DB_PASSWORD}@db/app",
                "https://user:<password>@host/",
                "http://localhost:8080/@scope/package",
                "redis://:****@cache:6379/0",
            ),
            caseless=True,
            lead=ascii_letters + digits + "+.-",
        ),
        Detector(
            "oracle_connection",
            "CONNECTION_STRING",
            anchor=r"jdbc:oracle:[a-z0-9]{2,6}:[^\s/@:]{1,40}/[^\s@/]{1,40}@",
            pattern=r"(?i:jdbc:oracle):[a-z0-9]{2,6}:(?P<user>[^\s/@:]{1,64})/(?P<password>[^\s@/]{1,64})@[^\s\"'<>]{1,256}",
            judge=lambda match: NOTHING if _REFERENCE.search(match["password"]) else LIKELY,
            hits=(
                "jdbc:oracle:thin:app/Wq82mzLp@//db.internal:1521/orcl",
                "url=jdbc:oracle:oci:hr/Nn7pQ2ab@orcl",
            ),
            misses=(
                "jdbc:oracle:thin:@//db.internal:1521/orcl",
                "jdbc:oracle:thin:app/${PASSWORD}@//db:1521/x",
            ),
            caseless=True,
        ),
        Detector(
            "basic_authorization",
            "PASSWORD",
            anchor=r"\bbasic [a-z0-9+/]{8}",
            pattern=r"(?i:basic) (?P<secret>[A-Za-z0-9+/]{8,512}={0,2})",
            judge=_judge_basic,
            hits=(f"Authorization: Basic {basic}", f"-H 'authorization: basic {basic}'"),
            misses=("Basic Authentication is simple", "a basic understanding of it", "Basic dXNlcg=="),
            caseless=True,
        ),
        Detector(
            "bearer_authorization",
            "TOKEN",
            anchor=r"\bbearer [a-z0-9._~+/\-]{20}",
            pattern=r"(?i:bearer) (?P<secret>[A-Za-z0-9._~+/\-]{20,4096}={0,2})",
            judge=_judge_bearer,
            hits=(f"Authorization: Bearer {fill(_ALNUM, 40)}", f"use bearer {fill('[0-9a-f]', 48)} for it"),
            misses=(
                "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE",
                "the bearer antidisestablishmentarianism",
            ),
            caseless=True,
        ),
        Detector(
            "command_line_password",
            "PASSWORD",
            anchor=r" (?:-u ?[\"']?[\w.@\-]{1,40}:|--user[= ][\"']?[\w.@\-]{1,40}:|-a )[^\s\"'$<]{3}",
            pattern=r" (?:-u ?[\"']?[\w.@\-]{1,40}:|--user[= ][\"']?[\w.@\-]{1,40}:|-a )"
            r"(?P<secret>[^\s\"'$<>]{4,128})",
            judge=_judge_user,
            hits=("curl -u admin:Hunter2x https://host/", "curl -s --user 'svc:Kq82nnLp' https://host"),
            misses=(
                "curl -u $USER:$PASSWORD https://host",
                "curl -u admin https://host",
                "curl -u user:password https://host",
            ),
        ),
    )
