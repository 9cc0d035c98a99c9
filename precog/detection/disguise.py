"""Words that rules do not know as they are written: spaced out, letters repeated, digits for letters.

Each is tried only where the probe has a hint of it, since nearly all texts have nothing to undo.
"""

from __future__ import annotations

import re

from .probe import BULLETS, Probe
from .view import Exchanged, Replaced, Rule, View

_SEPARATOR = rf"[ \t\n.,:;'\"_*/|~+=·{BULLETS}–—-]"
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
_REPEATED = re.compile(r"([^\W\d_\u3131-\u318e])(?=\1\1)(?!(?<=w)ww\.)\1+")
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


def spaced(view: View, probe: Probe) -> View | None:
    """ "i g n o r e   a l l" as "ignore   all": what is wider than between letters is between words."""
    if "spaced" not in probe.hints or not _SPACED_OUT.search(view.text):
        return None
    return rewritten(view, _JOIN)


def repeated(view: View, probe: Probe) -> View | None:
    """ "iiignooore" as "ignore"; of three or more letters one is left, or two in a word that wants two."""
    if "repeated" not in probe.hints and (
        probe.western or "repeated beyond" not in probe.hints or not _thrice(view.text)
    ):
        return None
    shorter = rewritten(view, _SHORTEN)
    return shorter and (rewritten(shorter, _DOUBLE) or shorter)


def _thrice(text: str) -> bool:
    """Whether a character stands there three times in a row.

    A long number less itself moved on by one character has zeros where two are the same.
    """
    wide = text.encode("utf-16-be", "surrogatepass")
    pairs = int.from_bytes(wide[:-2]) ^ int.from_bytes(wide[2:])
    return b"\0\0\0\0" in pairs.to_bytes(len(wide))[2:]


def leet(view: View, probe: Probe) -> View | None:
    """ "1gn0r3" as "ignore": digits and signs among letters as the letters that they look like."""
    if "leet" not in probe.hints:
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
