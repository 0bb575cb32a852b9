"""IMTL-G: the sum of the gradients that has the same projection onto each of them.

Liu et al. 2021, "Towards Impartial Multi-task Learning", section 3.1, in the form of Quinton and Rey 2024, which also
takes gradients that depend on each other linearly. The factors add up to 1.
"""

from __future__ import annotations

from torch import Tensor

from mtsmart.config.regularizers import MethodText
from mtsmart.weighting import WEIGHTINGS, WeightingSettings
from mtsmart.weighting.shared.aggregation import COST, Aggregation


@WEIGHTINGS.register("imtl_g")
class IMTLG(Aggregation[WeightingSettings]):
    """Equal projections onto all gradients."""

    text = MethodText(
        title="IMTL-G",
        formula="sum of c_i g_i with the same product with every g_i / |g_i|, where the c_i add up to 1",
        paper="Liu et al. 2021, section 3.1",
        cost=f"{COST}; the pseudo-inverse of N x N products",
        use="tasks whose gradients differ much in length",
        evidence="none",
    )

    def factors(self, products: Tensor) -> Tensor:
        """The pseudo-inverse of the products times the lengths, divided by its sum."""
        from torchjd.aggregation import IMTLGWeighting

        factors: Tensor = IMTLGWeighting()(products)
        return factors
