"""How the prediction of a task becomes an answer that a leaderboard reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtsmart.errors import ConfigError, shorten
from mtsmart.task_types import TaskType


class AnswerForm(ABC):
    """One kind of answer."""

    @abstractmethod
    def check(self, task: TaskType) -> None:
        """Refuse a task whose predictions are no answers of this kind.

        Raises:
            ConfigError: names the key.
        """

    @abstractmethod
    def answer(self, prediction: Mapping[str, Any]) -> Any:
        """The answer, from what ``LoadedRun.predict`` gives for a row."""

    @abstractmethod
    def filler(self, row: Mapping[str, Any]) -> Any:
        """The answer to a row where no model is there: the same for all rows, unless each has its own candidates."""

    @property
    def filling(self) -> str:
        """What rows say where no model is there, in words."""
        return f"all rows say {self.filler({})}"


@dataclass(frozen=True)
class Words(AnswerForm):
    """Labels in the words, or the numbers, of the board.

    Attributes:
        words: our label -> the board's.
        constant: our label that stands in every row if there is no model.
    """

    words: Mapping[str, str | int]
    constant: str

    def check(self, task: TaskType) -> None:
        if set(task.labels) != set(self.words):
            hint = f"The board's labels are those of the shipped task: {', '.join(self.words)}"
            message = "are not the labels that the board knows"
            raise ConfigError(message, key=f"{task.name}.labels", value=task.labels, hint=hint)

    def answer(self, prediction: Mapping[str, Any]) -> str | int:
        return self.words[prediction["prediction"]]

    def filler(self, row: Mapping[str, Any]) -> str | int:
        return self.words[self.constant]


@dataclass(frozen=True)
class Score(AnswerForm):
    """A number with three decimals, cut to the scale of the board.

    Attributes:
        lowest, highest: the scale. The lowest number stands in every row if there is no model.
    """

    lowest: float
    highest: float

    def check(self, task: TaskType) -> None:
        require_type(task, "regression")

    def answer(self, prediction: Mapping[str, Any]) -> str:
        return f"{min(max(prediction['prediction'], self.lowest), self.highest):.3f}"

    def filler(self, row: Mapping[str, Any]) -> str:
        return f"{self.lowest:.3f}"


@dataclass(frozen=True)
class Choice(AnswerForm):
    """The index of a candidate, from 0. Without a model it is the first one."""

    def check(self, task: TaskType) -> None:
        require_type(task, "multiple_choice")

    def answer(self, prediction: Mapping[str, Any]) -> int:
        return int(prediction["prediction"])

    def filler(self, row: Mapping[str, Any]) -> int:
        return 0


@dataclass(frozen=True)
class ChoiceText(AnswerForm):
    """The text of a candidate. Without a model it is the first one of each row.

    Attributes:
        column: that of the candidates.
    """

    column: str

    def check(self, task: TaskType) -> None:
        require_type(task, "multiple_choice")

    def answer(self, prediction: Mapping[str, Any]) -> str:
        return str(prediction["prediction_text"])

    def filler(self, row: Mapping[str, Any]) -> str:
        return str(row[self.column][0])

    @property
    def filling(self) -> str:
        return "each row says its first candidate"


def require_type(task: TaskType, wanted: str) -> None:
    """Refuse a task of another type.

    Raises:
        ConfigError: it is of another type than ``wanted``.
    """
    kind = task.definition.task_type
    if kind != wanted:
        hint = f"The board needs a task of type {shorten(wanted)}"
        raise ConfigError("does not give what the board reads", key=f"{task.name}.task_type", value=kind, hint=hint)
