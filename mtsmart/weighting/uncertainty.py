"""Uncertainty weighting: the weight of each task is learnt.

Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
Semantics", equations 5 and 10. Each task has s = log sigma^2, which is learnt from 0. A batch of the task costs

    exp(-s) L / 2 + s / 2  where L is a squared error: the negative log-likelihood of a normal distribution
    exp(-s) L + s / 2      elsewhere: the paper's approximation for a softmax of temperature sigma^2

So s = ln L is stationary for a squared error, and s = ln 2 L elsewhere. Liebel and Koerner 2018 ("Auxiliary Tasks in
Multi-task Learning") put ln(1 + sigma^2) in the place of s / 2, which keeps the sum above 0. That form is no
likelihood, and the weight that it learns depends on the unit of L in another way, so it is not used.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from mtsmart.config.regularizers import LARGEST, Figure, MethodText
from mtsmart.task_types.interface.base import loss_of
from mtsmart.weighting import WEIGHTINGS, Losses, Weighting, WeightingContext, WeightingSettings

_SQUARED_ERROR = "mse"


class UncertaintySettings(WeightingSettings):
    """How fast the weights move."""

    learning_rate_factor: float = Field(
        100.0, gt=0, le=LARGEST, description="learning rate of s, as a multiple of the encoder's"
    )


@WEIGHTINGS.register("uncertainty")
class Uncertainty(Weighting[UncertaintySettings]):
    """Multiplies a task's objective by exp(-s), or by half of it for a squared error, and adds s / 2."""

    Settings = UncertaintySettings
    text = MethodText(
        title="Uncertainty weighting",
        formula="exp(-s) L + s / 2 for each batch, half of exp(-s) for a squared error; s is learnt for each task",
        paper="Kendall, Gal and Cipolla 2018, equations 5 and 10",
        cost="none",
        use="tasks whose losses have different units, in runs of some hundred updates and more",
        evidence="none",
    )
    figures = (
        Figure(
            "weight/TASK", "the weight of a task", "none", "weight/TASK is exp(-s), or half of it for squared errors"
        ),
    )

    def __init__(self, context: WeightingContext, settings: UncertaintySettings) -> None:
        super().__init__(context, settings)
        self.learning_rate_factor = settings.learning_rate_factor
        self._places = {task: place for place, task in enumerate(context.tasks)}
        types = context.task_types
        self._shares = [
            0.5 if task in types and loss_of(types[task]) == _SQUARED_ERROR else 1.0 for task in context.tasks
        ]
        self.log_variances = nn.Parameter(torch.zeros(len(context.tasks)))

    @classmethod
    def summary(cls, settings: UncertaintySettings) -> str:
        """How fast the weights are learnt."""
        return f"weights are learnt at {settings.learning_rate_factor:g} times the encoder's learning rate"

    def combine(self, losses: Losses) -> None:
        """Differentiate each batch's share in the mean."""
        for one in losses:
            place = self._places[one.task]
            cost = self._weight(place) * one.objective + self.log_variances[place] / 2
            losses.backward(cost / len(losses))

    def factor(self, task: str, batches: int) -> float:
        """The weight over N."""
        return float(self._weight(self._places[task]).detach()) / batches

    def measure(self) -> dict[str, float]:
        """The weight of each task."""
        return {f"weight/{task}": self.factor(task, 1) for task in self.context.tasks}

    def _weight(self, place: int) -> Tensor:
        return self._shares[place] * torch.exp(-self.log_variances[place])
