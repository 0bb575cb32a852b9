"""Uncertainty weighting whose sum stays above 0: each task's weight is learnt.

Liebel and Koerner 2018, "Auxiliary Tasks in Multi-task Learning", equation 3: the sum over tasks of
L / (2 c^2) + ln(1 + c^2).
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from mtsmart.weighting import WEIGHTINGS, Losses, Weighting, WeightingContext, WeightingSettings


class PositiveUncertaintySettings(WeightingSettings):
    """How fast the weights move."""

    learning_rate_factor: float = Field(10.0, gt=0, description="of the weights, beside the encoder's")


@WEIGHTINGS.register("positive_uncertainty")
class PositiveUncertainty(Weighting[PositiveUncertaintySettings]):
    """Divides a task's objective by 2 c^2, and adds ln(1 + c^2)."""

    Settings = PositiveUncertaintySettings

    def __init__(self, context: WeightingContext, settings: PositiveUncertaintySettings) -> None:
        super().__init__(context, settings)
        self.learning_rate_factor = settings.learning_rate_factor
        self.c = nn.Parameter(torch.ones(len(context.tasks)))

    def combine(self, losses: Losses) -> None:
        """Differentiate each batch's share in the mean."""
        for one in losses:
            c = self._of(one.task)
            losses.backward((one.objective / (2 * c**2) + torch.log1p(c**2)) / len(losses))

    def factor(self, task: str, batches: int) -> float:
        """1 / (2 c^2 N)."""
        return 1 / (2 * float(self._of(task).detach()) ** 2 * batches)

    def measure(self) -> dict[str, float]:
        """The weight of each task."""
        return {f"weight/{task}": self.factor(task, 1) for task in self.context.tasks}

    def _of(self, task: str) -> Tensor:
        return self.c[self.context.tasks.index(task)]
