"""UPGrad: the mean of the gradients after each is projected to where no task loses.

Quinton and Rey 2024, "Jacobian Descent for Multi-Objective Optimization", section 3: each gradient is projected onto
the directions that have no negative product with any gradient.
"""

from __future__ import annotations

from torch import Tensor

from mtsmart.config.regularizers import MethodText
from mtsmart.weighting import WEIGHTINGS, WeightingSettings
from mtsmart.weighting.shared.aggregation import COST, Aggregation


@WEIGHTINGS.register("upgrad")
class UPGrad(Aggregation[WeightingSettings]):
    """The mean of the projections, which conflicts with no task."""

    libraries = ("torchjd", "qpsolvers", "quadprog")
    text = MethodText(
        title="UPGrad",
        formula="mean over i of the vector nearest to g_i whose product with every g_j is at least 0",
        paper="Quinton and Rey 2024, section 3",
        cost=f"{COST}; N small quadratic problems on the processor",
        use="tasks whose gradients point against each other, where no task may lose in a step",
        evidence="none",
    )

    def factors(self, products: Tensor) -> Tensor:
        """The solution of the dual problems, added up."""
        from torchjd.aggregation import UPGradWeighting

        factors: Tensor = UPGradWeighting()(products)
        return factors
