"""How good the classifiers are on what they were not trained on, as tables in Markdown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from training_data import Sample, held_out

from precog.detection.classifier import NgramClassifier, Weights
from precog.detection.engine import Engine
from precog.detection.evaluation import TRACKS, track_score
from precog.detection.figures import Figures, Scores
from precog.detection.findings import Finding
from precog.detection.policy import DEFAULT

if TYPE_CHECKING:
    from train_classifier import Trained

_HEAD = (
    "| {} | texts | attacks | AUC | recall at 1 % | recall at 2 % | recall | false positives "
    "| reviewed: attacks / harmless |"
)


def shown(value: float | None) -> str:
    """Three digits, or a dash where the texts define no such figure."""
    return "-" if value is None else f"{value:.3f}"


def head(title: str) -> None:
    """The first two lines of a table."""
    print(_HEAD.format(title) + "\n| --- |" + " ---: |" * 8)


def row(name: str, scores: Iterable[float], samples: Iterable[Sample]) -> str:
    """A line of a table; recall and false positives are those at the thresholds that are shipped."""
    counted = Scores()
    for score, sample in zip(scores, samples, strict=True):
        counted.add(score, bool(sample.label), 0.0)
    found: Figures = counted.figures()
    numbers = [found.auc, found.recall_at_fpr_1, found.recall_at_fpr_2, found.recall, found.fpr]
    review = f"{shown(found.review_recall)} / {shown(found.review_fpr)}"
    cells = [name, str(found.n), str(found.positives), *map(shown, numbers), review]
    return "| " + " | ".join(cells) + " |"


def table(
    title: str, samples: Sequence[Sample], scores: Sequence[float], group: Callable[[Sample], str]
) -> None:
    """A line for each group, and one for all."""
    head(title)
    members: dict[str, list[int]] = {}
    for at, sample in enumerate(samples):
        members.setdefault(group(sample), []).append(at)
    for name, places in [*sorted(members.items()), ("**all**", list(range(len(samples))))]:
        print(row(name, [scores[at] for at in places], [samples[at] for at in places]))
    print()


def engines(found: dict[str, tuple[list[Sample], Trained]], fold: str) -> Engine:
    """The engine with classifiers that know nothing of a fold."""
    weights: list[Weights] = [trained.without.get(fold, trained.weights) for _, trained in found.values()]
    return Engine.load(NgramClassifier(*weights))


def scanned(engine: Engine, samples: Iterable[Sample]) -> list[tuple[Finding, ...]]:
    """What an engine finds in each text."""
    return [engine.scan(sample.text).findings for sample in samples]


def left_out(
    found: dict[str, tuple[list[Sample], Trained]], samples: Sequence[Sample]
) -> list[tuple[Finding, ...]]:
    """What is found in each text by an engine whose weights know nothing of its fold."""
    results: list[tuple[Finding, ...]] = [()] * len(samples)
    for fold in sorted({sample.fold for sample in samples}):
        places = [at for at, sample in enumerate(samples) if sample.fold == fold]
        engine = engines(found, fold)
        for at, findings in zip(places, scanned(engine, [samples[at] for at in places]), strict=True):
            results[at] = findings
    return results


def scores(findings: Iterable[Sequence[Finding]]) -> list[float]:
    """How sure it is of each text that it is an attack."""
    return [track_score(of_text, TRACKS["injection"]) for of_text in findings]


def report(found: dict[str, tuple[list[Sample], Trained]]) -> None:
    """Print the tables of docs/detection.md."""
    samples, trained = found["attack"]
    rules = scores(scanned(Engine.load(), samples))
    both = scores(left_out(found, samples))
    public = [at for at, sample in enumerate(samples) if not sample.is_own]
    own = [at for at, sample in enumerate(samples) if sample.is_own]
    no_bipia = [at for at in public if samples[at].source != "bipia"]
    print("### What each part brings\n")
    for title, places in (("public sources", public), ("without bipia", no_bipia), ("own corpus", own)):
        head(title)
        chosen = [samples[at] for at in places]
        for name, score in (("rules", rules), ("classifier", trained.opinions), ("both", both)):
            print(row(name, [score[at] for at in places], chosen))
        print()
    for title, places, group in (
        ("source", public, lambda sample: sample.source),
        ("language", own, lambda sample: sample.source[4:]),
        ("English, by kind", [at for at in own if samples[at].language == "en"], lambda sample: sample.kind),
    ):
        chosen = [samples[at] for at in places]
        if title == "source":
            print("### Rules alone\n")
            table(title, chosen, [rules[at] for at in places], group)
            print("### Everything, each source left out of training\n")
        table(title, chosen, [both[at] for at in places], group)
    _held_out(engines(found, ""))
    _times(Engine.load(), samples, "the rules")
    _times(engines(found, ""), samples, "everything")
    _toxicity(found)


def _held_out(engine: Engine) -> None:
    """What others wrote, by source and by language."""
    samples = list(held_out())
    everything = scores(scanned(engine, samples))
    print("### Held out, by others\n")
    head("held out")
    print(row("rules", scores(scanned(Engine.load(), samples)), samples))
    print(row("everything", everything, samples) + "\n")
    table("source", samples, everything, lambda sample: sample.source)
    table("language", samples, everything, lambda sample: sample.language)


def _times(engine: Engine, samples: Sequence[Sample], name: str) -> None:
    """How long a text takes, in the thread's own time."""
    engine.warm()
    times = []
    for sample in samples[:: max(1, len(samples) // 4000)]:
        start = time.thread_time_ns()
        engine.scan(sample.text)
        times.append((time.thread_time_ns() - start) / 1e6)
    times.sort()
    median, slow = times[len(times) // 2], times[-len(times) // 100]
    print(f"Time of a text, {name}: median {median:.2f} ms, 99th percentile {slow:.2f} ms.\n")


def _toxicity(found: dict[str, tuple[list[Sample], Trained]]) -> None:
    """Comments by weights that know only tweets, and tweets by weights that know only comments."""
    samples, trained = found["toxicity"]
    print(f"### Toxicity (found from {DEFAULT.block})\n")
    table("source", samples, trained.opinions, lambda sample: sample.source.split()[0])
