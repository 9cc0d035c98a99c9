"""What is encoded in a text: base64, hexadecimal digits, and the escapes of URLs, HTML and program text.

Only what decodes to mostly printable text is taken for encoded. Each decoder is tried only where the probe
has a hint of it; what it finds is put in the place of what it was found in.
"""

from __future__ import annotations

import binascii
import codecs
import re
from html.entities import html5

from .disguise import rewritten
from .probe import Probe
from .view import Rule, View

_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
_WORDLIKE = b"abcdefghijklmnopqrstuvwxyz/_-"
_BASE64_DIGITS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+" + _WORDLIKE)
_AS_BASE64 = bytes(ord("x") if byte in _BASE64_DIGITS else ord(" ") for byte in range(256))
_MOST_ROWS = 100  # of small letters that are looked at one by one
_STANDARD = bytes.maketrans(b"-_", b"+/")

_BASE64 = re.compile(
    # Lines of one length, such as mail has, are one piece.
    r"[A-Za-z0-9+/_-](?<![A-Za-z0-9+/_=-].)"
    r"(?:(?<![_-])(?:[A-Za-z0-9+/]{75}\r?\n|[A-Za-z0-9+/]{63}\r?\n)"
    r"(?:[A-Za-z0-9+/]{76}\r?\n|[A-Za-z0-9+/]{64}\r?\n)*+[A-Za-z0-9+/]*+|[A-Za-z0-9+/_-]{15,}+)={0,2}"
)
_ALL_HEX = re.compile(r"[0-9a-f]{16,}+|[0-9A-F]{16,}+")
_JOINTS = re.compile("([/_-])")
_HEX = re.compile(
    r"[0-9a-fA-F](?<![0-9A-Za-z].)(?:(?<=0)[xX][0-9a-fA-F]{2}|[0-9a-fA-F])"
    r"(?:(?:[0-9a-fA-F]{2}){7,}+|(?:[ :,-]{1,2}(?:0[xX])?[0-9a-fA-F]{2}){4,}+)(?![0-9A-Za-z])"
)
# The codes of characters: in eight binary digits each, or in decimal ones.
_CODE = "(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])"
_REST_OF_CODE = "(?:(?<=3)[2-9]|(?<=[4-9])[0-9]|(?<=1)(?:[01][0-9]|2[0-6]))"
_CODES = re.compile(
    r"[\[0-9](?<![\w.,-].)(?:(?<=[01])[01]{7}[ ,]{0,2}(?:[01]{8}[ ,]{0,2}){4,}+"
    rf"|(?:(?<=\[){_CODE}|{_REST_OF_CODE})[ ,;]{{1,2}}(?:{_CODE}[ ,;]{{1,2}}){{10,}}+{_CODE})(?![\w.])"
)
_NUMBERS = re.compile(r"[0-9]+")
_SMALL = re.compile(r"[a-z ]+")
_HEX_NOISE = re.compile(r"0[xX]|[ :,-]")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}(?:[A-Za-z0-9_.~+-]{0,16}%[0-9a-fA-F]{2})*")
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_ESCAPE = (
    r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|U000[0-9a-fA-F]{5}|u\{[0-9a-fA-F]{1,6}\}|[0-3][0-7]{2}|[nrt])"
)
_ESCAPED = re.compile(rf"{_ESCAPE}(?:[A-Za-z0-9 ]{{0,16}}{_ESCAPE})*")
_BRACED = re.compile(r"u\{([0-9a-fA-F]{1,6})\}")
# Six tags behind a black flag are the flag of a region.
_TAGS = re.compile(
    "(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{4,}+"
    "|(?<=\U0001f3f4)[\U000e0020-\U000e007e]{7,}+"
)
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")


def revealed(view: View, probe: Probe) -> View | None:
    """The view with messages that nobody sees, but models read: in tags and variation selectors."""
    # The first half of the surrogate pair of every tag, and of every selector that stands for a letter.
    if probe.western or b"\xdb\x40" not in view.text.encode("utf-16-be", "surrogatepass"):
        return None
    found = rewritten(view, _HIDDEN_TAGS)
    return rewritten(found or view, _HIDDEN_SELECTORS) or found


def decoded(view: View, probe: Probe) -> View | None:
    """The view with all that is encoded in it decoded once."""
    found = view
    for hint, rule in _DECODERS.items():
        if hint in probe.hints and (hint != "base64" or _may_be_base64(probe.raw)):
            found = rewritten(found, rule) or found
    return None if found is view else found


