"""Cross-entropy over ln C, so that the best constant guess costs about 1 whatever the number of classes C.

A task whose loss is the cross-entropy of C named labels is divided by the logarithm of C. Other tasks are taken as they
are.
"""

from __future__ import annotations

import math

from mtsmart.config.regularizers import MethodText
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.base import loss_of
from mtsmart.weighting import WEIGHTINGS, Losses, Weighting, WeightingContext, WeightingSettings

_LOSS = "cross_entropy"


@WEIGHTINGS.register("log_classes")
class LogClasses(Weighting[WeightingSettings]):
    """Divides a task's objective by the loss of the uniform prediction."""

    text = MethodText(
        title="Division by ln C",
        formula="sum over batches of objective / (N ln C); ln C is 1 where the loss is no cross-entropy of labels",
        paper="none: the cross-entropy of the uniform prediction is ln C",
        cost="none",
        use="tasks with very different numbers of labels, trained jointly",
        evidence="none",
    )

    def __init__(self, context: WeightingContext, settings: WeightingSettings) -> None:
        super().__init__(context, settings)
        self._scales = {name: scale_of(task) for name, task in context.task_types.items()}

    @classmethod
    def summary(cls, settings: WeightingSettings) -> str:
        """What a cross-entropy is divided by."""
        return "each cross-entropy over the logarithm of its number of labels"

    def combine(self, losses: Losses) -> None:
        """Differentiate each batch's share."""
        for one in losses:
            losses.backward(self.factor(one.task, len(losses)) * one.objective)

    def factor(self, task: str, batches: int) -> float:
        """1 / (N ln C)."""
        return 1.0 / (batches * self._scales[task])


def scale_of(task: TaskType) -> float:
    """The loss of the uniform prediction: ln C for the cross-entropy of C > 1 labels, and 1 for any other loss."""
    if loss_of(task) != _LOSS or len(task.labels) < 2:
        return 1.0
    return math.log(len(task.labels))
