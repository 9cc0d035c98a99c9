"""What a detector has found in a text."""

from __future__ import annotations

from dataclasses import dataclass

CATEGORIES = (
    "prompt_injection",
    "jailbreak",
    "db_access",
    "code_execution",
    "pii_leakage",
    "secret_leakage",
    "toxicity",
)


ATTACKS = frozenset(("prompt_injection", "jailbreak"))
"""The categories of what steers a model by words."""

_OPINION = 0.3


@dataclass(frozen=True, slots=True)
class Finding:
    """A place in a text and what is wrong with it.

    `span` counts code points of the original text; `score` is within 0..1; `transform` names what the text
    had to undergo before the rule saw it, None for the text as it is; `label` is the type of a piece of
    personal data or of a secret, as a placeholder names it.
    """

    category: str
    rule: str
    score: float
    span: tuple[int, int]
    transform: str | None = None
    label: str | None = None

    @property
    def is_opinion(self) -> bool:
        """Whether a classifier said so, not a rule."""
        return self.rule.startswith("classifier.")

    @property
    def is_of_words(self) -> bool:
        """Whether a rule saw it in these very words; what they are written in is a sign of its own."""
        return not self.is_opinion and not self.rule.startswith("language.")

    @property
    def is_worth_telling(self) -> bool:
        """Not so for a slight opinion of a classifier's, which counts for a score and is nothing found."""
        return self.score >= _OPINION or not self.is_opinion
