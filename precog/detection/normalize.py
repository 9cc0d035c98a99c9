"""The readings of a text: as it came, and with what hides words from rules undone.

The first view is the text itself. The others are there only where they differ from it and from each other, so
plain text has one view. Letters keep their case: rules are blind to it, and secrets are not.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TypeVar

from .characters import Characters, characters
from .decode import decoded, revealed
from .disguise import leet, repeated, rewritten, spaced
from .probe import Probe, probe
from .view import Cut, Exchanged, Replaced, Rule, View
from .whole import mirrored, rotated, turnable

__all__ = ["View", "Views", "views"]

# All views together may be this many times as long as the text, and this much longer: a hostile text must not
# cost as much as a hundred others. What is beyond LARGE counts BEYOND times, the longest being so many.
GROWTH = 8
BEYOND = 1
SLACK = 4096
LARGE = 65_536
TURNED = 131_072  # for what was turned around or rotated, which is cut to where that matters
# Of a longer text only the beginning, the end and what looks encoded in between are read in other ways.
LONG = 393_216
_ENDS = 98_304
_MOST_PARTS = 48
_PART = 512

_T = TypeVar("_T")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{40}")

_CONTROL = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f]")
_CONTROLS = bytes([*range(9), *range(14, 32), 127])
_ASCII_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_UNPRINTED = Rule("normalized", _CONTROL, "")


class Views(list[View]):
    """The views of a text; not `complete` when some more would perhaps have been too many."""

    complete: bool = True


def views(text: str, *, depth: int = 2, budget: int | None = None) -> Views:
    """The text, then each reading of it that differs, what was decoded inside of the decoded to `depth`.

    All together have no more than `budget` characters, and take time in proportion to it.
    """
    if budget is None:
        budget = GROWTH * min(len(text), LARGE) + BEYOND * max(0, len(text) - LARGE) + SLACK
    found = _Found(text, budget)
    level = [found.views[0]]
    if len(text) > LONG:
        level = [_shorter(found)]
    for left in range(depth, -1, -1):
        level = [child for view in level for child in _readings(view, found, deeper=left > 0)]
    return found.views


def _shorter(found: _Found) -> View:
    """What of a long text is looked at closely, as one of its views."""
    whole = found.views[0]
    text, tail = whole.text, len(whole.text) - _ENDS
    parts = [(0, _ENDS)]
    at = _ENDS
    while len(parts) < _MOST_PARTS and (match := _ENCODED.search(text, at, tail)):
        parts.append((max(at, match.start() - _PART), min(tail, match.end() + _PART)))
        at = parts[-1][1]
    parts += turnable(text, _ENDS, tail)
    parts.append((tail, len(text)))
    cut = Cut(tuple(parts))
    view = whole.then(cut.text(text), cut)
    found.views.complete = False
    found.views.append(view)
    return view


class _Found:
    """The views so far, each text once, within the budget."""

    def __init__(self, text: str, budget: int) -> None:
        self.views = Views([View(text)])
        self._texts = {text}
        self._left = budget - len(text)
        self._left_turned = max(budget - len(text), TURNED) if budget > len(text) else 0

    def add(self, view: View | None) -> bool:
        """Keep the view; False when it is no new one or too long."""
        if view is None or not view.text or view.text in self._texts or not self.room(view):
            return False
        if view.turned:
            self._left_turned -= len(view.text)
        else:
            self._left -= len(view.text)
        self._texts.add(view.text)
        self.views.append(view)
        return True

    def told(self, result: tuple[_T, bool]) -> _T:
        """The result, noting whether it is of all that there was."""
        self.views.complete = self.views.complete and result[1]
        return result[0]

    def room(self, view: View) -> bool:
        """Whether a view as long as this one would find room."""
        left = self._left_turned if view.turned else self._left
        if len(view.text) > left:
            self.views.complete = False
        return len(view.text) <= left


def _readings(view: View, found: _Found, *, deeper: bool) -> list[View]:
    """Add what the view is without its disguises, and what is encoded in it; return the latter."""
    children: list[View] = []
    if not found.room(view):
        return children

    def add(child: View | None) -> None:
        if child is not None and found.add(child):
            children.append(child)

    seen = probe(view.text)
    if deeper:
        add(revealed(view, seen))
    plain = normalized(view, seen)
    if plain is None and not seen.hints and seen.western:
        return children
    if plain is not None and found.add(plain):
        view, seen = plain, probe(plain.text)
    if deeper:
        add(decoded(view, seen))
    if view.turned:  # what can be undone either way was undone before
        _turned(view, seen, found)
        return children
    as_came = seen
    with_digits: View | None = None
    disguises = [spaced, repeated, leet]
    for disguise in disguises:
        bare = disguise(view, seen) if found.room(view) else None
        if bare is None:
            continue
        if disguise is not repeated:  # which brings no letter beside another one
            bare = normalized(bare, seen) or bare
        if found.add(bare):
            with_digits = view if disguise is leet else with_digits
            view, seen = bare, probe(bare.text)
            if disguise is leet:  # "444ll" is "aaall" first
                disguises.append(repeated)
            if deeper and disguise is spaced:
                add(decoded(view, seen))
    if deeper:
        if with_digits is not None:  # digits stand for letters that were rotated then, perhaps
            add(found.told(rotated(with_digits, as_came, seen)))
        add(found.told(rotated(view, as_came, seen)))
        for child in found.told(mirrored(view, as_came, seen)):
            add(child)
    return children


def _turned(view: View, seen: Probe, found: _Found) -> None:
    """Add what a text is that was turned both ways, or has digits for letters that were rotated."""
    names = [step.name for step in view.origin]
    if names.count("rot13") + names.count("reversed") < 2 and found.room(view):
        if names[-1] == "rot13":
            for turned in found.told(mirrored(view, seen)):
                found.add(turned)
        else:
            found.add(found.told(rotated(view, seen)))
    if names[-1] == "rot13" and found.room(view):
        found.add(leet(view, seen))


def normalized(view: View, seen: Probe) -> View | None:
    """The view without invisible characters, its letters those of ASCII where they are meant as such."""
    plain = view
    if len(seen.raw) != len(seen.raw.translate(None, _CONTROLS)):
        plain = rewritten(view, _UNPRINTED) or view
    if not (seen.western and len(seen.raw) == len(seen.raw.translate(None, _telling(seen.western)))):
        distinct = set(plain.text)
        known = characters()
        if not distinct.isdisjoint(known.wide):
            known = characters(wide=True)
        before = plain
        for step in (_seen, _collapsed, _folded):
            plain = step(plain, distinct, known) or plain
        if not plain.text.isascii():
            plain = _alike(plain, distinct if plain is before else set(plain.text), known) or plain
    return None if plain is view else plain


@cache
def _telling(page: str) -> bytes:
    """The bytes of a Western code page that stand for anything but plain letters and signs; most has none."""
    known = characters()
    told = known.unseen | known.marks | known.folded | known.alike | known.enclosed
    codes = (bytes([code]) for code in range(0x80, 0x100))
    return b"".join(code for code in codes if code.decode(page, "replace") in told)


def _seen(view: View, distinct: set[str], known: Characters) -> View | None:
    """Without what cannot be seen, if any of it is where neither writing nor emoji have it."""
    unseen = distinct & known.unseen
    if not unseen or (
        unseen <= known.useful and not known.invisible.search(known.harmless.sub("", view.text))
    ):
        return None
    return rewritten(view, Rule("normalized", known.invisible, ""))


def _collapsed(view: View, distinct: set[str], known: Characters) -> View | None:
    """Without towers of marks, which normalising would take a long time to sort."""
    if distinct.isdisjoint(known.marks):
        return None
    return rewritten(view, Rule("normalized", known.tower, ""))


def _folded(view: View, distinct: set[str], known: Characters) -> View | None:
    """NFKC, and no marks on Latin letters but those of composed letters."""
    folded: View | None = None
    if not distinct.isdisjoint(known.folded) or not unicodedata.is_normalized("NFC", view.text):
        source = view.text
        if not distinct.isdisjoint(known.long):
            source = known.phrase.sub("\ufffd", source)
            view = view.then(source, Exchanged("normalized", view.text, source))
        # The whole at once is what its parts are one by one, and a hundred times as fast.
        step = Replaced(Rule("normalized", known.cluster, lambda match: _fold(match[0])), source)
        folded = view.then(_fold(source), step)
    if not distinct.isdisjoint(known.marks) and known.stray_mark.search((folded or view).text):
        rule = Rule("normalized", known.stray, lambda run: _bare(run[0], known), piece=known.stray_one)
        folded = rewritten(folded or view, rule) or folded
    return folded


def _fold(text: str) -> str:
    # Thai and Lao write one vowel as one character, which only NFKC takes apart.
    folded = unicodedata.normalize("NFKC", text)
    return folded.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")


def _bare(text: str, known: Characters) -> str:
    return known.mark.sub("", unicodedata.normalize("NFD", text))


def _alike(view: View, distinct: set[str], known: Characters) -> View | None:
    """Look-alikes as ASCII: in words that mix them with Latin letters, and in words of nothing else.

    The latter not where other words are of the same script: there they are as good as those.
    """

    def plain(match: re.Match[str]) -> str:
        return match[0].translate(known.lookalikes)

    text = view.text
    if not distinct.isdisjoint(known.enclosed):
        text = known.enclosures.sub(plain, text)
    if not distinct.isdisjoint(known.alike):
        mixed = None if distinct.isdisjoint(_ASCII_LETTERS) else known.mixed.search(text)
        if mixed:
            text = known.mixed_words.sub(plain, text)
        if mixed or known.alike_word.search(text):
            enough = 4 * (len(text) - len(known.foreign.sub("", text)))
            if enough < len(text) and enough < len(text) - len(known.alike_words.sub("", text)):
                text = text.translate(known.lookalikes)
    return None if text == view.text else view.then(text, Exchanged("normalized", view.text, text))
