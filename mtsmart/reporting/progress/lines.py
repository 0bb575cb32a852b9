"""The lines that tell of the progress of training, for people and for the log: what is trained, and each evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mtsmart.log import log_progress
from mtsmart.reporting.progress.cells import Cell
from mtsmart.text.counts import counted
from mtsmart.text.scores import score_text
from mtsmart.training.callbacks import Callback, Evaluated, Event, Reporting, Started


@dataclass(frozen=True)
class Line:
    """A line about the progress of a run.

    Attributes:
        text: what it says.
        cells: the values of the tasks, which a terminal shows in columns.
        styles: part of the text -> its style in the words of rich.
    """

    text: str
    cells: Sequence[Cell] = ()
    styles: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Everything on one line."""
        return " ".join([self.text, "  ".join(map(str, self.cells))]) if self.cells else self.text


def lines_of(event: Event) -> list[Line]:
    """The lines that tell of an event; none for most events."""
    match event:
        case Started():
            return _of_start(event)
        case Evaluated():
            return [_of_evaluation(event)]
        case Reporting():
            return [Line("the report is being written; it scores the best model once more, row by row")]
    return []


class ProgressLog(Callback):
    """Logs what is trained, and a line for each evaluation."""

    def receive(self, event: Event) -> None:
        """Log the lines that tell of an event."""
        for line in lines_of(event):
            log_progress(str(line))


def _dropped(count: int) -> str:
    return f"{counted(count, 'row')} without a text or label {'was' if count == 1 else 'were'} dropped"


def _of_start(event: Started) -> list[Line]:
    rows = [Cell(name, f"{count:,}") for name, count in event.train_rows.items()]
    first = Line(f"Training on {event.device}: {event.updates:,} updates; rows:", rows, {str(event.device): "bold"})
    terms = ", ".join(event.regularizers) or "none"
    goes_on = event.done and not event.is_finished
    resumed = f"; training continues after update {event.done:,}" if goes_on else ""
    texts = [
        *(f"{name}: {_dropped(count)}" for name, count in event.dropped.items()),
        *(f"{name} has no validation split; it is not scored" for name in event.unscored),
        *event.recipe,
        f"regularisers: {terms}{resumed}",
    ]
    return [first, *(Line(f"  {text}") for text in texts)]


def _of_evaluation(event: Evaluated) -> Line:
    """The score, and the main metric of each task."""
    best = " (best)" if event.best else ""
    cells = [
        Cell(f"{name} {next(iter(result.metrics))}", score_text(result.main, 3))
        for name, result in event.evaluation.tasks.items()
    ]
    return Line(
        f"update {event.update:,}: score {score_text(event.evaluation.score)}{best}:", cells, {"(best)": "green"}
    )
