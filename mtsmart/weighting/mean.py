"""The mean of the batches' objectives, each with its task's fixed weight."""

from __future__ import annotations

from mtsmart.config.regularizers import MethodText
from mtsmart.weighting import WEIGHTINGS, Losses, Weighting, WeightingSettings


@WEIGHTINGS.register("mean")
class Mean(Weighting[WeightingSettings]):
    """Adds up the gradients of objective / N, one batch after the other: one graph is in memory at a time."""

    text = MethodText(
        title="Mean",
        formula="sum over batches of objective / N",
        paper="none",
        cost="none",
        use="the default; tasks.NAME.weight gives a task a fixed factor",
        evidence="all experiments of this project",
    )

    @classmethod
    def summary(cls, settings: WeightingSettings) -> str:
        """What the gradient is of."""
        return "the mean of the batches' objectives"

    def combine(self, losses: Losses) -> None:
        """Differentiate each batch's share in the mean."""
        for one in losses:
            losses.backward(one.objective / len(losses))

    def factor(self, task: str, batches: int) -> float:
        """1 / N."""
        return 1.0 / batches
