"""Each row has one of the task's labels: predictions and references are the numbers of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mtsmart.metrics.label_counts import LabelCounts, confusion_matrix, counts_of_table
from mtsmart.metrics.labels import gold_table
from mtsmart.task_types.details.interface import Confusion, CountsLabels


class OneLabelEach(CountsLabels):
    """Counts the labels of rows that have one each."""

    labels: list[str]

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
