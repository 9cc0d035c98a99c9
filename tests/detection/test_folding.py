"""Folded text keeps its positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.detection.folding import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Regeln", "regeln"),
        ("Précédentes", "precedentes"),
        ("ÜBER", "uber"),
        ("don’t “quote” — it", 'don\'t "quote" - it'),
        ("İÇ TALİMAT ışık", "ic talimat isik"),
        ("Błędów Řež Đặng", "bledow rez dang"),
        ("ПРАВИЛА ещё", "правила еще"),
        ("إرشادات", "ارشادات"),
    ],
)
def test_case_and_marks_go(text, folded):
    assert fold(text).data.decode() == folded


@given(st.text(st.characters(codec=None)) | st.text("İıßŒé€Жа\ud800\U0001f600a\u0301"))
def test_a_folded_text_has_as_many_code_points(text):
    folded = fold(text)
    points = len(folded.data.decode()) if folded.wide else len(folded.data)
    assert points == len(text)


@given(st.text(st.characters(codec="utf-8")))
def test_offsets_become_code_points(text):
    folded = fold(text)
    offsets = [len(text[:at].encode()) if folded.wide else at for at in range(len(text) + 1)]
    if len(folded.data) == offsets[-1]:
        assert list(folded.points(offsets).values()) == list(range(len(text) + 1))


def test_many_different_marked_letters_are_folded_too():
    letters = "".join(map(chr, range(0x1EA0, 0x1EF9))) + "ж"
    assert fold(letters).data.decode().rstrip("ж").isascii()
