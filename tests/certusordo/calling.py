"""What tests of the official client have in common."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
from certusrodo import CertusOrdoError

from tests.live import select_for


@contextlib.contextmanager
def refused(status: int, code: str) -> Iterator[None]:
    """The client raises its error, which has the server's status and code."""
    with pytest.raises(CertusOrdoError) as refusal:
        yield
    assert type(refusal.value) is CertusOrdoError
    assert refusal.value.response is not None
    assert (refusal.value.status_code, refusal.value.response["code"]) == (status, code)
    assert refusal.value.response["detail"] in refusal.value.message


def until(done: Callable[[], bool]) -> None:
    """Poll a server whose clock nobody sets."""
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        select_for(0.05)
