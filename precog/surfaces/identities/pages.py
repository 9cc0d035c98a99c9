"""What lists have in common: how many entries, and from which on."""

from __future__ import annotations

import marshmallow as ma

from ..fields import Count

MOST_ENTRIES = 1_000


class PageQuery(ma.Schema):
    """Which stretch of a list. The official client asks for none, so it is a long one."""

    class Meta:
        unknown = ma.EXCLUDE

    limit = Count(least=1, most=MOST_ENTRIES, load_default=100, metadata={"description": "Entries a page."})
    offset = Count(
        least=0, most=10**9, load_default=0, metadata={"description": "Entries that are left out before."}
    )
