"""The tables of scores, beside trivial baselines and of slices, as training and evaluation print them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from mtsmart.reporting.shown import shown
from mtsmart.text.scores import score_text

if TYPE_CHECKING:
    from mtsmart.evaluation.evaluator import Slice

_DIGITS = 3


def results_table(
    tasks: dict[str, dict[str, float]],
    baselines: dict[str, dict[str, float]],
    title: str,
    unscored: Iterable[str] = (),
) -> Group:
    """A title, and the metrics of each task, beside those of the best constant prediction if they are known.

    Args:
        tasks: task -> metric -> score.
        baselines: the same of the best constant prediction; empty if it is not known.
        title: the line above the table.
        unscored: tasks that have no score.
    """
    table = Table("task", "metric")
    for column in ("score", "baseline") if baselines else ("score",):
        table.add_column(column, justify="right")
    for name, metrics in tasks.items():
        for index, (metric, value) in enumerate(metrics.items()):
            known = baselines.get(name, {})
            baseline = [score_text(known[metric], _DIGITS) if metric in known else ""] if baselines else []
            numbers = [score_text(value, _DIGITS), *baseline]
            table.add_row(shown(name if index == 0 else ""), shown(metric), *numbers)
    for name in unscored:
        table.add_row(shown(name), "not scored")
    # A title of the table's own would be broken where the table is narrower.
    return Group(shown(title, "table.title"), table)


def slices_table(task: str, by: Sequence[str], slices: Mapping[tuple[str, ...], Slice]) -> Group:
    """A line for each combination of values, with all metrics of the task."""
    metrics = list(dict.fromkeys(metric for part in slices.values() for metric in part.metrics))
    table = Table()
    for column in by:
        table.add_column(shown(column))
    for column in (*metrics, "rows"):
        table.add_column(shown(column), justify="right")
    for values, part in slices.items():
        scores = [score_text(part.metrics.get(metric)) for metric in metrics]
        table.add_row(*map(shown, values), *scores, f"{part.rows:,}")
    return Group(shown(f"{task} by {' and '.join(by)}", "bold"), table)
