"""Optional parts: a task type that says what its mistakes are, how well each label is found, how sure it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtsmart.metrics.label_counts import LabelCounts
from mtsmart.task_types.interface.base import Outputs


class ExplainsErrors(ABC):
    """Says which rows are wrong, and how wrong each of them is.

    Predictions and references are those that ``decode`` and ``references`` give, one for each source row.

    Attributes:
        is_right_or_wrong: whether a prediction is one or the other; numbers are only more or less far away.
    """

    is_right_or_wrong: ClassVar[bool] = True

    @abstractmethod
    def costs(self, outputs: Outputs, references: Sequence[Any]) -> np.ndarray:
        """(N,) float64: what each row costs, 0 for a perfect prediction. A larger number is a worse mistake."""

    @abstractmethod
    def in_words(self, value: Any) -> str:
        """A prediction or a reference as a person reads it."""

    def is_wrong(self, prediction: Any, reference: Any) -> bool:
        """Whether a prediction is a mistake."""
        return not np.array_equal(prediction, reference)


class HasProbabilities(ExplainsErrors):
    """Predicts events with probabilities, which a temperature can calibrate.

    ``costs`` are the negative log-likelihoods of the references, in nats. If all logits are divided by one positive
    number, the predictions must stay the same.
    """

    @abstractmethod
    def events(self, outputs: Outputs, references: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """(M,) float64, the probability of each event that the task predicts, and (M,) bool, whether it happened."""


@dataclass(frozen=True)
class Confusion:
    """Which label is taken for which.

    Attributes:
        labels: C names.
        counts: (C, C) int64: in row i and column j how often gold label i is predicted as j.
    """

    labels: Sequence[str]
    counts: np.ndarray

    def mistaken(self) -> list[tuple[str, str, int]]:
        """Gold label, predicted label, how often; the most frequent first, and only what occurs."""
        found = [
            (gold, predicted, int(self.counts[i, j]))
            for i, gold in enumerate(self.labels)
            for j, predicted in enumerate(self.labels)
            if i != j and self.counts[i, j]
        ]
        return sorted(found, key=lambda each: -each[2])


class CountsLabels(ABC):
    """Says how well each label is found."""

    @abstractmethod
    def label_counts(self, predictions: Sequence[Any], references: Sequence[Any]) -> Mapping[str, LabelCounts]:
        """Label -> its counts, in the order of the labels."""

    def confusion(self, predictions: Sequence[Any], references: Sequence[Any]) -> Confusion | None:
        """Which label is taken for which; None if a row has no single label."""
        return None
