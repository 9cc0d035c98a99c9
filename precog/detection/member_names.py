"""What the name of a JSON member tells of its value: under `password` stands one, whatever it looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of value, as a placeholder names it, and which values under its names are meant."""

    label: str
    fits: Callable[[str], bool]


def _anything(value: str) -> bool:
    return bool(value.strip())


def _numbered(value: str) -> bool:
    """A number or a date: `"passport": "required"` has none."""
    return len(_DIGIT.findall(value[:200])) >= 4


def _drawn(value: str) -> bool:
    """What is drawn, or chosen by somebody careful: `"token": "hello"` is a word of a model's."""
    return (
        len(value) >= 8
        and not any(map(str.isspace, value))
        and _DIGIT.search(value) is not None
        and _LETTER.search(value) is not None
    )


_PASSWORD = Kind("PASSWORD", _anything)
_API_KEY = Kind("API_KEY", _anything)
_SECRET_KEY = Kind("SECRET_KEY", _anything)
_TOKEN = Kind("TOKEN", _anything)
_PERHAPS_TOKEN = Kind("TOKEN", _drawn)
_BIRTH_DATE = Kind("BIRTH_DATE", _numbered)
_PASSPORT = Kind("PASSPORT", _numbered)
_LICENSE = Kind("DRIVING_LICENSE", _numbered)
_CARD = Kind("CREDIT_CARD", _numbered)
_NATIONAL = Kind("NATIONAL_ID", _numbered)

# Names are compared without what parts their words: api_key, apiKey, X-API-Key.
_WHOLE = {
    name: kind
    for kind, names in (
        (_PASSWORD, "pass pw pwd pin pincode cvv cvc cvv2 otp"),
        (_TOKEN, "authorization proxyauthorization xauthorization cookie setcookie bearer"),
        (_PERHAPS_TOKEN, "auth key credential credentials jwt session sessionid sid"),
        (_BIRTH_DATE, "dob born birthdate birthday geburtstag"),
        (_NATIONAL, "ssn sin nin nino"),
    )
    for name in names.split()
}
_ENDINGS = tuple(
    (ending, kind)
    for kind, endings in (
        (_PASSWORD, "password passwd passphrase passcode passwort kennwort"),
        (_PASSWORD, "contraseña contrasena motdepasse senha wachtwoord"),
        (_SECRET_KEY, "secretaccesskey secretkey privatekey signingkey encryptionkey masterkey secret"),
        (_API_KEY, "apikey accesskey subscriptionkey"),
        (_TOKEN, "accesstoken refreshtoken idtoken authtoken bearertoken sessiontoken csrftoken apitoken"),
        (_PERHAPS_TOKEN, "token sessionkey authkey"),
        (_BIRTH_DATE, "dateofbirth birthdate birthday geburtsdatum datedenaissance fechadenacimiento"),
        (_PASSPORT, "passport passportnumber passportno passportid reisepass"),
        (_LICENSE, "driverslicense driverlicense driverslicensenumber driverlicensenumber drivinglicence"),
        (_CARD, "cardnumber creditcard"),
        (_NATIONAL, "socialsecuritynumber nationalid taxid"),
    )
    for ending in endings.split()
)  # fmt: skip


def kind_of(name: str) -> Kind | None:
    """What stands under the name, if it tells."""
    words = spoken(name).split()
    while len(words) > 1 and words[-1].isdecimal():
        words.pop()
    compact = "".join(words)
    found = _WHOLE.get(compact)
    if found is None:
        found = next((kind for ending, kind in _ENDINGS if compact.endswith(ending)), None)
    return found


def spoken(name: str) -> str:
    """The name as words: dateOfBirth and date_of_birth are "date of birth"."""
    return " ".join(_WORD.findall(name[:_LONGEST])).lower()
