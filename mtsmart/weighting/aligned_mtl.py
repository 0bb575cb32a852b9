"""Aligned-MTL: the gradients are turned so that they are orthogonal and of one length, and then averaged.

Senushkin et al. 2023, "Independent Component Alignment for Multi-Task Learning", algorithm 1. The length is the
smallest singular value of the table of gradients.
"""

from __future__ import annotations

from torch import Tensor

from mtsmart.config.regularizers import MethodText
from mtsmart.weighting import WEIGHTINGS, WeightingSettings
from mtsmart.weighting.shared.aggregation import COST, Aggregation


@WEIGHTINGS.register("aligned_mtl")
class AlignedMTL(Aggregation[WeightingSettings]):
    """The mean of the aligned gradients."""

    text = MethodText(
        title="Aligned-MTL",
        formula="G^T V diag(s_min / s_i) V^T 1 / N, where G G^T = V diag(s_i^2) V^T for the rows g_i of G",
        paper="Senushkin et al. 2023, algorithm 1",
        cost=f"{COST}; the eigenvalues of N x N products",
        use="tasks whose gradients differ much in length and point against each other",
        evidence="none",
    )

    def factors(self, products: Tensor) -> Tensor:
        """The balance matrix times 1 / N."""
        from torchjd.aggregation import AlignedMTLWeighting

        factors: Tensor = AlignedMTLWeighting()(products)
        return factors
