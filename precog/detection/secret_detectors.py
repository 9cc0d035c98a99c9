"""What a detector of secrets is, and how a made-up or meaningless value is told from a real one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

SURE, LIKELY, POSSIBLE, WEAK, NOTHING = 0.95, 0.85, 0.6, 0.25, 0.0

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_KIND = re.compile(r"[0-9]+|[a-z]+|[A-Z]+")
# Words of at least this many parts are names (a-long-kebab-name, snake_case_of_4_parts), and so are paths.
_PART = re.compile(r"[-_./]+")
_WORDISH = re.compile(r"[A-Z]?[a-z]+\d{0,4}|[A-Z]+\d{0,4}|\d{1,4}|")
_ADDRESS = re.compile(r"(?:[\w\-]{1,40}\.){1,5}[A-Za-z]{2,10}/")
_DIGEST_BEFORE = re.compile(
    r"(?i)(?:\b(?:commit|sha-?\d{0,3}|hash|digest|checksum|md5|etag|integrity|revision|rev|blob|tree|base64)"
    r"[\"'=: (#-]{0,5})$"
)
_MADE_UP = re.compile(
    r"(?i)example|sample|dummy|placeholder|change_?-?me|your[-_ ]|insert|replace|redacted|xxxx|\*\*\*|\.\.\.|"
    r"<[^>]*>|\$\{|\{\{|abcdef?ghi|fake|todo"
)


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of secret, and the samples that prove it.

    `anchor` is what the automaton looks for; `pattern` is tried where an anchor starts (or ends, if `after`),
    so it need not search. It may begin earlier by as many of the characters in `lead` as stand there.
    `judge` gives the score of what matched, 0 when it is no secret. The secret is the group `secret`, or all.
    """

    name: str
    label: str
    anchor: str
    pattern: str
    judge: Callable[[re.Match[str]], float]
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    caseless: bool = False
    after: bool = False
    lead: str = ""


def secret_of(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret stands within what a pattern matched: without quotes, or the end of a sentence."""
    names = match.re.groupindex
    for name in ("double", "single", "tick"):
        if name in names and match[name] is not None:
            return match.span(name)
    start, end = match.span("secret") if "secret" in names else match.span()
    if "bare" in names:
        end = start + max(1, len(match.string[start:end].rstrip(".,;:?")))
    return start, end


def entropy(value: str) -> float:
    """Bits a character, by the characters' own frequencies."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def is_made_up(value: str) -> bool:
    """Whether a documentation's stand-in: an example, a mask, or a few characters over and over."""
    return len(set(value)) < 5 or _MADE_UP.search(value) is not None


def is_random(value: str) -> bool:
    """Whether the value looks drawn rather than written: no name, no path, no UUID, no number."""
    if len(value) < 16 or is_made_up(value) or _UUID.fullmatch(value):
        return False
    digits = sum(map(str.isdigit, value))
    if _HEX.fullmatch(value):
        return len(value) >= 32 and 3 <= digits < len(value) and entropy(value) >= 3.0
    if digits < 2 or _ADDRESS.match(value) or all(_WORDISH.fullmatch(part) for part in _PART.split(value)):
        return False
    return entropy(value) >= 3.3 and len(_KIND.findall(value)) >= len(value) // 5


def names_a_digest(text: str, start: int) -> bool:
    """Whether what starts here is announced as a hash or an encoding: of a commit, of a file, of a page."""
    return _DIGEST_BEFORE.search(text, max(0, start - 24), start) is not None
