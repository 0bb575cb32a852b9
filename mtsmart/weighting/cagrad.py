"""CAGrad: the direction near the mean gradient along which the task that gains least gains most.

Liu et al. 2021, "Conflict-Averse Gradient Descent for Multi-task Learning", equation 3 and algorithm 1.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from mtsmart.config.regularizers import MethodText
from mtsmart.weighting import WEIGHTINGS, WeightingSettings
from mtsmart.weighting.shared.aggregation import COST, Aggregation


class CAGradSettings(WeightingSettings):
    """How far the direction may be from the mean."""

    c: float = Field(
        0.5, ge=0, lt=1, description="radius around the mean gradient, as a share of its norm; 0 is the plain mean"
    )


@WEIGHTINGS.register("cagrad")
class CAGrad(Aggregation[CAGradSettings]):
    """The mean gradient plus c times its norm in the direction of the solution's combination."""

    Settings = CAGradSettings
    libraries = ("torchjd", "clarabel", "cvxpy")
    text = MethodText(
        title="CAGrad",
        formula="d = argmax over |d - g| <= c |g| of min over i of g_i . d, where g is the mean of the g_i",
        paper="Liu et al. 2021, equation 3",
        cost=f"{COST}; a small cone problem on the processor",
        use="tasks of which one is left behind by the mean",
        evidence="none",
    )

    @classmethod
    def summary(cls, settings: CAGradSettings) -> str:
        """The radius."""
        return f"c {settings.c:g}"

    def factors(self, products: Tensor) -> Tensor:
        """1 / N, and what the solution adds."""
        from torchjd.aggregation import CAGradWeighting

        factors: Tensor = CAGradWeighting(c=self.settings.c)(products)
        return factors
