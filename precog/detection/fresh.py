"""What a reading of a text shows that a plainer one did not, so that nothing is looked at twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .view import View

_AROUND = 400  # code points beside what differs: a rule's whole match, and what is said around it
_MOST = 200  # places that differ; from the last of them on all is taken for different
_STEP = 16
_ALIKE = 32  # code points in a row by which two texts are found to go on alike
_FAR = 4096  # where that is looked for


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text to look at, and within it (in the text's own places) what has not been seen before."""

    start: int
    end: int
    news: tuple[tuple[int, int], ...]

    def tells(self, span: tuple[int, int]) -> bool:
        """Whether the place has a part in what is new."""
        return any(span[0] <= end and span[1] >= start for start, end in self.news)


def passages(view: View, plainer: Sequence[View]) -> list[Passage]:
    """The parts of a view to look at, when all of the plainer ones have been."""
    if view.cut:
        return []
    text = view.text
    parent = _parent(view, plainer)
    if parent is None:
        return [Passage(0, len(text), ((0, len(text)),))]
    found: list[Passage] = []
    for start, end in differences(parent.text, text):
        first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
        if found and first <= found[-1].end:
            before = found.pop()
            found.append(Passage(before.start, last, (*before.news, (start, end))))
        else:
            found.append(Passage(first, last, ((start, end),)))
    return [_whole_words(text, passage) for passage in found]


def differences(one: str, other: str) -> Iterator[tuple[int, int]]:
    """Where the other text differs: all that does, and perhaps a little more."""
    i = j = 0
    for _ in range(_MOST):
        same = _common(one, i, other, j)
        i, j = i + same, j + same
        if j == len(other):
            if i < len(one):  # something was cut off
                yield max(0, j - 1), j
            return
        start = j
        i, j = _meet(one, i, other, j)
        yield start, j
        if j == len(other):
            return
    yield j, len(other)


def _meet(one: str, i: int, other: str, j: int) -> tuple[int, int]:
    """The first places, a few steps on, from which both go on alike; else the ends."""
    step = _STEP
    while j + step + _ALIKE <= len(other):
        sample = other[j + step : j + step + _ALIKE]
        at = one.find(sample, i, i + step + _FAR)
        if at >= 0:
            return at, j + step
        step *= 2
    return len(one), len(other)


def _common(one: str, i: int, other: str, j: int) -> int:
    """How many code points both have in common from there on."""
    most = min(len(one) - i, len(other) - j)
    done, size = 0, 256
    while done < most and one[i + done : i + done + size] == other[j + done : j + done + size]:
        done += size
        size *= 2
    if done >= most:
        return most
    size = min(size, most - done)
    while size > 1:  # the difference is within so many
        half = size // 2
        if one[i + done : i + done + half] == other[j + done : j + done + half]:
            done += half
            size -= half
        else:
            size = half
    return done if done >= most or one[i + done] != other[j + done] else done + 1


def _parent(view: View, plainer: Sequence[View]) -> View | None:
    """The view that this one was made from, or the nearest of those before it."""
    nearest: View | None = None
    for known in plainer:
        steps = known.origin
        if len(steps) <= len(view.origin) and all(map(_is, steps, view.origin)):
            if nearest is None or len(steps) > len(nearest.origin):
                nearest = known
    return nearest


def _is(one: object, other: object) -> bool:
    return one is other


def _whole_words(text: str, passage: Passage) -> Passage:
    """Not beginning or ending within a word, unless that is a long one."""
    start, end = passage.start, passage.end
    if start:
        blank = text.find(" ", start, start + _AROUND // 4)
        start = start if blank < 0 else blank + 1
    if end < len(text):
        blank = text.rfind(" ", end - _AROUND // 4, end)
        end = end if blank < 0 else blank
    return Passage(start, end, passage.news)
