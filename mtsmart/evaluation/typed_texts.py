"""Predictions for texts that are told apart by their place alone, by every head of a run that can read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtsmart.errors import ConfigError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.evaluation.predicting import Predictor
from mtsmart.task_types import TaskType

_TAGGED = "token_classification"
_UNREADABLE = ("masked_lm", "multiple_choice")  # They need more than texts, or predict nothing about a text.


class TypedTexts:
    """Asks heads about one text or two. Heads that read the texts in the same way share a pass through the encoder.

    Args:
        run: the run.
        names: the tasks; None: all tasks of the run whose head is trained and reads one text or two.

    Attributes:
        tasks: the tasks that are asked, by name.
        left_out: the tasks of the run that read something else.

    Raises:
        ConfigError: a named task is unknown, or reads something else than one text or two; or none is left.
    """

    def __init__(self, run: LoadedRun, names: Sequence[str] | None = None) -> None:
        self._run = run
        listed = list(names or run.definitions)
        found = {name: run.task(name) for name in listed}
        self.left_out = [name for name, task in found.items() if not texts_read_by(task) or run.is_untrained(name)]
        if names and self.left_out:
            name = self.left_out[0]
            message = "reads more than one text or two, or is not trained, so no text can be typed for it"
            raise ConfigError(message, argument="task", value=name)
        self.tasks = {name: task for name, task in found.items() if name not in self.left_out}
        if not self.tasks:
            raise ConfigError("no task of the run reads one text or two", argument="run", value=str(run.path))

    @property
    def most_texts(self) -> int:
        """How many texts the tasks read at most: 1 or 2."""
        return max(map(texts_read_by, self.tasks.values()))

    @property
    def fewest_texts(self) -> int:
        """How many texts a task needs at least: 1 or 2."""
        return min(map(texts_read_by, self.tasks.values()))

    def answers(self, texts: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Task -> its prediction, as ``predict`` gives it, for the tasks that read so many texts.

        A text that is too long for a task is warned of.

        Args:
            texts: one text or two, none of them empty.
        """
        fitting = [name for name, task in self.tasks.items() if texts_read_by(task) == len(texts)]
        predictor = self._run.predictor(fitting, by_place=True)
        found = predictions_for_texts(predictor, [texts])
        predictor.tell_cut()
        return {name: found[name][0] for name in fitting}


def texts_read_by(task: TaskType) -> int:
    """How many texts a task reads: 1 or 2; 0 if it needs something else as well."""
    is_readable = task.head_spec.kind not in _UNREADABLE and task.columns == task.definition.text
    return len(task.definition.text) if is_readable else 0


def predictions_for_texts(predictor: Predictor, inputs: Sequence[Sequence[str]]) -> dict[str, list[dict[str, Any]]]:
    """Task -> its prediction for each input.

    Args:
        predictor: of tasks that read as many texts as an input has.
        inputs: one text or two for each.

    Raises:
        DataError: a text cannot be read.
    """
    return predictor.by_task(lambda task: [_row(task, texts) for texts in inputs])


def _row(task: TaskType, texts: Sequence[str]) -> dict[str, Any]:
    """The row that the texts make. A task that tags words gets words."""
    is_tagged = task.head_spec.kind == _TAGGED
    return {
        column: text.split() if is_tagged else text for column, text in zip(task.definition.text, texts, strict=True)
    }
