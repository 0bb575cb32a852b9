"""Uncertainty weighting: each task's weight is learnt.

Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses", equation 7, in its usual form:
sum over tasks of exp(-s) L + s / 2, where s is the logarithm of the task's variance.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from mtsmart.weighting import WEIGHTINGS, Losses, Weighting, WeightingContext, WeightingSettings


class UncertaintySettings(WeightingSettings):
    """How fast the weights move."""

    learning_rate_factor: float = Field(10.0, gt=0, description="of the weights, beside the encoder's")


@WEIGHTINGS.register("uncertainty")
class Uncertainty(Weighting[UncertaintySettings]):
    """Multiplies a task's objective by exp(-s), and adds s / 2."""

    Settings = UncertaintySettings

    def __init__(self, context: WeightingContext, settings: UncertaintySettings) -> None:
        super().__init__(context, settings)
        self.learning_rate_factor = settings.learning_rate_factor
        self.log_variances = nn.Parameter(torch.zeros(len(context.tasks)))

    def combine(self, losses: Losses) -> None:
        """Differentiate each batch's share in the mean."""
        for one in losses:
            s = self.log_variances[self.context.tasks.index(one.task)]
            losses.backward((torch.exp(-s) * one.objective + s / 2) / len(losses))

    def factor(self, task: str, batches: int) -> float:
        """exp(-s) / N."""
        s = self.log_variances[self.context.tasks.index(task)]
        return float(torch.exp(-s.detach())) / batches

    def measure(self) -> dict[str, float]:
        """The weight of each task."""
        weights = torch.exp(-self.log_variances.detach()).tolist()
        return {f"weight/{task}": weight for task, weight in zip(self.context.tasks, weights, strict=True)}
