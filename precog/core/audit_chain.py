"""Looking at an audit chain: whether anything was altered, removed, put in or moved since it was written."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import WrongValue
from ..storage import audit
from ..storage.audit import GENESIS, Entry, Head, Unreadable
from ..storage.engine import Transaction
from . import times
from .audit import hash_of
from .checkpoint_signer import Checkpoint as Checkpoint
from .services import Services

ENTRIES_A_LOOK = (
    1_000  # read at once, in a transaction of their own: memory is theirs, however long the chain
)
FAULTS_SHOWN = 100
_BEFORE_ALL = -(2**63)
_BEHIND_ALL = 2**63 - 1


class UnsoundChain(Exception):
    """The chain does not end where its last change has left it, so its end is not signed."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. Of no entries the first is 0, and the last the one before which it looked in vain."""

    entries_verified: int
    first_entry_sequence: int
    last_entry_sequence: int
    errors: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether the chain is as it was written, as far as was looked."""
        return not self.errors


def verify(
    services: Services,
    organization_id: str,
    *,
    start: int = 1,
    most: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Verification:
    """Look at the organization's entries from number `start` on, `most` at most.

    What comes before `start` is taken to be what an earlier look has found good. Entries that are added
    meanwhile are not looked at. A checkpoint shows besides that nothing up to it was cut off or written anew.
    """
    db = services.db
    walk = _Walk(start)
    head, newest = db.read(_ends, organization_id)
    last = min(head.sequence_number or _BEHIND_ALL, newest.sequence_number)
    if most is not None:
        last = min(last, start + most - 1)
    if start > 1:
        walk.begin_behind(db.read(audit.get, organization_id, start - 1))
    after = start - 1 if start > 1 else _BEFORE_ALL
    while entries := db.read(audit.stretch, organization_id, after=after, last=last, limit=ENTRIES_A_LOOK):
        for entry in entries:
            walk.look(entry)
        after = entries[-1].sequence_number
    walk.end(last)
    walk.compare_ends(head, newest)
    if checkpoint is not None:
        walk.compare(checkpoint, db.read(audit.get, organization_id, checkpoint.sequence_number))
    return walk.found()


def checkpoint(services: Services, organization_id: str) -> str:
    """Where the organization's chain ends now, signed. Raises UnsoundChain."""
    head, newest = services.db.read(_ends, organization_id)
    if head != newest:
        raise UnsoundChain()
    now = services.clock()
    return services.checkpoint_signer.sign(
        Checkpoint(organization_id, head.sequence_number, head.entry_hash, now)
    )


def read_checkpoint(services: Services, organization_id: str, text: str) -> Checkpoint:
    """A checkpoint of this organization's chain. Raises WrongValue for any other text."""
    found = services.checkpoint_signer.read(text.strip())
    if found.organization_id != organization_id:
        raise WrongValue(
            "checkpoint", expected="checkpoint of this organization", received="another organization's"
        )
    return found


def _ends(tx: Transaction, organization_id: str) -> tuple[Head, Head]:
    newest = audit.newest(tx, organization_id)
    if not isinstance(newest.sequence_number, int):  # SQLite takes any type, and sorts texts behind numbers
        newest = Head(_BEHIND_ALL, newest.entry_hash)
    return audit.head(tx, organization_id), newest


@dataclass(slots=True)
class _Walk:
    """Goes along a chain, entry by entry, and keeps what is wrong with it."""

    expected: int
    previous_hash: str | None = (
        GENESIS  # None where the entry before is missing or unreadable, as was said then
    )
    entries: int = 0
    first: int = 0
    last: int = 0
    errors: list[str] = field(default_factory=list)
    unshown: int = 0

    def __post_init__(self) -> None:
        self.last = self.expected - 1

    def begin_behind(self, entry: Entry | Unreadable | None) -> None:
        """Begin where an earlier look has ended, with the entry before."""
        self.previous_hash = entry.entry_hash if isinstance(entry, Entry) else None
        if entry is None:
            self._fault(f"Entry {self.expected - 1} is missing")

    def look(self, entry: Entry | Unreadable) -> None:
        """Look at the next entry that there is."""
        number = entry.sequence_number
        if number != self.expected:
            self._misplaced(number)
        elif isinstance(entry, Entry) and self.previous_hash not in (None, entry.previous_hash):
            self._fault(f"Entry {number} names another entry before it than entry {number - 1}")
        if not _is_whole(entry):
            self._fault(f"Entry {number} is not what its hash was made of")
        self.entries += 1
        self.first = self.first or number
        self.last = number
        self.previous_hash = entry.entry_hash if isinstance(entry, Entry) else None
        self.expected = number + 1

    def _misplaced(self, number: int) -> None:
        if number > self.expected:
            self._missing(self.expected, number - 1)
        else:
            self._fault(f"Entry {number} stands before the first")

    def _missing(self, first: int, last: int) -> None:
        if first == last:
            self._fault(f"Entry {first} is missing")
        else:
            self._fault(f"Entries {first} to {last} are missing")

    def end(self, last: int) -> None:
        """There are no more entries, up to this number."""
        if self.expected <= last:
            self._missing(self.expected, last)

    def compare_ends(self, head: Head, newest: Head) -> None:
        """Where the entries end is where the last change has left the chain."""
        if newest.sequence_number < head.sequence_number:
            self._missing(newest.sequence_number + 1, head.sequence_number)
        elif newest.sequence_number > head.sequence_number:
            self._fault(f"What is behind entry {head.sequence_number} was not written by a change")
        elif newest != head:
            self._fault(f"Entry {head.sequence_number} is not the one that was written last")

    def compare(self, checkpoint: Checkpoint, entry: Entry | Unreadable | None) -> None:
        """The entry at the checkpoint is the one that was there then."""
        number, when = checkpoint.sequence_number, times.to_rfc3339(checkpoint.time)
        if number == 0:
            return
        if entry is None:
            self._fault(f"Entry {number} is missing, which the checkpoint of {when} has seen")
        elif isinstance(entry, Unreadable) or entry.entry_hash != checkpoint.entry_hash:
            self._fault(f"Entry {number} is another one than the checkpoint of {when} has seen")

    def _fault(self, sentence: str) -> None:
        if len(self.errors) < FAULTS_SHOWN:
            self.errors.append(sentence)
        else:
            self.unshown += 1

    def found(self) -> Verification:
        """What was found."""
        more = [f"And {self.unshown} more"] if self.unshown else []
        return Verification(self.entries, self.first, self.last, (*self.errors, *more))


def _is_whole(entry: Entry | Unreadable) -> bool:
    # A time of a fraction more is written alike, so its hash would be right.
    if isinstance(entry, Unreadable) or not isinstance(entry.created_at, int):
        return False
    try:
        return hash_of(entry) == entry.entry_hash
    except (TypeError, ValueError, OverflowError):  # no entry of ours: a text for a time, or half a character
        return False
