"""Whole texts in ROT13 or turned around: where words that matter are seen so, or the text speaks of it."""

from __future__ import annotations

import codecs

from .view import Exchanged, Mirrored, View

_WORDS = (
    *("ignore", "disregard", "previous", "instruction", "system", "prompt", "reveal", "password"),
    *(" the ", " and ", " your "),
)
_ROTATED = (b"rot13", b"rot-13", b"rot 13", *(codecs.encode(word, "rot13").encode() for word in _WORDS))
_MIRRORED = (b"revers", b"backward", *(word[::-1].encode() for word in _WORDS))
_ROT13 = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)


def rotated(view: View, *probes: bytes) -> View | None:
    """The text with its Latin letters moved on by thirteen, if one of the probes tells of that."""
    if not _tell(probes, _ROTATED):
        return None
    text = view.text.translate(_ROT13)
    return view.then(text, Exchanged("rot13", view.text, text))


def mirrored(view: View, *probes: bytes) -> list[View]:
    """The text from its end to its beginning, and with each word turned around in its place."""
    if not _tell(probes, _MIRRORED):
        return []
    # One kind of gap, each where it was.
    source = view.text.replace("\n", " ").replace("\t", " ").replace("\r", " ")
    words = " ".join(source[::-1].split(" ")[::-1])
    return [
        view.then(view.text[::-1], Mirrored("reversed", view.text)),
        view.then(words, Mirrored("reversed", source, words=True)),
    ]


def _tell(probes: tuple[bytes, ...], words: tuple[bytes, ...]) -> bool:
    small = {probe.lower() for probe in probes}
    return any(word in probe for probe in small for word in words)
