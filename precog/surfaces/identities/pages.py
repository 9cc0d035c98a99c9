"""What queries have in common, and lists: how many entries, and from which on."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from ..fields import Count

MOST_ENTRIES = 1_000


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


class PageQuery(Query):
    """Which stretch of a list. The official client asks for none, so it is a long one."""

    limit = Count(least=1, most=MOST_ENTRIES, load_default=100, metadata={"description": "Entries a page."})
    offset = Count(
        least=0, most=10**9, load_default=0, metadata={"description": "Entries that are left out before."}
    )
