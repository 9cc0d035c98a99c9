"""How much a mention counts: talk about an attack is not the attack.

Somebody who asks what "ignore all previous instructions" does, forbids it, or quotes it as an example writes
the same words as somebody who means them. What stands around the words tells them apart, though never for
certain: a factor lowers a hit and does not remove it, for an attacker may write these words around his own.
"""

from __future__ import annotations

import re

from .findings import ATTACKS
from .rules import Hit

_WINDOW = 200  # code points looked at on either side
_QUOTED = 0.75
_MENTIONED = 0.35  # named as an example, or as somebody's attack
_FORBIDDEN = 0.3
_ASKED_ABOUT = 0.5
_DEFENDED = 0.55
# What a person told people to do, or a character of a story says. Several rules see the same words.
_REPORTED = 0.15
_NARRATED = 0.3
_PREVENTED = 0.4

_PAIRS = {"“": "”", "„": "“”", "«": "»", "‹": "›", "「": "」", "『": "』", "»": "«", "‘": "’"}
_CLOSERS = "".join(_PAIRS.values())
_BOTH_WAYS = '"`'
# An apostrophe stands between letters, or where a quotation has not begun.
_OPENS = re.compile(r"(?:^|[\s(\[:,])'(?=\w|$)")
_CLOSES = re.compile(r"(?:(?<=\w)|(?<=[.!?,]))'(?!\w)")

# Each list is one alternation, without nesting, tried on at most 200 characters.
_FORBID = re.compile(
    r"\b(?:do not|don['’]t|never|must not|mustn['’]t|should not|shouldn['’]t|may not|not allowed to"
    r"|cannot|can['’]t|refuses? to|forbidden to|prohibited from|attempts? to|trying to|tries to|tried to"
    r"|asks? (?:you|it|them) to|against|niemals|nicht|ne jamais|ne pas|nunca|no debes|não|mai|non|nooit"
    r"|nigdy|nie|nikdy|никогда не|не|ніколи не|不要|请勿|絶対に)[\s,:]*(?:ever |simply |just |to "
    r"|let anyone )?$",
    re.IGNORECASE,
)
_MENTION = re.compile(
    r"(?:\b(?:such as|like|e\.g\.|for example|for instance|examples?|the (?:phrase|words|string|text"
    r"|sentence)|called|titled|(?:la|una|die|der|a|essa) (?:frase|phrase|satz)"
    r"|says?|said|saying|reads?|payloads?|strings?|phrases?|zum beispiel"
    r"|z\. ?b\.|par exemple|por ejemplo|por exemplo|ad esempio|bijvoorbeeld|na przykład|například"
    r"|например|наприклад|örneğin)|比如|例如|たとえば)[\s:,(]*[\"'`“„«‘「『]?\s*$",
    re.IGNORECASE,
)
_ASK = re.compile(
    r"\b(?:what (?:is|are|does|do) (?:an? |the )?(?:prompt injections?|jailbreaks?|attacks?)|what does"
    r"|meaning of|how (?:do|can|should|would|to) (?:i|we|you|one|developers)?\s?(?:detect|prevent|defend"
    r"|protect|block|filter|recogni[sz]e|stop|mitigate|guard|test)|explain (?:why|how|what)|why (?:is"
    r"|are|does|do|would)|difference between|prompt injections?|jailbreak(?:s|ing)? (?:attempts?"
    r"|attacks?|prompts?)|classif(?:y|ier)|was (?:ist|bedeutet)|qu['’]est-ce que|qué (?:es|significa)"
    r"|o que é|cos['’]è|wat is|co to jest|co je|что такое|що таке|nedir)\b|什么是|とは何|이란 무엇",
    re.IGNORECASE,
)
_DEFEND = re.compile(
    r"\b(?:detect(?:s|ed|ing|ion)?|block(?:s|ed|ing)?|reject(?:s|ed|ing)?|flag(?:s|ged|ging)?"
    r"|our polic(?:y|ies)|forbids?|prohibits?|attackers?|adversar(?:y|ies|ial)|malicious (?:users?"
    r"|inputs?|prompts?|text)|vulnerabilit(?:y|ies)|security (?:training|guide|paper|research|awareness)"
    r"|unit tests?|test cases?|assert|in (?:this|the|our) (?:paper|article|study|lesson)|regression"
    r"|known as|angreifer|attaquants?|atacantes?|злоумышленник)\b",
    re.IGNORECASE,
)
_REPORT = re.compile(
    r"\b(?:told|asked|instructed|advised|reminded|warned|wants|wanted|encouraged) (?:(?:the|his|her|their"
    r"|my|all|our|some|many) ){0,2}(?:students?|pupils?|class|children|kids|son|daughter|players?|soldiers?"
    r"|staff|team"
    r"|employees?|workers?|crew|people|audience|drivers?|passengers?|visitors?|him|her|us|me) to $",
    re.IGNORECASE,
)
_STORY = re.compile(
    r"\b(?:story|stories|scene|novel|play|dialogue|script|film|movie|poem|joke|comic)\b", re.IGNORECASE
)
_WORK = re.compile(
    r"\bin (?:the|this|that|his|her) (?:[a-z-]{2,14} )?(?:novel|book|film|movie|series|episode|tv show)\b",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"\b(?:you|your|yourself|act|pretend|imagine|respond|answer|role-?play)\b", re.IGNORECASE
)
_PREVENT = re.compile(
    r"\b(?:prevent(?:s|ing)?|protect(?:s|ed|ing)? (?:\w+ )?against|defend(?:s|ing)? against|safe against"
    r"|resist(?:s|ant)?|sanitiz\w+|sanitis\w+|escape|block)\b[^.!?\n]{0,40}$",
    re.IGNORECASE,
)


