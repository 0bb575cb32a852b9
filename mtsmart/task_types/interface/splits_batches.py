"""Optional part: how a batch is divided between processes, for task types whose rows do not count equally.

By default a row of a batch is one token sequence, and each row counts once in every mean.
"""

from __future__ import annotations

from mtsmart.data.batch import Batch
from mtsmart.task_types.interface.base import TaskType


class SplitsBatches:
    """Takes a part of a batch, and counts what its means are over."""

    def take(self, batch: Batch, rows: slice) -> Batch:
        """Some of the batch's rows."""
        return batch.take(rows, rows)

    def count_labels(self, batch: Batch) -> float:
        """How many values the mean of ``criterion`` is over, or the sum of their weights."""
        return len(batch.rows)

    def count_predictions(self, batch: Batch) -> int:
        """How many values the mean of ``average`` is over."""
        return len(batch.rows)


def splitting_of(task: TaskType) -> SplitsBatches:
    """How the task's batches are divided: its own way, or the default."""
    return task if isinstance(task, SplitsBatches) else SplitsBatches()
