"""Optional part: a task type that cannot learn from every labelled row."""

from __future__ import annotations

from abc import ABC, abstractmethod

import datasets

from mtsmart.task_types.interface.base import TaskType


class ChecksTraining(ABC):
    """Says which rows the training split must not have."""

    @abstractmethod
    def check_training(self, features: datasets.Dataset) -> None:
        """Refuse encoded rows of the training split from which nothing can be learned.

        Raises:
            DataError: names the first of them.
        """


def check_training(task: TaskType, features: datasets.Dataset) -> None:
    """Refuse encoded training rows from which the task cannot learn; most task types learn from any row.

    Raises:
        DataError: names the first of them.
    """
    if isinstance(task, ChecksTraining):
        task.check_training(features)
