"""Marshmallow fields whose errors say what was expected and what came."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import marshmallow as ma

from ..core.times import day_of, from_rfc3339
from ..errors import InvalidField, MissingField, WrongType, WrongValue

_KINDS: dict[str, type[InvalidField]] = {kind.code: kind for kind in (MissingField, WrongType, WrongValue)}


def json_type(value: Any) -> str:
    """What JSON calls the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float() | Decimal():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def fault(kind: type[InvalidField], expected: str, received: str) -> ma.ValidationError:
    """The error that `first_fault` turns into a `kind`."""
    return ma.ValidationError([{"kind": kind.code, "expected": expected, "received": received}])


def first_fault(messages: Any, path: str = "") -> InvalidField:
    """The first of a schema's errors, with the path to its field, such as `toolCalls[0].name`."""
    if isinstance(messages, Mapping):
        name, inner = next(iter(messages.items()))
        if name == "_schema":
            return first_fault(inner, path)
        step = f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
        return first_fault(inner, path + step)
    entry = messages[0]
    if isinstance(entry, Mapping):
        return _KINDS[entry["kind"]](path, expected=entry["expected"], received=entry["received"])
    return WrongValue(path or "body", expected=str(entry), received="something else")


class Checked(ma.fields.Field[Any]):
    """A field whose errors are faults; optional ones take null for absent."""

    expected = "any"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("required"):
            kwargs.setdefault("load_default", None)
            kwargs.setdefault("allow_none", True)
        super().__init__(*args, **kwargs)

    def make_error(self, key: str, **kwargs: Any) -> ma.ValidationError:
        if key in ("required", "null"):
            return fault(MissingField, self.expected, "null")
        return super().make_error(key, **kwargs)


class Text(Checked, ma.fields.String):
    """A string, with limits on its length in characters; trimmed when asked."""

    expected = "string"

    def __init__(
        self, *, shortest: int = 0, longest: int | None = None, trim: bool = False, **kwargs: Any
    ) -> None:
        self.shortest = shortest
        self.longest = longest
        self.trim = trim
        limits = {"minLength": shortest} if shortest else {}
        if longest is not None:
            limits["maxLength"] = longest
        kwargs["metadata"] = {**limits, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise fault(WrongType, self.expected, json_type(value))
        text = value.strip() if self.trim else value
        if "\0" in text:  # from a query or header: of a body it is known that it has none
            raise fault(WrongValue, "string without NUL", "string with NUL")
        if len(text) < self.shortest or (self.longest is not None and len(text) > self.longest):
            raise fault(
                WrongValue,
                f"string of {self.shortest} to {self.longest} characters",
                f"string of {len(text)} characters",
            )
        return text


class Choice(Text):
    """One of a few strings."""

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        self.choices = choices
        kwargs["metadata"] = {"enum": list(choices), **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in self.choices:
            raise fault(WrongValue, f"one of {', '.join(self.choices)}", "another string")
        return text


class Object(Checked, ma.fields.Dict):
    """A JSON object with any content."""

    expected = "object"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise fault(WrongType, self.expected, json_type(value))
        return value


class Objects(Checked, ma.fields.List[Any]):
    """An array of JSON objects with any content."""

    expected = "array"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ma.fields.Dict(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise fault(WrongType, self.expected, json_type(value))
        for index, entry in enumerate(value):
            if not isinstance(entry, dict):
                wrong = fault(WrongType, "object", json_type(entry))
                raise ma.ValidationError({index: wrong.messages})
        return value


class Time(Text):
    """An RFC 3339 date and time, as unix milliseconds inside."""

    expected = "RFC 3339 date and time"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"format": "date-time", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return parse_time(text)


def parse_time(text: str) -> int:
    """Unix milliseconds. Raises a fault."""
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise fault(WrongValue, Time.expected, "another string") from None


class Day(Text):
    """A day as `2026-01-15`, as the unix milliseconds of its beginning (UTC) inside."""

    expected = "day such as 2026-01-15"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"format": "date", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return day_of(super()._deserialize(value, attr, data, **kwargs))
        except ValueError:
            raise fault(WrongValue, self.expected, "another string") from None


class Count(Checked, ma.fields.Integer):
    """A whole number within bounds, also when it is written as a string in a query."""

    expected = "whole number"

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        self.least = least
        self.most = most
        kwargs["metadata"] = {"minimum": least, "maximum": most, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise fault(WrongType, self.expected, json_type(value))
        if not self.least <= int(text) <= self.most:
            raise fault(WrongValue, f"{self.expected} from {self.least} to {self.most}", "another number")
        return int(text)


class Whole(Count):
    """A whole number within bounds, in JSON, where a string is no number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise fault(WrongType, self.expected, json_type(value))
        if value < 0:
            raise fault(WrongValue, f"{self.expected} from {self.least} to {self.most}", "another number")
        return super()._deserialize(value, attr, data, **kwargs)


class Flag(Checked, ma.fields.Boolean):
    """True or false, and nothing that merely looks like it."""

    expected = "boolean"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise fault(WrongType, self.expected, json_type(value))
        return value


class Share(Checked, ma.fields.Float):
    """A number above 0 and up to 1."""

    expected = "number"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"exclusiveMinimum": 0, "maximum": 1, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise fault(WrongType, self.expected, json_type(value))
        if not 0 < value <= 1:
            raise fault(WrongValue, "number above 0 and up to 1", "another number")
        return float(value)
