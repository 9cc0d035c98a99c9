"""Settings come from a file, the environment and the caller; secrets are made when nobody gives them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from precog.config import MIB, Config, load
from precog.errors import ConfigurationError
from tests.parallel import in_processes

SECRET, NEWER, OTHER = "a" * 16, "b" * 16, "c" * 16


def loaded(instance: Path, file: str = "", **settings: Any) -> Config:
    """The settings of an instance with a config.py; PRECOG_… settings stand for the environment's."""
    if file:
        instance.mkdir(exist_ok=True)
        (instance / "config.py").write_text(file)
    environ = {name: settings.pop(name) for name in list(settings) if name.startswith("PRECOG_")}
    return load({"instance": instance, **settings}, environ)


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


def test_there_are_defaults(instance: Path) -> None:
    found = loaded(instance)
    assert found.instance == instance
    assert found.database == str(instance / "precog.sqlite3")
    assert (found.max_request_bytes, found.max_batch_bytes) == (MIB, 10 * MIB)
    assert found.trusted_proxies == 0


def test_the_environment_wins_over_the_file_and_the_caller_over_both(instance: Path) -> None:
    file = "TRUSTED_PROXIES = 1\nMAX_BATCH_BYTES = 1\nMAX_REQUEST_BYTES = 1"
    environ = {"PRECOG_MAX_BATCH_BYTES": "2", "PRECOG_MAX_REQUEST_BYTES": "2"}
    found = loaded(instance, file, **environ, max_request_bytes=3)
    assert (found.trusted_proxies, found.max_batch_bytes, found.max_request_bytes) == (1, 2, 3)


def test_a_caller_may_write_names_in_capitals_and_leave_settings_open(instance: Path) -> None:
    found = loaded(instance, PRECOG_TRUSTED_PROXIES="2", MAX_REQUEST_BYTES=5, trusted_proxies=None)
    assert (found.max_request_bytes, found.trusted_proxies) == (5, 2)


def test_the_instance_may_come_from_the_environment(instance: Path) -> None:
    assert load({}, {"PRECOG_INSTANCE": str(instance)}).instance == instance


def test_a_file_may_use_python(instance: Path) -> None:
    file = "import os\nnumber = 2\nTRUSTED_PROXIES = number + 1"
    assert loaded(instance, file).trusted_proxies == 3


def test_other_programs_settings_in_the_environment_are_not_ours(instance: Path) -> None:
    assert loaded(instance, PRECOG_TEST_POSTGRES="x", PRECOG_UNKNOWN="x").trusted_proxies == 0


@pytest.mark.parametrize(("file", "settings"), [("", {"max_bytes": 1}), ("MAX_BYTES = 1", {})])
def test_an_unknown_setting_is_refused_by_its_name(
    instance: Path, file: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match=r"no setting named max_bytes\."):
        loaded(instance, file, **settings)


NUMBERS = (
    "max_request_bytes",
    "max_batch_bytes",
    "trusted_proxies",
    "unauthenticated_per_minute",
    "caller_ip_per_minute",
    "registrations_per_hour",
)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_is_read_as_one(instance: Path, name: str) -> None:
    assert getattr(loaded(instance, **{f"PRECOG_{name.upper()}": "7"}), name) == 7
    with pytest.raises(ConfigurationError, match=rf"{name} is a whole number, 0 or more\."):
        loaded(instance, **{name: "many"})


@pytest.mark.parametrize("value", ["x", "1.5", "-1", "", [1], -1])
def test_a_number_that_is_none_is_refused_by_its_name(instance: Path, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"trusted_proxies is a whole number, 0 or more\."):
        loaded(instance, trusted_proxies=value)


@pytest.mark.parametrize("file", ["A =", "raise ValueError('x')", "TRUSTED_PROXIES = unknown"])
def test_a_file_that_does_not_run_is_refused_with_a_sentence(instance: Path, file: str) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.py cannot be read: .+\."):
        loaded(instance, file)


def test_settings_cannot_be_changed(instance: Path) -> None:
    with pytest.raises(AttributeError):
        loaded(instance).trusted_proxies = 1  # type: ignore[misc]


# --- secrets


