#!/usr/bin/env python3
"""Look through the corpus of labelled texts: form, amounts, lengths, and texts that are nearly the same.

    tools/check_corpus.py                  the whole corpus, a line for each language, and what is held out
    tools/check_corpus.py FILE...          single files, with their kinds

The status is 1 when a line breaks the form or two texts of one label are nearly the same: a repeated text
teaches and measures nothing.
"""

import collections
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[1] / "precog" / "detection" / "corpus"
HELD_OUT = CORPUS.parents[2] / "tests" / "detection" / "held_out.jsonl"
"""Texts by authors who knew neither rules nor corpus. Nothing is trained on them: they measure."""

ATTACKS = frozenset(
    "override output_forcing persona extraction fake_message delimiter splitting encoding fiction authority"
    " multi_turn exfiltration document tool agent".split()
)
BENIGN = frozenset(
    "trigger_words editing roleplay fiction prompting security sysadmin code policy_news reader_instructions"
    " mail user_prompts tool_output support agents".split()
)
CARRIERS = frozenset(
    "chat mail web tool_output code cv spreadsheet calendar json log document ticket review commit subtitle"
    " form agent_message system_prompt".split()
)
SAME = 0.6
"""Jaccard similarity of the shingles of two texts above which they are nearly the same."""


@dataclass(frozen=True)
class Sample:
    """A labelled text and where it stands."""

    text: str
    kind: str
    carrier: str
    label: int
    language: str
    place: str


def read(path: Path, faults: list[str]) -> Iterator[Sample]:
    """The samples of one file; what breaks the form goes to `faults`."""
    label = int(path.name.startswith("attacks"))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path.parent.name}/{path.name}:{number}"
        try:
            row = json.loads(line)
        except ValueError:
            faults.append(f"{place}: not JSON")
            continue
        if not isinstance(row, dict) or set(row) != {"text", "kind", "carrier"}:
            faults.append(f"{place}: keys are not text, kind, carrier")
        elif not isinstance(row["text"], str) or not row["text"].strip() or len(row["text"]) > 8000:
            faults.append(f"{place}: text is empty, or longer than 8000 characters")
        elif row["kind"] not in (ATTACKS if label else BENIGN):
            faults.append(f"{place}: unknown kind {row['kind']!r}")
        elif row["carrier"] not in CARRIERS:
            faults.append(f"{place}: unknown carrier {row['carrier']!r}")
        else:
            yield Sample(row["text"], row["kind"], row["carrier"], label, path.parent.name, place)


def held_out() -> Iterator[Sample]:
    """Its texts; what would be their kind is their source, and they have no carrier."""
    for number, line in enumerate(HELD_OUT.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        yield Sample(row["text"], row["source"], "", row["label"], row["lang"], f"held out:{number}")


def shingles(text: str) -> frozenset[str]:
    """The 4-grams of the letters and digits of a text, without regard to case and spaces."""
    letters = re.sub(r"[\W_]+", " ", text.casefold()).strip()
    return frozenset(letters[at : at + 4] for at in range(max(1, len(letters) - 3)))


def same(samples: list[Sample]) -> Iterator[tuple[Sample, Sample, float]]:
    """Pairs of samples that are nearly the same.

    A pair above the similarity shares at least one of the rarest shingles of the smaller text, so that few
    pairs are compared (prefix filtering: Chaudhuri, Ganti, Kaushik, "A Primitive Operator for Similarity
    Joins in Data Cleaning", ICDE 2006).
    """
    sets = [shingles(sample.text) for sample in samples]
    frequency = collections.Counter(shingle for found in sets for shingle in found)
    postings: dict[str, list[int]] = collections.defaultdict(list)
    for at in sorted(range(len(sets)), key=lambda at: len(sets[at])):
        mine = sorted(sets[at], key=lambda shingle: (frequency[shingle], shingle))
        prefix = mine[: len(mine) - int(SAME * len(mine)) + 1]
        for other in sorted({other for shingle in prefix for other in postings[shingle]}):
            shared = len(sets[at] & sets[other])
            alike = shared / (len(sets[at]) + len(sets[other]) - shared)
            if alike >= SAME:
                yield samples[other], samples[at], alike
        for shingle in prefix:
            postings[shingle].append(at)


def lengths(samples: list[Sample]) -> str:
    """The shares of four lengths, in percent."""
    counts = [0, 0, 0, 0]
    for sample in samples:
        counts[sum(len(sample.text) >= bound for bound in (80, 250, 700))] += 1
    shares = (f"{100 * count // max(1, len(samples))} %" for count in counts)
    return "  ".join(
        f"{name} {share}" for name, share in zip(("<80", "<250", "<700", "more"), shares, strict=True)
    )


def main(arguments: list[str]) -> int:
    """Print what is there and what is wrong; the exit status."""
    faults: list[str] = []
    paths = [Path(argument) for argument in arguments] or sorted(CORPUS.glob("*/*.jsonl"))
    samples = [sample for path in paths for sample in read(path, faults)]
    for language in sorted({sample.language for sample in samples}):
        for label, name in ((1, "attacks"), (0, "benign")):
            mine = [s for s in samples if (s.language, s.label) == (language, label)]
            if mine:
                print(f"{language:8} {name:8} {len(mine):5}   {lengths(mine)}")
            if mine and arguments:
                for title, field in (("kinds", "kind"), ("carriers", "carrier")):
                    counted = collections.Counter(getattr(s, field) for s in mine)
                    print(
                        f"    {title}: " + ", ".join(f"{key} {count}" for key, count in counted.most_common())
                    )
    compared = samples if arguments else [*samples, *held_out()]
    for label in (0, 1):
        for one, other, alike in same([sample for sample in compared if sample.label == label]):
            faults.append(
                f"{one.place} and {other.place} are nearly the same ({alike:.2f}): {one.text[:60]!r}"
            )
    print("\n".join(faults) or f"{len(samples)} samples, no fault")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
