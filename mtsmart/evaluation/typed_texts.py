"""Predictions for texts that somebody types, by every head of a run that can read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtsmart.errors import ConfigError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.task_types import TaskType

_TAGGED = "token_classification"
_UNREADABLE = ("masked_lm", "multiple_choice")  # They need more than texts, or predict nothing about a text.


class TypedTexts:
    """Asks heads about one text or two.

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
        self.left_out = [name for name, task in found.items() if not _reads_texts(task) or run.is_untrained(name)]
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
        return max(map(_count, self.tasks.values()))

    @property
    def fewest_texts(self) -> int:
        """How many texts a task needs at least: 1 or 2."""
        return min(map(_count, self.tasks.values()))

    def answers(self, texts: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Task -> its prediction, as ``predict`` gives it, for the tasks that read so many texts.

        Args:
            texts: one text or two, none of them empty.
        """
        fitting = {name: task for name, task in self.tasks.items() if _count(task) == len(texts)}
        return {name: self._run.predict(name, [_row(task, texts)])[0] for name, task in fitting.items()}


def _reads_texts(task: TaskType) -> bool:
    return task.head_spec.kind not in _UNREADABLE and task.columns == task.definition.text


def _count(task: TaskType) -> int:
    return len(task.definition.text)


def _row(task: TaskType, texts: Sequence[str]) -> dict[str, Any]:
    """The row that the texts make. A task that tags words gets words."""
    is_tagged = task.head_spec.kind == _TAGGED
    return {
        column: text.split() if is_tagged else text for column, text in zip(task.definition.text, texts, strict=True)
    }
