"""What queries of all surfaces have in common."""

from __future__ import annotations

from typing import Any

import marshmallow as ma


def _absent() -> None:
    """What stands for a field that was not sent; a function is not documented."""


class Query(ma.Schema):
    """What a query says."""

    class Meta:
        unknown = ma.EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        """A query cannot say null, so that is no value and no default to document."""
        field_obj.allow_none = False
        if field_obj.load_default is None:
            field_obj.load_default = _absent
