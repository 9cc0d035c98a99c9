"""The settings, read once: defaults, then instance/config.py, then the environment, then the caller's."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import ConfigurationError

MIB = 1024 * 1024

_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting; each is `PRECOG_` plus its name in capitals in the environment."""

    instance: Path
    database: str = field(repr=False)  # a URL may hold a password
    secret_key: tuple[str, ...] = field(repr=False)  # oldest first; the newest signs
    key_pepper: str = field(repr=False)
    max_request_bytes: int = MIB
    max_batch_bytes: int = 10 * MIB
    trusted_proxies: int = 0  # how many proxies in front set X-Forwarded-For and -Proto
    proxies_name_host: bool = False  # whether these set X-Forwarded-Host and -Prefix, too
    unauthenticated_per_minute: int = 1_200  # answers without a valid key, per IP and process
    caller_ip_per_minute: int = 600  # of outside agents per address: without a key, and of the first tier
    registrations_per_hour: int = 10  # of outside agents, and of organizations that sign up, per address
    open_sign_up: bool = False  # whether anybody may make an organization, of the smallest plan
    issuer: str | None = None  # the public URL that agents' tokens name; else where the request came to
    background_analysis: bool = True  # of what telemetry and events bring, by a thread of this process


def load(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """The settings; secrets that nobody gave are made and kept in the instance folder.

    `overrides` has the fields' names, in lower or upper case. Raises ConfigurationError for an
    unknown name or an impossible value.
    """
    environ = os.environ if environ is None else environ
    known = {entry.name for entry in fields(Config)}
    given = _named(overrides or {}, known)
    from_environ = {
        name: environ[f"PRECOG_{name.upper()}"] for name in known if f"PRECOG_{name.upper()}" in environ
    }
    instance = Path(given.get("instance") or from_environ.get("instance") or "instance").absolute()
    values: dict[str, Any] = {**_from_file(instance / "config.py", known), **from_environ, **given}
    values["instance"] = instance
    values["database"] = str(values.get("database") or instance / "precog.sqlite3")
    values["secret_key"] = _key_list(values.get("secret_key") or _kept_secret(instance, "secret_key"))
    values["key_pepper"] = _long_enough(values.get("key_pepper") or _kept_secret(instance, "key_pepper"))
    for name in (entry.name for entry in fields(Config) if entry.type == "int"):
        if name in values:
            values[name] = _whole_number(name, values[name])
    if values.get("issuer") is not None:
        values["issuer"] = _url(values["issuer"])
    for name in (entry.name for entry in fields(Config) if entry.type == "bool"):
        if name in values:
            values[name] = _yes_or_no(name, values[name])
    return Config(**values)


def _named(overrides: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    given = {name.lower(): value for name, value in overrides.items() if value is not None}
    if unknown := given.keys() - known:
        raise ConfigurationError(f"There is no setting named {', '.join(sorted(unknown))}.")
    return given


def _from_file(path: Path, known: set[str]) -> dict[str, Any]:
    """The names in capitals of a Python file, as Flask reads one."""
    if not path.is_file():
        return {}
    found: dict[str, Any] = {}
    try:
        exec(compile(path.read_bytes(), path, "exec"), found)  # noqa: S102, the operator's own file
    except Exception as error:
        raise ConfigurationError(f"{path} cannot be read: {type(error).__name__}: {error}.") from error
    return _named({name: value for name, value in found.items() if name.isupper()}, known)


def _key_list(value: Any) -> tuple[str, ...]:
    keys = value.split(",") if isinstance(value, str) else value
    if not isinstance(keys, list | tuple):
        raise ConfigurationError("secret_key is a text, or a list of them.")
    return tuple(_long_enough(key) for key in keys)


def _long_enough(secret: Any) -> str:
    text = secret.strip() if isinstance(secret, str) else ""
    if len(text) < 16:
        raise ConfigurationError("A secret key or pepper has at least 16 characters.")
    return text


def _whole_number(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise ConfigurationError(f"{name} is a whole number, 0 or more.")
    return number


def _url(value: Any) -> str:
    text = str(value).strip().rstrip("/")
    if not text.isprintable() or re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text) is None:
        raise ConfigurationError("issuer is a URL such as https://precog.example.com.")
    return text


def _yes_or_no(name: str, value: Any) -> bool:
    said = str(value).strip().lower()
    if said not in _YES | _NO:
        raise ConfigurationError(f"{name} is 1 or 0, true or false.")
    return said in _YES


def _kept_secret(instance: Path, name: str) -> str:
    """The secret in the instance folder, made on the first start, readable by its owner alone."""
    path = instance / name
    try:
        instance.mkdir(parents=True, exist_ok=True)
        draft = instance / f".{name}.{secrets.token_hex(8)}"
        if not path.exists():
            # Written whole under another name first: of two processes that start together one
            # wins, and nobody reads half a secret.
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read or made: {error.strerror}.") from error
