"""Means over what counts in a batch, and rows of a batch without their padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of ``values`` where ``mask`` (of the same shape) is true; 0 if it is true nowhere.

    It never waits for the device.
    """
    weights = mask.to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp_min(1.0)


def masked_rows(values: Tensor, mask: Tensor) -> list[Tensor]:
    """What the mask (B, T) keeps of each row: B tensors (n, ...) of values (B, T, ...).

    It waits for the device once a batch.
    """
    kept = mask.bool()
    return list(values[kept].split(kept.sum(-1).tolist()))


def padded_rows(rows: Sequence[Tensor], mask: Tensor, fill: float) -> Tensor:
    """The inverse of ``masked_rows``: (B, T, ...) float32, with ``fill`` where the mask (B, T) keeps nothing."""
    kept = mask.bool()
    together = torch.cat(list(rows))
    values = torch.full((*kept.shape, *together.shape[1:]), fill)
    values[kept] = together
    return values


def stack(logits: Sequence[Tensor]) -> Tensor:
    """N tensors of one shape as one tensor (N, ...); (0,) if there are none."""
    return torch.stack(list(logits)) if logits else torch.empty(0)
