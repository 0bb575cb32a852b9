"""Optional part: a task type that writes its predictions into csv and tsv in a form of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from mtsmart.task_types.interface.base import TaskType


class WritesText(ABC):
    """Says how a predicted value is written as text."""

    @abstractmethod
    def text_of(self, column: str, value: Any) -> Any:
        """A value from ``describe`` as csv and tsv files hold it.

        Args:
            column: the value's key in ``describe``.
            value: the value. A list that is returned as it is will be written with blanks between its items.
        """


def text_of(task: TaskType, column: str, value: Any) -> Any:
    """A predicted value as csv and tsv files hold it; for most task types the value itself."""
    return task.text_of(column, value) if isinstance(task, WritesText) else value
