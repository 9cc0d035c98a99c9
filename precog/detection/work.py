"""How much may be spent on one text, so that none takes long, and whether that was enough for all of it."""

from __future__ import annotations

from .findings import Finding
from .normalize import SLACK
from .rules import Effort

# All readings together are looked at for so many times a text's length; of what is beyond LARGE less.
MOST_READ = 4
LARGE = 32_768
# Of what was turned around or rotated so much is, whatever else there is: it is cut to where that matters.
MOST_TURNED = 98_304
# Hits of a rule at its full weight; it counts once, so that more make no difference to anybody.
ENOUGH = 3
# Hits of a rule that may be mere mentions; who writes more of them is taken to mean them.
MOST_WEIGHED = 100
# Findings in what was undone, which must each be followed back to where they stand in the text.
MOST_TRACED = 300


class Work:
    """How much of the readings of one text may still be looked at, and whether all that was asked for was."""

    def __init__(self, length: int, *, personal: bool) -> None:
        self.personal = personal
        self.complete = True
        self.spent: dict[str, int] = {}
        self.effort = Effort()
        self._met: dict[str, int] = {}
        self._met_in_full: dict[str, int] = {}
        self._traced = 0
        self._personal_left = length + LARGE // 2
        self._left_turned = MOST_TURNED
        self._left = MOST_READ * min(length, LARGE) + max(0, length - LARGE) + SLACK

    def afford(self, start: int, end: int, *, turned: bool = False) -> int:
        """The end of what may be looked at of a passage; what was turned around is not at others' cost."""
        last = min(end, start + max(0, self._left_turned if turned else self._left))
        if turned:
            self._left_turned -= last - start
        else:
            self._left -= last - start
        if last < end:
            self.complete = False
        return last

    def afford_personal(self, length: int) -> bool:
        """Whether so much more text may be searched for personal data."""
        if length > self._personal_left:
            self.complete = False
            return False
        self._personal_left -= length
        return True

    def met(self, rule: str) -> bool:
        """Count a hit of the rule; whether what stands around it shall be looked at."""
        self._met[rule] = met = self._met.get(rule, 0) + 1
        return met <= MOST_WEIGHED

    def met_in_full(self, rule: str) -> None:
        """Count a hit at full weight: after a few of them, more would say nothing more."""
        self._met_in_full[rule] = met = self._met_in_full.get(rule, 0) + 1
        if met == ENOUGH:
            self.effort.without.add(rule)

    def kept(self, findings: list[Finding]) -> list[Finding]:
        """Those of a reading whose places in the original can still be found out."""
        room = max(0, MOST_TRACED - self._traced)
        self._traced += len(findings)
        if len(findings) > room:
            self.complete = False
        return (
            sorted(findings, key=lambda finding: -finding.score)[:room] if len(findings) > room else findings
        )
