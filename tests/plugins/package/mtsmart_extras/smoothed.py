"""Cross-entropy with smoothed labels (Szegedy et al. 2016, section 7)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mtsmart.losses import CRITERIA


@CRITERIA.register("smoothed", fits=["classification"])
def smoothed(logits: Tensor, labels: Tensor) -> Tensor:
    """logits (B, C), labels (B,) int64 -> (B,)."""
    return F.cross_entropy(logits.float(), labels, reduction="none", label_smoothing=0.1)
