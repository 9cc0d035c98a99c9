"""Request bodies: bounded while they are read, and strict while they are parsed."""

from __future__ import annotations

import json
import math
import zlib
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from flask import request

from ..errors import MalformedBody, TooLarge, UnsupportedMediaType

MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1
_CHARSETS = {None, "utf-8", "utf8", "us-ascii", "ascii"}
_CHUNK = 65_536
FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 64


def read_json(limit_bytes: int, *, exact: bool = False) -> Any:
    """The request's JSON; `exact` as in `parse`.

    Raises UnsupportedMediaType, TooLarge (`limit_bytes` holds after decompression, too) or MalformedBody.
    """
    if request.environ.get("CONTENT_TYPE") != "application/json":  # what nearly everybody sends
        _check_media_type()
    return parse(_read(limit_bytes), exact=exact)


def is_form() -> bool:
    """Whether the body says that it is a form."""
    return request.mimetype == FORM


def read_form(limit_bytes: int) -> dict[str, str]:
    """The request's form as RFC 6749 has it: each parameter once, and one without a value is absent.

    Raises UnsupportedMediaType, TooLarge or MalformedBody, as `read_json` does.
    """
    _check_charset()
    raw = _read(limit_bytes)
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8") from None
    except ValueError:
        raise MalformedBody(f"The body has more than {_MOST_PARAMETERS} parameters") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedBody("The body has the same parameter twice")
    _check_texts(found)
    return {name: value for name, value in found.items() if value}


def is_absent() -> bool:
    """Whether the request has no body at all."""
    return not request.content_length and "HTTP_TRANSFER_ENCODING" not in request.environ


def _check_media_type() -> None:
    kind = request.mimetype
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType("The Content-Type must be application/json")
    _check_charset()


def _check_charset() -> None:
    if (request.mimetype_params.get("charset") or "utf-8").lower() not in _CHARSETS:
        raise UnsupportedMediaType("The charset must be UTF-8")


def _read(limit_bytes: int) -> bytes:
    encoding = request.environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise UnsupportedMediaType("The Content-Encoding must be gzip or absent")
    length = request.content_length
    if length is not None and length > limit_bytes:
        raise TooLarge(limit_bytes)
    sent = _read_stream(length, limit_bytes)
    return _unzip(sent, limit_bytes) if encoding == "gzip" else sent


def _read_stream(length: int | None, limit_bytes: int) -> bytes:
    # The length may be absent or a lie, so it is the stream that is counted.
    stream = request.stream
    sent = stream.read(min(limit_bytes + 1, length or _CHUNK))
    if len(sent) == length:
        return sent
    parts = [sent]
    size = len(sent)
    while parts[-1] and size <= limit_bytes:
        parts.append(stream.read(_CHUNK))
        size += len(parts[-1])
    if size > limit_bytes:
        raise TooLarge(limit_bytes)
    if size < (request.content_length or 0):  # the sender went away; what came may be JSON all the same
        raise MalformedBody("The body is shorter than its Content-Length")
    return b"".join(parts)


def _unzip(sent: bytes, limit_bytes: int) -> bytes:
    unzipper = zlib.decompressobj(wbits=31)
    try:
        text = unzipper.decompress(sent, limit_bytes + 1)
    except zlib.error:
        raise MalformedBody("The body is not valid gzip") from None
    if len(text) > limit_bytes:
        raise TooLarge(limit_bytes)
    if not unzipper.eof or unzipper.unused_data:
        raise MalformedBody("The body is not one whole gzip stream")
    return text


class _Refused(ValueError):
    """Something that JSON may say and we do not take."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("The body has an object with the same key twice")
    return found


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else MAX_INTEGER + 1
    if not -MAX_INTEGER - 1 <= number <= MAX_INTEGER:
        raise _Refused("The body has an integer of more than 63 bits")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused("The body has a number that is out of range")
    return number


def _exact_number(digits: str) -> Decimal:
    _number(digits)
    try:
        return Decimal(digits)
    except InvalidOperation:  # the exponent alone has more digits than a Decimal can keep
        raise _Refused("The body has a number that is out of range") from None


def _constant(name: str) -> Any:
    raise _Refused(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


_EXACT_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_exact_number, parse_constant=_constant
)


def parse(raw: bytes, *, exact: bool = False) -> Any:
    """The JSON in the bytes; numbers that are not whole are Decimals when they must be `exact`, else floats.

    Raises MalformedBody with a reason that repeats nothing of the body.
    """
    try:
        found = (_EXACT_DECODER if exact else _DECODER).decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8") from None
    except _Refused as refusal:
        raise MalformedBody(str(refusal)) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "not valid JSON"
        raise MalformedBody(f"The body is {reason}") from None
    # Only an escape can bring in a NUL or half a surrogate pair, and only many brackets depth.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(found)
    if b"\\u" in raw:
        _check_texts(found)
    return found


def _check_depth(root: Any) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            below += value.values() if isinstance(value, dict) else value
        level = [value for value in below if isinstance(value, list | dict)]
        if not level:
            return
    raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH} levels")


def _check_texts(root: Any) -> None:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value
            waiting += value.values()


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedBody("The body has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedBody("The body has half a surrogate pair") from None
