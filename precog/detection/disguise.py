"""Words that rules do not know as they are written: spaced out, letters repeated, digits for letters.

Each has a probe before it, made of searches for fixed bytes, since nearly all texts have nothing to undo.
What a probe lets pass is looked at closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .view import Exchanged, Replaced, Rule, View

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = b"0123456789"
# Half of Latin-1 is letters; what is not Latin-1 is a "?" in the bytes that probes see, and may be a letter.
_OTHER_LETTERS = bytes(range(0xC0, 0x100)) + b"?"


def byte_map(default: bytes, *pairs: tuple[Iterable[int], bytes]) -> bytes:
    """A table for bytes.translate: a few kinds of characters, and all others."""
    table = bytearray(default * 256)
    for characters, kind in pairs:
        for character in characters:
            table[character] = kind[0]
    return bytes(table)


_SINGLES = byte_map(b" ", (_LETTERS + _DIGITS + _OTHER_LETTERS, b"x"))
_MIXED = byte_map(b" ", (_LETTERS, b"a"), (b"01345789$|", b"1"), (b"!", b"!"), (b"@", b"@"))
_SAME = byte_map(b"\0", *((bytes([letter]), bytes([letter]).lower()) for letter in _LETTERS))
_NEXT = byte_map(b"\1", *((bytes([letter]), bytes([letter]).lower()) for letter in _LETTERS))

_BULLETS = "•‧∙●・⋅→"
_SEPARATOR = rf"[ \t\n.,:;'\"_*/|~+=·{_BULLETS}–—-]"
_NO_SPACE = _SEPARATOR.replace(r" \t\n", "").replace(r"'\"", "")
# Three letters and more, the same between each; or two, if what is between them is not between words: no
# blank before "m" in "a m.y", nor a wider one than in "a   m y".
_SPACED = re.compile(
    rf"(?<![^\W_])[^\W_](?:({_SEPARATOR}{{1,3}})[^\W_](?:\1[^\W_])+|({_NO_SPACE})[^\W_]"
    rf"|([ \t\n])[^\W_](?!{_NO_SPACE})|({_SEPARATOR}{{2,3}})[^\W_](?!{_SEPARATOR}{{1,2}}[^\W_]))(?![^\W_])"
)
_SPACED_OUT = re.compile(rf"(?<![^\W_])[^\W_]({_SEPARATOR}{{1,3}})[^\W_]\1[^\W_]\1[^\W_](?![^\W_])")
_LONGEST_WORD = 16
# Words that a whole sentence spaced out evenly is cut at.
_WORDS = re.compile(
    "a(?:bove|ccess|dmin|ll|ny|re|nswer|ct)|b(?:efore|ypass)|c(?:ommands?|ontext)|d(?:atabase|ata|elete|eveloper|isregard|rop|o)"
    "|e(?:verything|xecute|nable)|f(?:iles?|ilters?|ollowing|orget|rom)|guidelines?|h(?:idden|ow)"
    "|i(?:gnore|nstructions?|nto)|jailbreak|key|list|m(?:ake|essages?|odel|ode|y|e)|now|o(?:utput|verride|ther)"
    "|p(?:asswords?|revious|rint|rior|rompts?|retend)|r(?:eveal|epeat|estrictions?|ules?|un)"
    "|s(?:afety|ecrets?|how|ystem|end)|t(?:ables?|ell|hese|hose|the|he|o)|us(?:ers?|e)|with(?:out)?|you(?:r)?"
)
# Not the addresses of the web, nor the jamo that Koreans laugh and cry with.
_REPEATED = re.compile(r"(?!www\.)([^\W\d_\u3131-\u318e])\1\1+")
_DOUBLED = {
    "al": "all", "tel": "tell", "wil": "will", "cal": "call", "kil": "kill", "shel": "shell", "shal": "shall",
    "bypas": "bypass", "pasword": "password", "paswords": "passwords", "mesage": "message",
    "mesages": "messages", "acess": "access", "acces": "access", "aces": "access", "comand": "command",
    "comands": "commands", "folow": "follow", "folowing": "following", "fre": "free",
}  # fmt: skip
_SINGLED = re.compile(rf"(?i)\b(?:{'|'.join(_DOUBLED)})\b")
# Words that mix letters with digits and signs; those that follow each other are taken together. What is
# longer is no word, but a hash or something encoded.
_MIXED_WORDS = re.compile(
    r"(?<![A-Za-z0-9@$!|\\%])(?:(?=[A-Za-z0-9@$!|]{1,40}+(?![A-Za-z0-9@$!|]))"
    r"(?![0-9a-f]{24,40}+(?![A-Za-z0-9@$!|]))"
    r"(?:[A-Za-z]++[0-9@$!|]|[0-9@$!|]++[A-Za-z])[A-Za-z0-9@$!|]*+ ?)++"
)
_LEET = str.maketrans("01345789@$!|\1\2\3", "oieastbgasii@!|")
_KEPT = str.maketrans("@!|", "\1\2\3")  # signs that stand for no letter, until the others do
# A one is an "l" beside another, and after a vowel where "i" would not go.
_ONE_AS_L = re.compile(r"1(?=1)|(?<=1)1|(?<=[aeiouAEIOU034@])1(?=[eElL3]|\b)")
_SIGNS_AFTER = re.compile(r"[!|@]++(?![A-Za-z0-9$])")
_NO_ADDRESS = re.compile(rb"[A-Za-z]@[A-Za-z0-9]++(?![.-])")
_LEET_SHAPES = (b"a1a", b"a11a", b" 1aaa", b"a11 ", b"aa11", b"aaa1 ", b"a!a", b" !aaa", b" @aa")


def probe(text: str) -> bytes:
    """The text a byte a character, with "?" for what is beyond Latin-1."""
    if not text.isascii():
        for bullet in _BULLETS:
            text = text.replace(bullet, "·")
    return text.encode("latin-1", "replace")


def spaced(view: View, raw: bytes) -> View | None:
    """ "i g n o r e   a l l" as "ignore   all": what is wider than between letters is between words."""
    kinds = raw.translate(_SINGLES)
    if not (b" x x x" in kinds or b"  x  x  x" in kinds or b"   x   x   x" in kinds):
        return None
    if not _SPACED_OUT.search(view.text):
        return None
    return rewritten(view, _JOIN)


def repeated(view: View, raw: bytes) -> View | None:
    """ "iiignooore" as "ignore"; of three or more letters one is left, or two in a word that wants two."""
    if not _thrice(view.text, raw):
        return None
    shorter = rewritten(view, _SHORTEN)
    return shorter and (rewritten(shorter, _DOUBLE) or shorter)


def _thrice(text: str, raw: bytes) -> bool:
    """Whether a letter stands there three times in a row; perhaps, where the text is not ASCII.

    A long number less itself moved on by one character has zeros where two are the same.
    """
    if text.isascii():
        pairs = int.from_bytes(raw[:-1].translate(_SAME)) ^ int.from_bytes(raw[1:].translate(_NEXT))
        return b"\0\0" in pairs.to_bytes(len(raw))[1:]
    wide = text.encode("utf-16-be", "surrogatepass")
    pairs = int.from_bytes(wide[:-2]) ^ int.from_bytes(wide[2:])
    return b"\0\0\0\0" in pairs.to_bytes(len(wide))[2:]


def leet(view: View, raw: bytes) -> View | None:
    """ "1gn0r3" as "ignore": digits and signs among letters as the letters that they look like."""
    kinds = b" " + raw.translate(_MIXED) + b" "
    # Looked for from the side of what is rare, which takes a tenth of the time.
    if kinds.find(b"a1") < 0 and kinds.rfind(b"1a") < 0 and kinds.rfind(b"!a") < 0 and kinds.rfind(b"@a") < 0:
        return None
    if not (any(shape in kinds for shape in _LEET_SHAPES) or (b"a@a" in kinds and _NO_ADDRESS.search(raw))):
        return None
    text = _MIXED_WORDS.sub(_unleet, view.text)
    return None if text == view.text else view.then(text, Exchanged("leet", view.text, text))


def rewritten(view: View, rule: Rule) -> View | None:
    """The view with the rule applied; None when that changes nothing."""
    text = rule.pattern.sub(rule.replace, view.text)
    return None if text == view.text else view.then(text, Replaced(rule, view.text))


def _join(match: re.Match[str]) -> str:
    run = match[0][:: 1 + len(match[match.lastindex or 0])]
    if run.isdecimal():  # a list of numbers
        return match[0]
    return run if len(run) < _LONGEST_WORD else " ".join(_WORDS.sub(r" \g<0> ", run).split())


def _unleet(match: re.Match[str]) -> str:
    words = match[0]
    if "1" in words:
        words = _ONE_AS_L.sub("l", words)
    if "!" in words or "|" in words or "@" in words:
        words = _SIGNS_AFTER.sub(_keep, words)
    return words.translate(_LEET)


def _keep(match: re.Match[str]) -> str:
    return match[0].translate(_KEPT)


def _double(match: re.Match[str]) -> str:
    return _DOUBLED[match[0].lower()]


_JOIN = Rule("spaced", _SPACED, _join, spread=True)
_SHORTEN = Rule("repeated", _REPEATED, lambda match: match[1])
_DOUBLE = Rule("repeated", _SINGLED, _double)