def _may_be_base64(raw: bytes) -> bool:
    """Whether a row of sixteen digits has more than small letters: most are words, paths or lines.

    What is readable is not written in small letters alone.
    """
    kinds = raw.translate(_AS_BASE64)
    end = 0
    for _ in range(_MOST_ROWS):
        start = kinds.find(b"x" * 16, end)
        if start < 0:
            return False
        end = kinds.find(b" ", start)
        if raw[start : end if end >= 0 else None].translate(None, _WORDLIKE):
            return True
        if end < 0:
            return False
    return True


def readable(data: bytes) -> str | None:
    """The bytes as text, when they are mostly printable text."""
    if not data.isascii():
        if len(data) - len(data.translate(None, _CONTROLS)) > len(data) // 20:
            return None
        text = data.decode("utf-8", "replace")
        if text.count("\ufffd") * 10 > len(text):
            return None
    elif data.count(0) * 5 > len(data) * 2:  # UTF-16, as PowerShell takes its commands
        data = data.translate(None, b"\0")
        text = data.decode()
    else:
        text = data.decode()
    return text if len(data) - len(data.translate(None, _CONTROLS)) <= len(data) // 20 else None


def _base64(match: re.Match[str]) -> str:
    digits = match[0]
    if _ALL_HEX.fullmatch(digits):  # no letters of base64 are of these alone
        return digits
    text = _from_base64(digits)
    if text is not None:
        return text
    if "/" not in digits and "-" not in digits and "_" not in digits:
        return digits
    # A path, or words joined by signs that are digits of base64 as well: perhaps a part of it is encoded.
    parts = _JOINTS.split(digits)
    return "".join([_from_base64(part) or part if len(part) >= 16 else part for part in parts])


def _from_base64(digits: str) -> str | None:
    data = digits.encode().translate(_STANDARD, b"\r\n=")
    odd = len(data) % 4
    if odd:
        data = data[:-1] if odd == 1 else data + b"=="[odd - 2 :]
    return readable(binascii.a2b_base64(data))


def _hex(match: re.Match[str]) -> str:
    return readable(bytes.fromhex(_HEX_NOISE.sub("", match[0]))) or match[0]


def _codes(match: re.Match[str]) -> str:
    """The characters, when most of them are such as words are written with."""
    digits = match[0]
    bits = "".join(_NUMBERS.findall(digits))
    if not bits.strip("01"):
        data = bytes([int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)])
        text = readable(data) or ""
    else:
        text = bytes(map(int, _NUMBERS.findall(digits))).decode("ascii")
    # A row of measured values is letters as well, but hardly of small ones.
    return text if len(_SMALL.sub("", text)) * 2 < len(text) else digits


def _entity(match: re.Match[str]) -> str:
    name = match[1]
    if name[0] != "#":
        return html5.get(match[0][1:]) or match[0]  # some names stand without a semicolon
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(code) if code < 0x110000 else match[0]


def _percent(match: re.Match[str]) -> str:
    data, _ = codecs.escape_decode(match[0].replace("+", " ").replace("%", "\\x"))
    return data.decode("utf-8", "replace")


def _escaped(match: re.Match[str]) -> str:
    run = _BRACED.sub(lambda braced: f"U{braced[1]:0>8}", match[0])
    try:
        text = run.encode().decode("unicode_escape")
    except UnicodeDecodeError:  # beyond the last character there is
        return match[0]
    try:
        return text.encode("latin-1").decode()  # the bytes of UTF-8
    except UnicodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tags(match: re.Match[str]) -> str:
    return f" {''.join([chr(ord(tag) - 0xE0000) for tag in match[0]])} "


def _selectors(match: re.Match[str]) -> str:
    numbers = [
        code - 0xFE00 if (code := ord(selector)) < 0xFE10 else code - 0xE0100 + 16 for selector in match[0]
    ]
    text = readable(bytes(numbers))
    return match[0] if text is None else f" {text} "


_HIDDEN_TAGS = Rule("tags", _TAGS, _tags)
_HIDDEN_SELECTORS = Rule("selectors", _SELECTORS, _selectors)
_DECODERS = {
    "html": Rule("html", _ENTITY, _entity),
    "url": Rule("url", _PERCENT, _percent),
    "escapes": Rule("escapes", _ESCAPED, _escaped),
    "hex": Rule("hex", _HEX, _hex),
    "codes": Rule("codes", _CODES, _codes),
    "base64": Rule("base64", _BASE64, _base64),
}
