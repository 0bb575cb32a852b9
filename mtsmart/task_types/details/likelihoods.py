"""What labels cost under a model's logits, and the events behind it, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def costs_of_labels(logits: Tensor, gold: Sequence[int]) -> np.ndarray:
    """(N,) float64: the negative log-likelihood of each row's label under a softmax.

    Args:
        logits: (N, C).
        gold: N numbers of labels.
    """
    target = torch.as_tensor(gold, dtype=torch.int64)
    costs: np.ndarray = F.cross_entropy(logits.double(), target, reduction="none").numpy()
    return costs


def likeliest(logits: Tensor, gold: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64, the probability of each row's likeliest label under a softmax, and (N,) bool, whether it is right.

    Args:
        logits, gold: as for :func:`costs_of_labels`.
    """
    found = logits.argmax(-1)
    probabilities = torch.softmax(logits.double(), dim=-1).gather(-1, found.unsqueeze(-1)).squeeze(-1)
    return probabilities.numpy(), (found == torch.as_tensor(gold, dtype=torch.int64)).numpy()


def costs_of_bits(logits: Tensor, bits: np.ndarray) -> np.ndarray:
    """(N,) float64: the negative log-likelihood of each row's bits, which are independent, summed over the bits.

    Args:
        logits: (N, C), of a sigmoid.
        bits: (N, C) of 0 and 1.
    """
    target = torch.as_tensor(bits, dtype=torch.float64)
    each = F.binary_cross_entropy_with_logits(logits.double(), target, reduction="none")
    costs: np.ndarray = each.sum(-1).numpy()
    return costs


def set_bits(logits: Tensor, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N * C,) float64, the probability that each bit is 1, and (N * C,) bool, whether it is.

    Args:
        logits, bits: as for :func:`costs_of_bits`.
    """
    return torch.sigmoid(logits.double()).flatten().numpy(), np.asarray(bits, dtype=bool).ravel()
