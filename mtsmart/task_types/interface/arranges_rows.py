"""Optional part: a task type that makes one input from several source rows."""

from __future__ import annotations

from abc import ABC, abstractmethod

import datasets

from mtsmart.task_types.interface.base import TaskType


class ArrangesRows(ABC):
    """Says which source rows belong together."""

    @property
    def needs_all_rows(self) -> bool:
        """Whether rows that belong together may stand anywhere, so that only all rows at once can be arranged."""
        return True

    @abstractmethod
    def arrange(self, rows: datasets.Dataset) -> datasets.Dataset:
        """Turn complete source rows into the rows to encode.

        Raises:
            DataError: the rows do not fit together; the message names one of them.
        """


def arranged(task: TaskType, rows: datasets.Dataset) -> datasets.Dataset:
    """The rows to encode: for most task types the source rows themselves."""
    return task.arrange(rows) if isinstance(task, ArrangesRows) else rows


def needs_all_rows(task: TaskType) -> bool:
    """Whether the task cannot predict rows that come in parts; most task types read each row by itself."""
    return isinstance(task, ArrangesRows) and task.needs_all_rows
