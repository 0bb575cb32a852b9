"""Optional part: a task type whose predictions are decisions (labels, tags, answers), not numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.task_types.interface.base import TaskType


class Decides(ABC):
    """Says how many decisions of two predictions differ."""

    @abstractmethod
    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of decisions that differ between two predictions for the same batch, a scalar in [0, 1]."""


def share_changed(task: TaskType, logits: Tensor, other: Tensor, batch: Batch) -> Tensor | None:
    """The share of decisions that differ, a scalar; None if the task's predictions are no decisions."""
    return task.changed(logits, other, batch) if isinstance(task, Decides) else None
