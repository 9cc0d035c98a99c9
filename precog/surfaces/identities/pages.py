"""What lists have in common: how many entries, and from which on."""

from __future__ import annotations

from ..fields import Count
from ..queries import Query

MOST_ENTRIES = 1_000


class PageQuery(Query):
    """Which stretch of a list. The official client asks for none, so it is a long one."""

    limit = Count(least=1, most=MOST_ENTRIES, load_default=100, metadata={"description": "Entries a page."})
    offset = Count(
        least=0, most=10**9, load_default=0, metadata={"description": "Entries that are left out before."}
    )
