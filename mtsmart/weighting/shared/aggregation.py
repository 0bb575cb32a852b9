"""Weightings that choose a factor for each batch's gradient from the products of all gradients.

The factors come from TorchJD (Quinton and Rey 2024), the extra ``torchjd``. It is imported only where it is used.
"""

from __future__ import annotations

import importlib
from abc import abstractmethod

import torch
from torch import Tensor

from mtsmart.config.regularizers import Figure
from mtsmart.errors import ConfigError
from mtsmart.weighting.shared.base import S, WeightingContext
from mtsmart.weighting.shared.gradients import GradientWeighting

COST = (
    "no pass; N x P numbers in float32, for N batches in an update and P trained parameters, and N^2 products of them"
)
"""What each of these weightings costs, for ``mtsmart methods``."""


class Aggregation(GradientWeighting[S]):
    """Merges the gradients g_1 ... g_N of an update's batches as the sum of c_i g_i. A subclass gives the factors c_i.

    Attributes:
        libraries: what must be importable for it.
    """

    needs_rounds = True
    libraries: tuple[str, ...] = ("torchjd",)
    figures = (
        Figure("weight/TASK", "the factor of a task's gradient", "none", "weight/TASK is the task's share in the sum"),
    )

    def __init__(self, context: WeightingContext, settings: S) -> None:
        super().__init__(context, settings)
        self._last: dict[str, Tensor] = {}

    @classmethod
    def check_installed(cls) -> None:
        """Refuse it where TorchJD or its solver is not installed."""
        for library in cls.libraries:
            try:
                importlib.import_module(library)
            except ImportError:
                hint = "pip install 'mtsmart[torchjd]'"
                raise ConfigError(f"needs {library}, which is not installed", key="weighting", hint=hint) from None

    @classmethod
    def summary(cls, settings: S) -> str:
        """What the gradient is made of."""
        return "a sum of the tasks' gradients, with factors that come from their products"

    @abstractmethod
    def factors(self, products: Tensor) -> Tensor:
        """The factors (N,) float32 of the gradients, from their products (N, N) float32: products[i, j] = g_i . g_j."""

    def merge(self, gradients: Tensor, tasks: list[str]) -> Tensor:
        """The sum of c_i g_i; the plain mean where a gradient is not finite, which the guard then reports."""
        products = gradients @ gradients.T
        count = len(gradients)
        if bool(products.isfinite().all()):
            factors = self.factors(products).to(gradients)
        else:
            factors = torch.full((count,), 1 / count, dtype=gradients.dtype, device=gradients.device)
        self._last = {task: factors[[other == task for other in tasks]].sum() for task in self.context.tasks}
        return factors @ gradients

    def measure(self) -> dict[str, float]:
        """The factors of the last update, those of a task's batches added up."""
        return {f"weight/{task}": float(factor) for task, factor in self._last.items()}
