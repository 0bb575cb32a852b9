"""Optional part: a task type that finds on validation what its decoding needs, such as a threshold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mtsmart.task_types.interface.base import Outputs, TaskType


class FitsDecoding(ABC):
    """Fits the task's ``decoding`` on validation.

    Attributes:
        decoding_ranges: the name of each number in ``decoding`` -> its smallest and largest value. A stored model with
            other numbers is refused. None: any number is taken.
    """

    decoding_ranges: ClassVar[Mapping[str, tuple[float, float]] | None] = None

    @abstractmethod
    def fit(self, outputs: Outputs, references: Sequence[Any]) -> None:
        """Find what decoding needs, and keep it in the task's ``decoding``.

        Args:
            outputs: the model's outputs for the validation split.
            references: the gold values of the split.
        """


def fit_decoding(task: TaskType, outputs: Outputs, references: Sequence[Any]) -> None:
    """Find on validation what the task's decoding needs; most task types need nothing."""
    if isinstance(task, FitsDecoding):
        task.fit(outputs, references)
