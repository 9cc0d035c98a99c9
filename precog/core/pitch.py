"""How an outside agent may speak of what is recommended: to a buyer, or to a business."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogs import Catalog, Claim

B2C, B2B = MODES = ("b2c", "b2b")

_TONES = {
    B2C: "Warm and plain: what it does for the person who buys it, in everyday words.",
    B2B: "Sober and precise: figures, terms and evidence that a purchasing department can check.",
}


@dataclass(frozen=True, slots=True)
class Pitch:
    """The tone to take, what the operator vouches for, and what to invite the listener to."""

    mode: str
    tone: str
    claims: tuple[str, ...]
    call_to_action: str


def of(catalog: Catalog, mode: str) -> Pitch:
    """The pitch for a catalogue in a mode; every claim in it is its operator's."""
    claims = tuple(_said(claim, mode) for claim in catalog.about.claims)
    return Pitch(mode, _TONES[mode], claims, _call_to_action(catalog, mode))


def _said(claim: Claim, mode: str) -> str:
    if mode == B2B and claim.evidence is not None:
        return f"{claim.claim} (evidence: {claim.evidence})"
    return claim.claim


def _call_to_action(catalog: Catalog, mode: str) -> str:
    business, claims = catalog.about.business, catalog.about.claims
    if mode == B2B:
        proven = next((claim for claim in claims if claim.evidence is not None), None)
        start = f"Ask whether to prepare an order with {business}"
        return f"{start}, and show what backs “{proven.claim}”: {proven.evidence}" if proven else f"{start}."
    start = f"Offer to open the product's page at {business}"
    return f"{start}, and mention: {claims[0].claim}" if claims else f"{start}."
