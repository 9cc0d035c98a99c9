"""What is kept of JSON where a policy masks: its form, and nothing of people and secrets."""

from __future__ import annotations

from typing import Any

import pytest

from precog.core.masking import mask_json
from precog.detection.engine import shared

SECRET = "ghp_1B4q9ZxT7vLm2KpR8sWcYdE5uNfHgJ3aVo0X"


def masked(value: Any) -> Any:
    return mask_json(shared(), value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ada@example.org", "<EMAIL_1>"),
        (["to ada@example.org", {"cc": "bob@example.org"}], ["to <EMAIL_1>", {"cc": "<EMAIL_1>"}]),
        ({"ada@example.org": "accepted"}, {"<EMAIL_1>": "accepted"}),
        (SECRET, "<TOKEN_1>"),
        ("a@b.co", "<EMAIL_1>"),
    ],
)
def test_people_and_secrets_are_replaced_wherever_they_stand(value, expected):
    assert masked(value) == expected


def test_the_names_of_two_people_stay_two():
    found = masked({"ada@example.org": 1, "<EMAIL_1>": 2, "bob@example.org": 3})
    assert sorted(found.values()) == [1, 2, 3]
    assert not [name for name in found if "@" in name]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "prompt_preflight_evaluated",
        "run-7",
        "gpt-4o",
        "What is your refund policy?",
        "3f2a6b1c-8d4e-4f5a-9b7c-1d2e3f4a5b6c",
        "2026-01-15T10:30:00.123Z",
        "int-019bc1347840000065261de9e3d44",
        "http://localhost:8000/api/v1",
        1_768_473_000_000,
        0.25,
        True,
        None,
        [],
        {"a": {"b": [[None], {"c": "d"}]}, "sdk_guard_ms": 2},
    ],
)
def test_everything_else_stays_as_it_is(value):
    assert masked(value) == value
