"""An evaluation in detail as tables and lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtsmart.evaluation.details.parts import Calibration, ExplainedRow, SplitLengths, TaskDetails
from mtsmart.metrics.label_counts import LabelCounts
from mtsmart.reporting.shown import shown
from mtsmart.task_types.details.interface import Confusion
from mtsmart.text.counts import part_of
from mtsmart.text.escaping import cut

_ROWS = 5  # of the worst rows and of the suspects
_LONGEST = 200  # characters of a text
_LONGEST_LABEL = 24
_MOST_LABELS = 40
_WIDEST = 6  # labels of a matrix that fits into 80 columns


def details_of(task: str, details: TaskDetails) -> Group:
    """What an evaluation in detail says about a task, in at most 80 columns where no name is long."""
    return Group(*_parts(task, details))


def _parts(task: str, details: TaskDetails) -> Iterator[RenderableType]:
    if details.labels:
        yield from (shown(f"{task}: labels", "bold"), _labels(details.labels))
        if len(details.labels) > _MOST_LABELS:
            yield shown(f"... and {len(details.labels) - _MOST_LABELS:,} more; --json has all of them")
    if details.confusion is not None and 1 < len(details.confusion.labels) <= _WIDEST:
        yield from (shown(f"{task}: rows are gold labels, columns are predictions", "bold"), _matrix(details.confusion))
    elif details.confusion is not None:
        yield from (shown(f"{task}: most frequent confusions", "bold"), _confusions(details.confusion))
    if details.calibration is not None:
        yield _calibration(task, details.calibration)
    for split, lengths in details.lengths.items():
        yield _lengths(task, split, lengths)
    if details.errors:
        yield shown(f"{task}: {_extent(details)}", "bold")
        yield from _rows(details.errors)
    if details.suspects:
        yield shown(f"{task}: gold labels that may be wrong:", "bold")
        yield from _rows(details.suspects)


def _extent(details: TaskDetails) -> str:
    if details.wrong is None:
        return "rows that are farthest from their labels:"
    verb = "is" if details.wrong == 1 else "are"
    return f"{part_of(details.wrong, details.rows, 'row')} {verb} wrong; those that cost most:"


def _labels(labels: Mapping[str, LabelCounts]) -> Table:
    table = Table("label")
    for column in ("precision", "recall", "f1", "gold", "predicted"):
        table.add_column(column, justify="right")
    for label, counts in list(labels.items())[:_MOST_LABELS]:
        scores = (f"{value:.3f}" for value in (counts.precision, counts.recall, counts.f1))
        table.add_row(_label(label), *scores, f"{counts.gold:,}", f"{counts.predicted:,}")
    return table


def _matrix(confusion: Confusion) -> Table:
    table = Table("")
    for label in confusion.labels:
        table.add_column(_label(label, 9), justify="right")
    for label, counts in zip(confusion.labels, confusion.counts.tolist(), strict=True):
        table.add_row(_label(label, 9), *(f"{count:,}" for count in counts))
    return table


def _confusions(confusion: Confusion) -> Table:
    table = Table("gold", "predicted as")
    table.add_column("rows", justify="right")
    for gold, predicted, count in confusion.mistaken()[: 2 * _ROWS]:
        table.add_row(_label(gold), _label(predicted), f"{count:,}")
    return table


def _calibration(task: str, calibration: Calibration) -> Text:
    temperature = f"temperature {calibration.temperature:.2f}"
    gain = f"{calibration.calibrated_error:.3f} with {temperature}"
    if calibration.changes_nothing:
        gain = f"{temperature}, so nothing to gain"
    return Text.assemble(
        shown(f"{task}: expected calibration error ", "bold"),
        f"{calibration.error:.3f}; {gain}",
    )


def _lengths(task: str, split: str, lengths: SplitLengths) -> Text:
    found = asdict(lengths)
    text = "median {median:,}, 95 % {p95:,}, longest {longest:,} of {limit:,}".format(**found)
    cut = "" if lengths.cut is None else f"; {lengths.cut:,} {'row is' if lengths.cut == 1 else 'rows are'} cut"
    return Text.assemble(shown(f"{task}: tokens of {split}: ", "bold"), f"{text}{cut}")


def _rows(rows: Sequence[ExplainedRow]) -> Iterator[Text]:
    for row in rows[:_ROWS]:
        sure = "" if row.probability is None else f" ({100 * row.probability:.0f} %)"
        gold = cut(row.gold, _LONGEST)
        yield shown(f"- row {row.row:,}: gold {gold}, predicted {cut(row.prediction, _LONGEST)}{sure}")
        for column, text in row.texts.items():
            yield Text.assemble(shown(f"  {column}: ", "dim"), shown(cut(text, _LONGEST)))


def _label(label: str, longest: int = _LONGEST_LABEL) -> Text:
    return shown(cut(label, longest))
