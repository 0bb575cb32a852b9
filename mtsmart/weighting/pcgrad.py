"""PCGrad: what a task's gradient takes from another task is projected away.

Yu et al. 2020, "Gradient Surgery for Multi-Task Learning", algorithm 1. For each gradient, the others come in a random
order, and where the product with one of them is negative, its part along that one is removed. mtsmart takes the mean of
the results where the paper takes the sum, so that gradients without a conflict give what ``mean`` gives.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mtsmart.config.regularizers import MethodText
from mtsmart.weighting import WEIGHTINGS, WeightingContext, WeightingSettings
from mtsmart.weighting.shared.aggregation import COST, Aggregation


@WEIGHTINGS.register("pcgrad")
class PCGrad(Aggregation[WeightingSettings]):
    """The mean of the projected gradients."""

    text = MethodText(
        title="PCGrad",
        formula="mean over i of g_i', where g_i' = g_i - min(0, g_i' . g_j) / |g_j|^2 g_j for each j in a random order",
        paper="Yu et al. 2020, algorithm 1",
        cost=COST,
        use="tasks whose gradients point against each other ('mtsmart affinity' shows their cosines)",
        evidence="none",
    )
    draws: Tensor

    def __init__(self, context: WeightingContext, settings: WeightingSettings) -> None:
        super().__init__(context, settings)
        # The orders are the same in every process, and resume points hold how many have been drawn.
        self.register_buffer("draws", torch.zeros((), dtype=torch.int64))

    def factors(self, products: Tensor) -> Tensor:
        """The mean over the gradients of how often each occurs in their projections."""
        from torchjd.aggregation import PCGradWeighting

        self.draws += 1
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(self.draws))
            factors: Tensor = PCGradWeighting()(products)
        return factors / len(products)
