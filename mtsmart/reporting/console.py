"""The output of training on a terminal: lines about its progress, a progress bar, and a table at the end."""

from __future__ import annotations

import logging
from contextlib import suppress

from rich.console import Console
from rich.highlighter import ReprHighlighter
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from mtsmart.log import NOTICE
from mtsmart.reporting.shown import shown
from mtsmart.text.escaping import one_line
from mtsmart.training.callbacks import Callback, Ended, Logged, Started, UpdateDone


class _RowsPerSecond(ProgressColumn):
    """Rows per second since this process began to train."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed or 0.0
        rows = task.fields["rows"]
        return Text(f"{rows / seconds:.0f} rows/s" if seconds and rows else "")


class ConsoleHandler(logging.Handler):
    """Shows the lines about progress on a console. Other handlers show notices and warnings.

    Args:
        console: the console on which the progress bar is also drawn.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        if record.levelno >= NOTICE:
            return
        line = ReprHighlighter()(shown(record.getMessage()))
        for part, style in getattr(record, "styles", {}).items():
            line.highlight_words([one_line(part)], style)
        # The output may go to a file on a full disk. Training should not end for this reason.
        with suppress(OSError):
            self._console.print(line)


class ProgressBar(Callback):
    """Draws a bar while training runs, if the console is a terminal.

    Args:
        console: the console on which the bar is drawn.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._rows = 0
        self._progress: Progress | None = None

    def on_start(self, event: Started) -> None:
        """Show the bar."""
        self._progress = Progress(
            TextColumn("update {task.completed}/{task.total}"),
            BarColumn(bar_width=24),
            TimeRemainingColumn(),
            _RowsPerSecond(),
            TextColumn("{task.fields[losses]}", markup=False),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._bar = self._progress.add_task("train", total=event.updates, completed=event.done, rows=0, losses="")
        self._progress.start()

    def on_update(self, event: UpdateDone) -> None:
        """Move the bar."""
        self._rows += event.rows
        if self._progress is not None:
            self._progress.update(self._bar, completed=event.update, rows=self._rows)

    def on_log(self, event: Logged) -> None:
        """Show the mean loss of each task since the last line."""
        means = {name: figures["loss"] for name, figures in event.tasks.items() if "loss" in figures}
        losses = "  ".join(f"{name} {loss:.3f}" for name, loss in means.items())
        if self._progress is not None:
            self._progress.update(self._bar, losses=one_line(losses))

    def on_end(self, event: Ended) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()
