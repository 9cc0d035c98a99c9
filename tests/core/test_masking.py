"""What is kept of JSON where a policy masks: its form, and nothing of people and secrets."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from precog.core import masking
from precog.core.masking import mask_json
from precog.detection.engine import Engine, Report, shared
from precog.detection.findings import Finding
from precog.detection.policy import Policy, Thresholds

SECRET = "ghp_1B4q9ZxT7vLm2KpR8sWcYdE5uNfHgJ3aVo0X"


CARD = 4111111111111111
MASK = Policy(mask=True)


def masked(value: Any) -> Any:
    found = mask_json(shared(), value, MASK)
    assert found.complete
    return found.value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ada@example.org", "<EMAIL_1>"),
        (["to ada@example.org", {"cc": "bob@example.org"}], ["to <EMAIL_1>", {"cc": "<EMAIL_2>"}]),
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
        {"id": "evt 7", "created": 1_768_473_000, "took_ms": 12_345_678, "share": 0.4111111111111111},
        {"usage": {"max_tokens": 100, "prompt_tokens": 12_345_678, "token": "hello"}},
        {"password": "", "secret": None, "reset_password": False, "passport": "required"},
        {"lost": "my passport", "order": 51234567},
        {"monkey": "see", "compass": "north", "spin": "left", "author": "Ada"},
        0.25,
        True,
        None,
        [],
        {"a": {"b": [[None], {"c": "d"}]}, "sdk_guard_ms": 2},
    ],
)
def test_everything_else_stays_as_it_is(value):
    assert masked(value) == value


# --- where the name tells


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": "swordfish"}, {"password": "<PASSWORD_1>"}),
        ({"dbPassword": "swordfish"}, {"dbPassword": "<PASSWORD_1>"}),
        ({"password2": ["swordfish"]}, {"password2": ["<PASSWORD_1>"]}),
        ({"pin": 4821}, {"pin": "<PASSWORD_1>"}),
        ({"AWS_SECRET_ACCESS_KEY": "wJalr"}, {"AWS_SECRET_ACCESS_KEY": "<SECRET_KEY_1>"}),
        ({"X-API-Key": "f3a9c1d7"}, {"X-API-Key": "<API_KEY_1>"}),
        ({"headers": {"Authorization": "Bearer abc"}}, {"headers": {"Authorization": "<TOKEN_1>"}}),
        ({"token": "f3a9c1d7b2"}, {"token": "<TOKEN_1>"}),
        ([{"name": "Cookie", "value": "a=b"}], [{"name": "Cookie", "value": "<TOKEN_1>"}]),
        ({"date_of_birth": "1980-02-03"}, {"date_of_birth": "<BIRTH_DATE_1>"}),
        ({"passport": {"number": "C01X00T47"}}, {"passport": {"number": "<PASSPORT_1>"}}),
        ({"phone": 442079460958}, {"phone": "<PHONE_1>"}),
        ({"card": CARD, "again": [CARD]}, {"card": "<CREDIT_CARD_1>", "again": ["<CREDIT_CARD_1>"]}),
        ({"card": float(CARD)}, {"card": "<CREDIT_CARD_1>"}),
        ({"password": "<PASSWORD_7>"}, {"password": "<PASSWORD_7>"}),
    ],
)
def test_what_only_its_name_tells_is_replaced_too(value, expected):
    assert masked(value) == expected


def test_the_words_of_one_member_do_not_excuse_the_number_of_the_next():
    assert masked({"a": "order id", "b": CARD})["b"] == "<CREDIT_CARD_1>"
    assert masked(["version", "91.198.174.192"])[1] == "<IP_1>"


def test_weak_signs_that_together_would_block_are_replaced():
    text = "10.0.0.1, born on 3 May 1790"
    assert masked(text) == text
    low = Policy(mask=True, thresholds={"pii_leakage": Thresholds(0.2, 0.6)})
    assert mask_json(shared(), text, low).value == "<IP_1>, born on <BIRTH_DATE_1>"


def test_what_stands_across_two_strings_is_cut_out_of_each():
    found = mask_json(_Finds((2, 10)), ["ab cd", "ef gh"], MASK).value
    assert found == ["ab<EMAIL_1>", "<EMAIL_2>f gh"]


# --- the amount of work, and what is beyond it


class _Finds:
    """An engine that finds one e-mail address, at these places."""

    def __init__(self, span: tuple[int, int], *, complete: bool = True) -> None:
        self.report = Report((Finding("pii_leakage", "pii.email", 0.9, span, label="EMAIL"),), complete)

    def scan(self, text: str, **_: Any) -> Report:
        return self.report


def test_what_was_not_wholly_looked_at_is_withheld_but_for_its_length():
    found = mask_json(_Finds((0, 2), complete=False), {"a": "to ada, me", "b": 12_345_678, "c": "run"}, MASK)
    assert found.value == {"a": "<OMITTED_10>", "b": "<OMITTED_8>", "c": "run"}
    assert not found.complete


def test_a_long_text_that_is_withheld_takes_no_other_with_it(monkeypatch):
    long = "the quick brown fox " * 1000
    scan = Engine.scan

    def partly(self: Engine, text: str, **of: Any) -> Report:
        return replace(scan(self, text, **of), complete="brown fox" not in text)

    monkeypatch.setattr(Engine, "scan", partly)
    found = mask_json(shared(), ["to bob@example.org", long, "to ada@example.org"], MASK)
    assert found.value == ["to <EMAIL_1>", f"<OMITTED_{len(long)}>", "to <EMAIL_2>"]


def test_beyond_the_work_that_a_record_is_worth_all_is_withheld(monkeypatch):
    monkeypatch.setattr(masking, "BUDGET_S", 0.0)
    names = {f"ada {number}@example.org": "ada@example.org" for number in range(2_000)}
    found = mask_json(shared(), names, MASK)
    assert not found.complete
    assert len(found.value) == 2_000
    assert "@" not in str(found.value)


@pytest.mark.parametrize(
    "value",
    [
        {"l": [f"{number:08d}" for number in range(80_000)]},
        {f"k{number:05d}": f"v{number:05d}" for number in range(45_000)},
        {"mails": [f"a{number}@example.org" for number in range(40_000)]},
    ],
    ids=["numbers", "members", "addresses"],
)
def test_a_flood_of_strings_costs_no_more_than_a_few_long_texts(value):
    shared().warm()
    started = time.thread_time()
    found = mask_json(shared(), value, MASK)
    assert time.thread_time() - started < 1.5  # one scan each took 4.5 s and more; now 0.4 s
    assert "@" not in str(found.value)
