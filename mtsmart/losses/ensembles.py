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

from mtsmart.registry import Registry

Ensemble = Callable[[Sequence[Tensor], float], Tensor]
ENSEMBLES: Registry[Ensemble] = Registry("ensemble")


@ENSEMBLES.register("symmetric_kl")
@ENSEMBLES.register("symmetric_kl_detached")
@ENSEMBLES.register("kl")
@ENSEMBLES.register("js")
@ENSEMBLES.register("hellinger")
def mean_softmax(logits: Sequence[Tensor], temperature: float) -> Tensor:
    """Logits for which softmax(result / T) is the mean of softmax(each / T)."""
    log_probs = torch.log_softmax(torch.stack(list(logits)).float() / temperature, dim=-1)
    return temperature * (torch.logsumexp(log_probs, dim=0) - math.log(len(logits)))


@ENSEMBLES.register("bernoulli_symmetric_kl")
@ENSEMBLES.register("bernoulli_symmetric_kl_detached")
@ENSEMBLES.register("bernoulli_kl")
@ENSEMBLES.register("bernoulli_js")
def mean_bernoulli(logits: Sequence[Tensor], temperature: float) -> Tensor:
    """Logits for which sigmoid(result / T) is the mean of sigmoid(each / T)."""
    decisions = mean_softmax([torch.stack([each, torch.zeros_like(each)], dim=-1) for each in logits], temperature)
    return decisions[..., 0] - decisions[..., 1]


@ENSEMBLES.register("mse")
def mean_values(values: Sequence[Tensor], temperature: float) -> Tensor:
    """The plain mean. The temperature has no effect, because numbers are no distribution."""
    return torch.stack(list(values)).mean(0)
