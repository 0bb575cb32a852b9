"""The share of wrong labels, negative, because higher must be better."""

from __future__ import annotations

from collections.abc import Sequence

from mtsmart.metrics import METRICS


@METRICS.register("error_rate", fits=["classification"])
def error_rate(predictions: Sequence[int], references: Sequence[int]) -> float:
    """Minus the share of predictions that differ from the references."""
    wrong = sum(one != other for one, other in zip(predictions, references, strict=True))
    return -wrong / len(references)