def test_secrets_are_made_once_for_their_owner_alone(instance: Path) -> None:
    first = loaded(instance)
    assert loaded(instance) == first
    assert len({*first.secret_key, first.key_pepper}) == 2
    assert min(len(secret) for secret in (*first.secret_key, first.key_pepper)) >= 43  # 256 bits
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in instance.iterdir()}
    assert modes == {"secret_key": 0o600, "key_pepper": 0o600}


def test_each_instance_has_secrets_of_its_own(tmp_path: Path) -> None:
    first, second = loaded(tmp_path / "a"), loaded(tmp_path / "b")
    assert first.secret_key != second.secret_key
    assert first.key_pepper != second.key_pepper


LOAD = """
from precog.config import load

go()
config = load({"instance": arguments[0]}, {})
print(config.secret_key, config.key_pepper)
"""


def test_processes_that_start_at_once_agree_on_the_secrets(instance: Path) -> None:
    assert len(set(in_processes(4, LOAD, str(instance)))) == 1
    assert sorted(path.name for path in instance.iterdir()) == ["key_pepper", "secret_key"]


def test_given_secrets_are_used_and_none_are_made(instance: Path) -> None:
    found = loaded(instance, PRECOG_SECRET_KEY=SECRET, key_pepper=OTHER)
    assert (found.secret_key, found.key_pepper) == ((SECRET,), OTHER)
    assert not instance.exists()


@pytest.mark.parametrize("given", [f"{SECRET}, {NEWER}", [SECRET, NEWER], (SECRET, NEWER)])
def test_there_may_be_many_secret_keys_oldest_first(instance: Path, given: Any) -> None:
    assert loaded(instance, secret_key=given, key_pepper=OTHER).secret_key == (SECRET, NEWER)


@pytest.mark.parametrize("name", ["secret_key", "key_pepper"])
@pytest.mark.parametrize("value", ["short", " " * 20, "x" * 15, 1234567890123456, b"bytes are not text"])
def test_a_secret_that_is_too_short_or_no_text_is_refused(instance: Path, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"characters\.|a list of them\."):
        loaded(instance, **{"secret_key": SECRET, "key_pepper": OTHER, name: value})


def test_one_of_many_that_is_too_short_is_refused(instance: Path) -> None:
    with pytest.raises(ConfigurationError):
        loaded(instance, secret_key=f"{SECRET},short", key_pepper=OTHER)


@pytest.mark.parametrize("name", ["secret_key", "key_pepper"])
def test_a_kept_secret_that_was_emptied_is_refused(instance: Path, name: str) -> None:
    loaded(instance)
    (instance / name).write_text("")
    with pytest.raises(ConfigurationError, match="at least 16 characters"):
        loaded(instance)


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot be read or made: .+\."):
        loaded(tmp_path / "file" / "instance")


def test_no_secret_is_shown(instance: Path) -> None:
    found = loaded(instance, secret_key=[SECRET, NEWER], key_pepper=OTHER)
    assert not any(secret in f"{found!r} {found}" for secret in (SECRET, NEWER, OTHER))
    for settings in ({"secret_key": "too-short"}, {"key_pepper": "too-short"}):
        with pytest.raises(ConfigurationError) as caught:
            loaded(instance, **settings)
        assert "too-short" not in str(caught.value)


@pytest.mark.parametrize(("text", "wanted"), [("0", False), ("false", False), ("1", True), ("True", True)])
def test_the_background_analysis_may_be_turned_off(instance: Path, text: str, wanted: bool) -> None:
    assert loaded(instance).background_analysis
    assert loaded(instance, PRECOG_BACKGROUND_ANALYSIS=text).background_analysis is wanted
    assert loaded(instance, background_analysis=wanted).background_analysis is wanted


def test_what_is_neither_yes_nor_no_is_refused_by_its_name(instance: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"background_analysis is 1 or 0, true or false\."):
        loaded(instance, PRECOG_BACKGROUND_ANALYSIS="maybe")


def test_the_issuer_is_a_url(instance: Path) -> None:
    assert loaded(instance).issuer is None
    assert (
        loaded(instance, issuer="https://precog.example.com/base/").issuer
        == "https://precog.example.com/base"
    )
    for wrong in ("precog.example.com", "ftp://x", "https://", "https://x?y", "https://x y"):
        with pytest.raises(ConfigurationError, match="issuer"):
            loaded(instance, PRECOG_ISSUER=wrong)
