"""What findings mean under a system's policy: what is done, and what of the prompt is sent on and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..detection.engine import Report
from ..detection.findings import CATEGORIES, Finding
from ..detection.masking import Namer, mask
from ..detection.policy import MASKABLE, Policy, Verdict, decide
from .masking import to_mask, withheld


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is done. `would` is the action without shadow mode.

    `masked` is what may be kept of the prompt where the policy masks, with placeholders of the `namer`.
    """

    verdict: Verdict
    would: str
    masked: str
    namer: Namer


def outcome(prompt: str, report: Report, policy: Policy, *, closed: bool) -> Outcome:
    """The outcome for a prompt; `closed` when what could not be looked at must not pass.

    Nor does it pass where the policy masks: personal data would be sent on as it is.
    """
    verdict = decide(report.findings, replace(policy, shadow_mode=False) if policy.shadow_mode else policy)
    namer, masked = Namer(), prompt
    if policy.mask:
        found = to_mask(report.findings, policy)
        masked = mask(prompt, found, namer).text
        if verdict.action == "mask":
            verdict = _after_masking(verdict, report.findings, found, policy)
            if verdict.action == "mask" and masked == prompt:
                verdict = replace(verdict, action="allow")
    if not report.complete:
        masked = withheld(prompt)
        if policy.mask or closed:
            verdict = _unseen(verdict, report.findings, policy)
    shown = replace(verdict, action="allow") if policy.shadow_mode else verdict
    return Outcome(shown, verdict.action, masked, namer)


def _after_masking(
    verdict: Verdict, findings: Sequence[Finding], masked: Sequence[Finding], policy: Policy
) -> Verdict:
    """What cannot be cut out of the prompt is judged as if nothing were masked."""
    gone = {id(one) for one in masked if one.label is not None}
    left = [one for one in findings if id(one) not in gone]
    again = decide(left, replace(policy, mask=False, shadow_mode=False))
    return replace(verdict, action="block", reason=again.reason) if again.action == "block" else verdict


def _unseen(verdict: Verdict, findings: Sequence[Finding], policy: Policy) -> Verdict:
    """Blocked, for the worst that was found of what the rest might hold too."""
    if verdict.action == "block":
        return verdict
    categories, otherwise = (MASKABLE, "pii_leakage") if policy.mask else (CATEGORIES, "prompt_injection")
    told = {finding.category for finding in findings if finding.is_worth_telling and finding.score}
    seen = [name for name in CATEGORIES if name in categories and name in told]
    reason = max(seen, key=lambda name: verdict.scores[name], default=otherwise)
    return replace(verdict, decision="block", action="block", reason=reason)
