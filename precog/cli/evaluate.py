"""How good the guard is on files of labelled texts."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from ..detection.engine import shared
from ..detection.evaluation import TRACKS, Evaluation, Mistake, Sample
from ..detection.figures import Figures
from ..detection.policy import DEFAULT
from .common import tell
from .samples import SampleFile
from .tables import shown, table

# What --json prints of the figures, in this order.
_KEYS = ("n", "auc", "recall", "fpr", "recall_at_fpr_1", "recall_at_fpr_2", "p50_ms", "p99_ms")


@click.command("eval")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--category",
    type=click.Choice(list(TRACKS)),
    default="injection",
    show_default=True,
    help="What the texts labelled 1 are; their score is that of the worst category that it shows as.",
)
@click.option(
    "--errors",
    default=0,
    type=click.IntRange(0, 10_000),
    help="List so many of the worst false positives and negatives of the block threshold.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Read only so many texts of each file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    files: tuple[Path, ...],
    category: str,
    errors: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """Measure the engine on labelled texts.

    A FILE, plain or gzip, has one JSON object a line: `text`, `label` (1 for what should be found, else 0)
    and maybe `source`, `id` and, for --category pii, `meta.spans`, a list of [start, end, type].

    Recall and false-positive rate (fpr) are those at the default thresholds of block and, in the table, of
    review; recall@1% is the best that any threshold reaches with so many false positives. A place of
    personal data is found when one finding covers half of it.

    A line that is something else is skipped and told, and the exit status is then 1.
    """
    evaluation = Evaluation(category, mistakes=errors)
    read = [SampleFile(path) for path in files]
    for file in read:
        _measure(evaluation, file, limit)
    tell(as_json, _eval_data(evaluation), _eval_text(evaluation))
    if errors:  # beside the one JSON object, not in it
        click.echo(("" if as_json else "\n") + _mistakes_text(evaluation), err=as_json)
    for file in read:
        _tell_bad_lines(file)
    ctx.exit(1 if any(file.bad for file in read) else 0)


def _measure(evaluation: Evaluation, file: SampleFile, limit: int | None) -> None:
    engine = shared()
    engine.warm()
    try:
        for sample in _with_bar(file, limit):
            begun = time.perf_counter()
            findings = engine.scan(sample.text).findings
            evaluation.add(sample, findings, (time.perf_counter() - begun) * 1000)
    except OSError as error:
        raise click.ClickException(f"{file.path} cannot be read: {error.strerror or error}.") from error


def _with_bar(file: SampleFile, limit: int | None) -> Iterator[Sample]:
    """The file's texts, with a bar for people who watch."""
    samples = itertools.islice(file, limit)
    if not sys.stderr.isatty():
        yield from samples
        return
    with click.progressbar(length=file.size, label=file.path.name, file=sys.stderr) as bar:
        for sample in samples:
            yield sample
            if file.position - bar.pos >= file.size // 100:
                bar.update(file.position - bar.pos)
        bar.update(file.size - bar.pos)


def _tell_bad_lines(file: SampleFile) -> None:
    for number, why in file.bad_lines:
        click.echo(f"{file.path}:{number}: {why}", err=True)
    if file.bad > len(file.bad_lines):
        click.echo(f"{file.path}: {file.bad - len(file.bad_lines)} more such lines", err=True)


def _eval_data(evaluation: Evaluation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "overall": _figures_data(evaluation.overall()),
        "sources": {name: _figures_data(figures) for name, figures in evaluation.sources().items()},
    }
    if types := evaluation.types():
        data["types"] = {
            name: {"n": n, "found": found, "recall": found / n} for name, (n, found) in types.items()
        }
    return data


def _figures_data(figures: Figures) -> dict[str, Any]:
    return {key: getattr(figures, key) for key in _KEYS}


_HEAD = (
    *("source", "n", "pos", "auc"),
    *(f"recall≥{DEFAULT.block}", f"fpr≥{DEFAULT.block}", f"recall≥{DEFAULT.review}", f"fpr≥{DEFAULT.review}"),
    *("recall@1%", "recall@2%", "p50 ms", "p99 ms"),
)


def _eval_text(evaluation: Evaluation) -> str:
    rows = [*evaluation.sources().items(), ("overall", evaluation.overall())]
    text = table(_HEAD, [_figures_row(name, figures) for name, figures in rows], right=_HEAD[1:])
    if types := evaluation.types():
        head = ("type", "n", "found", "recall")
        counts = [(name, str(n), str(found), _share(found / n)) for name, (n, found) in types.items()]
        text += "\n\n" + table(head, counts, right=head[1:])
    return text


def _figures_row(name: str, figures: Figures) -> tuple[str, ...]:
    at_block = figures.recall, figures.fpr
    at_review = figures.review_recall, figures.review_fpr
    at_fpr = figures.recall_at_fpr_1, figures.recall_at_fpr_2
    return (
        shown(name, 40),
        str(figures.n),
        str(figures.positives),
        *map(_share, (figures.auc, *at_block, *at_review, *at_fpr)),
        *map(_share, (figures.p50_ms, figures.p99_ms)),
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _mistakes_text(evaluation: Evaluation) -> str:
    return "\n\n".join(
        f"{title}\n{_mistakes_table(mistakes.worst())}"
        for title, mistakes in (
            ("Worst false positives", evaluation.false_positives),
            ("Worst false negatives", evaluation.false_negatives),
        )
    )


def _mistakes_table(mistakes: Sequence[Mistake]) -> str:
    return table(("id", "source", "score", "text"), _mistake_rows(mistakes)) if mistakes else "none"


def _mistake_rows(mistakes: Iterable[Mistake]) -> Iterator[tuple[str, ...]]:
    for one in mistakes:
        yield shown(one.id, 60), shown(one.source, 40), f"{one.score:.2f}", shown(one.beginning, 120)
