"""What training shows on a terminal: progress while it runs, a line an evaluation, a table at the end."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.training.callbacks import Silent


class _RowsPerSecond(ProgressColumn):
    """Rows a second since this process began to train."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed or 0.0
        rows = task.fields["rows"]
        return Text(f"{rows / seconds:.0f} rows/s" if seconds and rows else "")


class TrainingConsole(Silent):
    """A callback that draws on ``console``; without a terminal it prints a line an evaluation."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._rows = 0
        self._progress: Progress | None = None

    def _print(self, text: str) -> None:
        with suppress(OSError):  # a full disk, where the output goes to a file: no reason to end training
            self.console.print(text)

    def on_start(self, facts: dict[str, Any]) -> None:
        """Say what will be trained, and show the bar."""
        rows = ", ".join(f"{name} {count:,}" for name, count in facts["train_rows"].items())
        self._print(f"Training on [bold]{facts['device']}[/]: {facts['updates']:,} updates; rows: {rows}")
        for name, count in facts["dropped"].items():
            self._print(f"  {name}: {count:,} rows without a text or label were dropped")
        for name in facts["unscored"]:
            self._print(f"  {name} has no validation split; it is not scored")
        terms = ", ".join(facts["regularizers"]) or "none"
        self._print(
            f"  regularisers: {terms}" + (f"; going on after update {facts['done']:,}" if facts["done"] else "")
        )
        self._progress = Progress(
            TextColumn("update {task.completed}/{task.total}"),
            BarColumn(bar_width=24),
            TimeRemainingColumn(),
            _RowsPerSecond(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._bar = self._progress.add_task("train", total=facts["updates"], completed=facts["done"], rows=0, losses="")
        self._progress.start()

    def on_update(self, update: int, rows: int) -> None:
        """Move the bar."""
        self._rows += rows
        if self._progress is not None:
            self._progress.update(self._bar, completed=update, rows=self._rows)

    def on_log(self, record: dict[str, Any]) -> None:
        """Show the mean loss of each task since the last line."""
        means = {name: figures["loss"] for name, figures in record["tasks"].items() if "loss" in figures}
        losses = "  ".join(f"{name} {loss:.3f}" for name, loss in means.items())
        if self._progress is not None:
            self._progress.update(self._bar, losses=losses)

    def on_evaluation(self, evaluation: Evaluation, update: int, best: bool) -> None:
        """One line with the main metric of each task."""
        parts = [
            f"{name} {metric} {result.main:.3f}"
            for name, result in evaluation.tasks.items()
            for metric in [next(iter(result.metrics))]
        ]
        mark = " [green](best)[/]" if best else ""
        self._print(f"update {update:,}: score {evaluation.score:.4f}{mark}  " + "  ".join(parts))

    def on_notice(self, text: str) -> None:
        """A line of its own, on standard error, so that it stands out from what a script reads."""
        print(f"mtsmart: notice: {text}", file=sys.stderr)

    def on_end(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()


def results_table(tasks: dict[str, dict[str, float]], baselines: dict[str, dict[str, float]], title: str) -> Table:
    """Metrics per task, beside the best constant prediction's where that is known."""
    table = Table("task", "metric", title=title, title_justify="left")
    for column in ("score", "baseline") if baselines else ("score",):
        table.add_column(column, justify="right")
    for name, metrics in tasks.items():
        for index, (metric, value) in enumerate(metrics.items()):
            figures = [value, baselines.get(name, {}).get(metric)] if baselines else [value]
            shown = ["" if figure is None else f"{figure:.3f}" for figure in figures]
            table.add_row(name if index == 0 else "", metric, *shown)
    return table