def weigh(text: str, hit: Hit) -> float:
    """The factor, within 0..1, by which the hit's surroundings lower its weight."""
    before = text[max(0, hit.start - _WINDOW) : hit.start]
    after = text[hit.end : hit.end + _WINDOW]
    spoken = hit.rule.category in ATTACKS  # elsewhere an apostrophe is a part of the attack
    told = text[hit.start : hit.end]
    quoted = _quoted(before, after) or (spoken and _in_apostrophes(before, told[-1:] + after))
    if spoken and _REPORT.search(before[-60:]):
        return _REPORTED
    if spoken and _narrated(before, told, after):
        return _NARRATED
    if _FORBID.search(before[-40:]):
        return _FORBIDDEN
    if quoted and _MENTION.search(before[-40:]):
        return _REPORTED if spoken and _STORY.search(_sentence(before)) else _MENTIONED
    if not spoken and _PREVENT.search(_sentence(before)):
        return _PREVENTED
    factor = _QUOTED if quoted else 1.0
    near = _sentence(before)
    if _ASK.search(near) or (quoted and _ASK.search(after)):
        return factor * _ASKED_ABOUT
    if quoted and (_DEFEND.search(before) or _DEFEND.search(after)):
        return factor * _DEFENDED
    return factor


def _sentence(before: str) -> str:
    """What stands before the hit since the last full stop or line break."""
    cut = max(before.rfind(mark) for mark in ("\n", ". ", "! ", "。"))
    return before[cut + 1 :]


def _narrated(before: str, told: str, after: str) -> bool:
    """Whether it is told of somebody in a book or film, and nobody is spoken to."""
    return bool(_WORK.search(before[-60:] + told)) and not _ADDRESSED.search(before + told + after)


def _in_apostrophes(before: str, on: str) -> bool:
    """Whether the place lies between single quotation marks as a typewriter has them."""
    line = before[before.rfind("\n") + 1 :]
    openers = list(_OPENS.finditer(line)) if "'" in line else None
    if not openers or _CLOSES.search(line, openers[-1].end()):
        return False
    return _CLOSES.search(on.partition("\n")[0]) is not None


def _quoted(before: str, after: str) -> bool:
    """Whether the place lies between quotation marks of one line; a backtick is one."""
    line = before[before.rfind("\n") + 1 :]
    rest = after.partition("\n")[0]
    if any(line.count(mark) % 2 and mark in rest for mark in _BOTH_WAYS):
        return True
    for opener, closers in _PAIRS.items():
        at = line.rfind(opener)
        if at >= 0 and not any(closer in line[at + 1 :] for closer in closers):
            return any(closer in rest for closer in closers)
    return False
