"""The progress of training for people: a block that is redrawn in a terminal, and lines where there is no terminal."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.highlighter import ReprHighlighter
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mtsmart.processes import launched
from mtsmart.reporting.progress.cells import NARROW, Cell, in_columns
from mtsmart.reporting.progress.lines import Line, lines_of
from mtsmart.reporting.progress.pace import Pace, left_text, rate_text
from mtsmart.reporting.shown import shown
from mtsmart.text.escaping import one_line
from mtsmart.training.callbacks import Callback, Ended, Event, Logged, Started, UpdateDone

_WIDEST_BAR = 30  # columns
_NARROWEST_BAR = 5
_ASIDE = 3  # lines of a terminal that losses leave free
_DRAWN = 4  # times a second
_DEEPER = 2  # columns that the second part of a long line stands to the right of the first


def progress_on(console: Console) -> Callback:
    """What shows the progress of training on a console: a block in a terminal, otherwise lines.

    Of several processes only the first one shows something.
    """
    if launched()[0] > 0:
        return Callback()
    return ProgressBlock(console) if console.is_interactive else ProgressText(console)


def in_notebook() -> bool:
    """Whether a notebook shows what this process prints."""
    return Console(file=io.StringIO()).is_jupyter


def python_console() -> Console:
    """Standard output of a program that calls mtsmart.

    A notebook's kernel asks for colours as a terminal does (``FORCE_COLOR``), but a block cannot be redrawn there.
    """
    return Console(force_jupyter=False, force_terminal=False if in_notebook() else None)


class ProgressText(Callback):
    """Prints a line for each thing that happens, for files, pipes and notebooks. No line is broken.

    Args:
        console: where the lines are printed.
        clock: gives seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock

    def receive(self, event: Event) -> None:
        """Print the lines that tell of an event."""
        for line in lines_of(event):
            _print(self._console, _in_colours(line, str(line)), is_whole=True)
        super().receive(event)

    def on_start(self, event: Started) -> None:
        """Start the clock."""
        self._pace = Pace(event.updates, event.done, self._clock)

    def on_update(self, event: UpdateDone) -> None:
        """Count the update."""
        self._pace.add(event.update, event.rows)

    def on_log(self, event: Logged) -> None:
        """Print how far training is, how fast it goes, and the mean loss of each task since the last line."""
        total = self._pace.total
        share = f"update {event.update:,}/{total:,} ({event.update / total:.0%})"
        losses = "  ".join(f"{name} {loss}" for name, loss in _losses(event).items())
        text = "  ".join([share, rate_text(self._pace), left_text(self._pace), f"loss: {losses}"])
        _print(self._console, shown(text), is_whole=True)


class ProgressBlock(Callback):
    """Draws a block of a few lines while training runs: bar, rate and time left on the first, losses beneath.

    No line of it is wider than the terminal. Lines that are printed meanwhile stand above it.

    Args:
        console: the terminal.
        clock: gives seconds.
        is_live: whether it draws itself; otherwise the block is only what rich prints for this object.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic, is_live: bool = True) -> None:
        self._console = console
        self._clock = clock
        self._is_live = is_live
        self._losses: Mapping[str, str] = {}
        self._live: Live | None = None

    def receive(self, event: Event) -> None:
        """Print the lines that tell of an event above the block."""
        for line in lines_of(event):
            for text in _wrapped(line, self._console):
                _print(self._console, text)
        super().receive(event)

    def on_start(self, event: Started) -> None:
        """Show the block. It has a place for each task from the beginning, so that it does not jump."""
        self._pace = Pace(event.updates, event.done, self._clock)
        self._losses = dict.fromkeys(event.train_rows, "-")
        if not self._is_live:
            return
        self._live = Live(
            get_renderable=lambda: self,
            console=self._console,
            refresh_per_second=_DRAWN,
            transient=True,
            redirect_stderr=_is_terminal(sys.stderr),  # A file that gets the errors should still get them.
        )
        self._live.start()

    def on_update(self, event: UpdateDone) -> None:
        """Move the bar."""
        self._pace.add(event.update, event.rows)

    def on_log(self, event: Logged) -> None:
        """Show the mean losses since the last such event."""
        # The block is drawn by another thread, so the mapping is never changed.
        self._losses = {**self._losses, **_losses(event)}

    def on_end(self, event: Ended) -> None:
        """Remove the block."""
        if self._live is not None:
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        """The block's lines, for a terminal of the present size."""
        yield self._first_line(options)
        if self._losses:
            yield from self._loss_lines(options)

    def _first_line(self, options: ConsoleOptions) -> Table:
        pace = self._pace
        count = f"{pace.done:>{len(f'{pace.total:,}')},}/{pace.total:,} updates"
        parts = [count, rate_text(pace), left_text(pace)]
        while len(parts) > 1 and _room_beside(parts, options.max_width) < _NARROWEST_BAR:
            del parts[0]
        bar = min(_WIDEST_BAR, _room_beside(parts, options.max_width))
        line = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        for _ in range(len(parts) + 1):
            line.add_column(no_wrap=True)
        texts = [Text(part, style="bold" if part is parts[-1] else "") for part in parts]
        line.add_row(ProgressBar(pace.total, pace.done, width=max(1, bar)), *texts)
        return line

    def _loss_lines(self, options: ConsoleOptions) -> Iterator[Text]:
        cells = [Cell(name, loss) for name, loss in self._losses.items()]
        lines = in_columns(cells, options.max_width, _ellipsis(options), "loss")
        most = max(1, options.size.height - _ASIDE)
        yield from lines[:most]
        if len(lines) > most:
            yield Text(f"  and {len(lines) - most} more lines"[: options.max_width])


def _room_beside(parts: list[str], width: int) -> int:
    """The columns that texts leave for the bar, with two blanks between them."""
    return width - sum(cell_len(part) + 2 for part in parts)


def _losses(event: Logged) -> dict[str, str]:
    return {name: f"{figures['loss']:.3f}" for name, figures in event.tasks.items() if "loss" in figures}


def _wrapped(line: Line, console: Console) -> list[Text]:
    """A line as it stands in a terminal: cells that do not fit beside the text stand in columns beneath it."""
    whole = _in_colours(line, str(line))
    if whole.cell_len <= console.width:
        return [whole]
    if line.cells:
        return [_in_colours(line, line.text), *in_columns(line.cells, console.width, _ellipsis(console.options))]
    return _parts(whole, console) if console.width >= NARROW else [whole]


def _parts(text: Text, console: Console) -> list[Text]:
    """A text that is too long for a line: its parts, of which all but the first stand deeper."""
    depth = len(text.plain) - len(text.plain.lstrip())
    first, *others = text[depth:].wrap(console, console.width - depth - _DEEPER)
    return [Text(" " * depth) + first, *(Text(" " * (depth + _DEEPER)) + other for other in others)]


def _in_colours(line: Line, text: str) -> Text:
    coloured = ReprHighlighter()(shown(text))
    for part, style in line.styles.items():
        coloured.highlight_words([one_line(part)], style)
    return coloured


def _print(console: Console, text: Text, is_whole: bool = False) -> None:
    """Print a text; ``is_whole``: on one line, however long it is."""
    # The output may go to a file on a full disk. Training should not end for this reason.
    with suppress(OSError):
        console.print(text, soft_wrap=is_whole)


def _ellipsis(options: ConsoleOptions) -> str:
    return "..." if options.ascii_only else "…"


def _is_terminal(stream: object) -> bool:
    is_terminal = getattr(stream, "isatty", None)
    return is_terminal is not None and bool(is_terminal())
