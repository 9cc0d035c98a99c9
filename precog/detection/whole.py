"""Whole texts in ROT13 or turned around: where words that matter are seen so, or the text speaks of it."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from .probe import WORDS, Probe
from .view import Cut, Exchanged, Mirrored, View

_ROTATED = (
    *(b"rot13", b"rot-13", b"rot 13"),
    *(codecs.encode(word, "rot13").encode() for word in WORDS),
)
_MIRRORED = (b"revers", b"backward", *(word[::-1].encode() for word in WORDS))
_SURE_MIRRORED = tuple(word[::-1].encode() for word in WORDS[:-3])
_SURE_ROTATED = tuple(codecs.encode(word, "rot13").encode() for word in WORDS[:-3])
_ROT13 = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)


# A text longer than this is turned around only beside what tells of it, and for so many places.
_WHOLE = 4096
_AROUND = 512
_MOST = 24
_MOST_KEPT = 24_576


def rotated(view: View, *probes: Probe) -> tuple[View | None, bool]:
    """The text with its Latin letters moved on by thirteen, where one of the probes tells of that.

    False when there were more such places than are looked at.
    """
    kept, complete = _kept(view, [probe.raw for probe in probes if "rot13" in probe.hints], _ROTATED)
    if kept is None:
        return None, True
    text = kept.text.translate(_ROT13)
    return kept.then(text, Exchanged("rot13", kept.text, text)), complete


def mirrored(view: View, *probes: Probe) -> tuple[list[View], bool]:
    """The text from its end to its beginning, and with each word turned around in its place; and as above."""
    kept, complete = _kept(view, [probe.raw for probe in probes if "reversed" in probe.hints], _MIRRORED)
    if kept is None:
        return [], True
    # One kind of gap, each where it was.
    source = kept.text.replace("\n", " ").replace("\t", " ").replace("\r", " ")
    words = " ".join(source[::-1].split(" ")[::-1])
    views = [
        kept.then(kept.text[::-1], Mirrored("reversed", kept.text)),
        kept.then(words, Mirrored("reversed", source, words=True)),
    ]
    return views, complete


def turnable(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of what is between the places that may have been turned around or rotated; the first ones."""
    probe = text[start:end].encode("latin-1", "replace").lower()
    parts, _ = told([probe], (*_SURE_MIRRORED, *_SURE_ROTATED), end - start)
    return [(start + first, start + last) for first, last in parts]


def _kept(view: View, telling: list[bytes], words: tuple[bytes, ...]) -> tuple[View | None, bool]:
    """What is worth being turned: all of a short text, of a long one what is beside a word that tells."""
    if not telling:
        return None, True
    if len(view.text) <= _WHOLE:
        return view, True
    small = {raw.lower() for raw in telling}
    parts, complete = told(small, words, len(view.text))
    if not parts:
        return None, True
    cut = Cut(tuple(parts))
    return view.then(cut.text(view.text), cut), complete


def told(
    probes: Iterable[bytes], words: tuple[bytes, ...], length: int
) -> tuple[list[tuple[int, int]], bool]:
    """The parts of a text around the words, the first ones and the last; whether those are all."""
    places: set[int] = set()
    complete = True
    for probe in probes:
        for word in words:
            found, whole = _places(probe, word)
            places |= found
            complete = complete and whole
    parts: list[tuple[int, int]] = []
    for place in sorted(places):
        start, end = max(0, place - _AROUND), min(length, place + _AROUND)
        if parts and start <= parts[-1][1]:
            start = parts.pop()[0]
        parts.append((start, end))
    if sum(end - start for start, end in parts) <= _MOST_KEPT:
        return parts, complete
    first, last = parts[0], parts[-1]
    return [
        (first[0], min(first[1], first[0] + _MOST_KEPT // 2)),
        *_some(parts[1:-1]),
        (max(last[0], first[1], last[1] - _MOST_KEPT // 2), last[1]),
    ], False


def _some(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first parts, as many as find room."""
    left, some = _MOST_KEPT // 2, []
    for start, end in parts:
        left -= end - start
        if left < 0:
            break
        some.append((start, end))
    return some


def _places(probe: bytes, word: bytes) -> tuple[set[int], bool]:
    """Some places of the word, the first ones and the last."""
    found: set[int] = set()
    at = probe.find(word)
    while at >= 0 and len(found) < _MOST:
        found.add(at)
        at = probe.find(word, at + _AROUND // 2)
    if at < 0:
        return found, True
    found.add(probe.rfind(word))
    return found, False
