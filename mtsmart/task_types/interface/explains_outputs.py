"""Optional parts: a task type whose outputs are not the predictions themselves, or that cuts rows in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from mtsmart.models.output_unit import OutputUnit
from mtsmart.task_types.interface.base import TaskType


class ExplainsDecoding(ABC):
    """Explains in a model card how outputs become predictions."""

    @abstractmethod
    def decoding_rule(self) -> str:
        """How outputs become predictions, for readers of an exported model's card."""


class ExplainsCuts(ABC):
    """Explains what is cut of the rows that a task says to have cut, where it is not their end."""

    @abstractmethod
    def how_cut(self, max_length: int) -> str:
        """What follows ``1 of 20 rows is``, such as ``cut to 128 tokens``."""


class HasUnit(ABC):
    """Says in which unit outputs are that are numbers."""

    @property
    @abstractmethod
    def unit(self) -> OutputUnit:
        """The unit of the head's outputs."""


class GivesLabelProbabilities(ABC):
    """Gives the probability of each label where predictions say other probabilities."""

    @abstractmethod
    def label_probabilities(self, prediction: Mapping[str, Any]) -> list[float]:
        """C numbers from 0 to 1 whose sum is 1, in the order of the labels, from a prediction of ``describe``."""


class Portable(ABC):
    """Says in JSON types how rows are read and outputs decoded where mtsmart is not.

    The file ``answer.py`` beside an exported graph does both. In each mapping ``kind`` names what does it there.
    """

    @abstractmethod
    def how_read(self, max_length: int) -> dict[str, Any]:
        """From a row to inputs of at most ``max_length`` tokens. ``text`` has the text columns."""

    @abstractmethod
    def how_decoded(self) -> dict[str, Any]:
        """From the outputs of the head to a prediction."""


def decoding_rule(task: TaskType) -> str | None:
    """How outputs become predictions; None if the names of the outputs already say it."""
    return task.decoding_rule() if isinstance(task, ExplainsDecoding) else None


def unit_of(task: TaskType) -> OutputUnit:
    """The unit of a task's outputs; for most task types they are what they are."""
    return task.unit if isinstance(task, HasUnit) else OutputUnit()
