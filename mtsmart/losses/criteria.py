"""Criteria: how far predictions are from gold labels; one value a row, in float32."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mtsmart.registry import Registry

Criterion = Callable[[Tensor, Tensor], Tensor]
"""(logits, labels) -> one value a row."""
CRITERIA: Registry[Criterion] = Registry("loss", group="mtsmart.losses", needs=["__call__"])


@CRITERIA.register("cross_entropy")
def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood. logits (B, C), labels (B,) int64 -> (B,)."""
    return F.cross_entropy(logits.float(), labels, reduction="none")


@CRITERIA.register("mse")
def mse(logits: Tensor, labels: Tensor) -> Tensor:
    """Squared error. logits (B, 1), labels (B,) float -> (B,)."""
    return (logits.float().squeeze(-1) - labels.float()).square()


@CRITERIA.register("binary_cross_entropy")
def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over C labels of their negative log-likelihoods. logits (B, C), labels (B, C) of 0 and 1 -> (B,)."""
    return F.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none").mean(-1)


FOCAL_GAMMA = 2.0  # Lin et al.'s best


@CRITERIA.register("focal")
def focal(logits: Tensor, labels: Tensor, gamma: float = FOCAL_GAMMA) -> Tensor:
    """The focal loss (1 - p)^gamma * -log p, with p of the gold label (Lin et al. 2017, equation 4).

    logits (B, C), labels (B,) int64, -100 for rows that do not count -> (B,), 0 for those.
    """
    nll = F.cross_entropy(logits.float(), labels, reduction="none")
    return _missed(nll).pow(gamma) * nll


@CRITERIA.register("binary_focal")
def binary_focal(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over C labels of their focal losses. logits (B, C), labels (B, C) of 0 and 1 -> (B,)."""
    return weighted_binary_focal(logits, labels, FOCAL_GAMMA, None)


def weighted_binary_focal(logits: Tensor, labels: Tensor, gamma: float, pos_weight: Tensor | None) -> Tensor:
    """The binary focal loss with any gamma (B,).

    ``pos_weight`` (C,) is a factor of the labels that are 1, as torch's for the binary cross-entropy.
    """
    nll = F.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none")
    losses = _missed(nll).pow(gamma) * nll
    if pos_weight is not None:
        losses = losses * torch.where(labels > 0, pos_weight, 1.0)
    return losses.mean(-1)


def _missed(nll: Tensor) -> Tensor:
    """1 - p for -log p. It stays above 0, where a root would have no finite gradient."""
    return (-torch.expm1(-nll)).clamp_min(torch.finfo(torch.float32).tiny)


@CRITERIA.register("listwise_cross_entropy")
def listwise_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of a list's scores against its relevances, which are divided by their sum.

    This is ListNet's top-one loss (Cao et al. 2007, equation 4).

    logits (B, N), labels (B, N) of numbers from 0 up -> (B,); 0 for a list without a relevant candidate.
    """
    relevances = labels.float()
    target = relevances / relevances.sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    return -(target * torch.log_softmax(logits.float(), dim=-1)).sum(-1)
