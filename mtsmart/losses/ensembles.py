"""The mean of several predictions, for distillation from several teachers.

Each divergence has one entry. It averages what that divergence compares: softmax distributions, Bernoulli distributions
or plain numbers. An entry takes E tensors of one shape (..., C) and a temperature T, and returns logits (..., C), which
are float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mtsmart.losses.divergences import OF_BITS, OF_SOFTMAX
from mtsmart.registry import Registry

Ensemble = Callable[[Sequence[Tensor], float], Tensor]
ENSEMBLES: Registry[Ensemble] = Registry("ensemble")


def mean_softmax(logits: Sequence[Tensor], temperature: float) -> Tensor:
    """Logits for which softmax(result / T) is the mean of softmax(each / T)."""
    log_probs = torch.log_softmax(torch.stack(list(logits)).float() / temperature, dim=-1)
    return temperature * (torch.logsumexp(log_probs, dim=0) - math.log(len(logits)))


def mean_bernoulli(logits: Sequence[Tensor], temperature: float) -> Tensor:
    """Logits for which sigmoid(result / T) is the mean of sigmoid(each / T)."""
    decisions = mean_softmax([torch.stack([each, torch.zeros_like(each)], dim=-1) for each in logits], temperature)
    return decisions[..., 0] - decisions[..., 1]


def mean_values(values: Sequence[Tensor], temperature: float) -> Tensor:
    """The plain mean. The temperature has no effect, because numbers are no distribution."""
    return torch.stack(list(values)).mean(0)


for _name in OF_SOFTMAX:
    ENSEMBLES.register(_name)(mean_softmax)
for _name in OF_BITS:
    ENSEMBLES.register(_name)(mean_bernoulli)
ENSEMBLES.register("mse")(mean_values)
