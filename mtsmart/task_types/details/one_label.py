"""Each row has one of the task's labels: predictions and references are the numbers of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mtsmart.errors import ConfigError
from mtsmart.metrics.label_counts import LabelCounts, confusion_matrix, counts_of_table
from mtsmart.metrics.labels import gold_table
from mtsmart.task_types.details.interface import Confusion, CountsLabels
from mtsmart.task_types.interface.base import TASK_TYPES, TaskType


class OneLabelEach(CountsLabels):
    """Counts the labels of rows that have one each."""

    labels: list[str]

    @property
    def has_hard_labels(self) -> bool:
        """Whether each row's label is a single one, and not the probability of each label."""
        return True

    def label_counts(self, predictions: Sequence[int], references: Sequence[int]) -> Mapping[str, LabelCounts]:
        """Label -> its counts, in the order of the labels."""
        predicted = gold_table(predictions, len(self.labels))
        return counts_of_table(self.labels, predicted, gold_table(references, len(self.labels)))

    def confusion(self, predictions: Sequence[int], references: Sequence[int]) -> Confusion | None:
        """Which label is taken for which."""
        counts = confusion_matrix(np.asarray(predictions), np.asarray(references), len(self.labels))
        return Confusion(self.labels, counts)

    def in_words(self, value: int) -> str:
        """The name of a label."""
        return self.labels[value]


def check_shots(task: TaskType) -> None:
    """Refuse ``shots`` for a task whose rows do not have one label each.

    Raises:
        ConfigError: names the task types for which ``shots`` has a meaning.
    """
    definition = task.definition
    if definition.shots is None or (isinstance(task, OneLabelEach) and task.has_hard_labels):
        return
    kinds = ", ".join(name for name in TASK_TYPES if issubclass(TASK_TYPES[name], OneLabelEach))
    own = "soft labels" if isinstance(task, OneLabelEach) else f"task type '{definition.task_type}'"
    message = f"is for tasks with one label a row ({kinds}), and does not go with {own}"
    hint = "Train on a slice of the rows: splits: {train: train[:64]}"
    raise ConfigError(message, key=f"{task.name}.shots", value=definition.shots, hint=hint)
