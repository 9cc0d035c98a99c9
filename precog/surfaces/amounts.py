"""Marshmallow fields for money: exact amounts, and the currencies of ISO 4217.

A schema with an Amount in its body says `EXACT_NUMBERS = True`, or numbers come as floats and are refused.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..core import money
from ..errors import WrongType, WrongValue
from .fields import Checked, Text, fault, json_type


class Amount(Checked):
    """An amount of money as a number or a text, in ten-thousandths inside."""

    expected = "decimal number of at most 12 digits before the point and 4 behind it"

    def __init__(self, **kwargs: Any) -> None:
        kinds: list[dict[str, Any]] = [
            {"type": "string", "pattern": f"^{money.PATTERN}$"},
            {"type": "number", "minimum": 0, "exclusiveMaximum": 10**money.WHOLE_DIGITS},
        ]
        if not kwargs.get("required"):
            kinds.append({"type": "null"})
        kwargs["metadata"] = {"anyOf": kinds, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise fault(WrongType, self.expected, json_type(value))
        try:
            return money.to_e4(value)
        except ValueError:
            raise fault(WrongValue, self.expected, f"another {json_type(value)}") from None


class Currency(Text):
    """The ISO 4217 code of a currency that one can pay with."""

    expected = "ISO 4217 code such as EUR"

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"pattern": "^[A-Z]{3}$", "example": "EUR", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        if not money.is_currency(code):
            raise fault(WrongValue, self.expected, "another string")
        return code
