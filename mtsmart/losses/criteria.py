"""Criteria: how far predictions are from gold labels, one value a row, in float32."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from mtsmart.registry import Registry

Criterion = Callable[[Tensor, Tensor], Tensor]
CRITERIA: Registry[Criterion] = Registry("loss")


@CRITERIA.register("cross_entropy")
def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood. logits (B, C), labels (B,) int64 -> (B,)."""
    return F.cross_entropy(logits.float(), labels, reduction="none")


@CRITERIA.register("mse")
def mse(logits: Tensor, labels: Tensor) -> Tensor:
    """Squared error. logits (B, 1), labels (B,) float -> (B,)."""
    return (logits.float().squeeze(-1) - labels.float()).square()
