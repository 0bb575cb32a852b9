"""Optimizers and learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from mtsmart.config.sections import OptimizerConfig


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    """AdamW (fused) or Adamax over the trainable parameters; no decay on biases, norms and other vectors."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    common = {"lr": config.learning_rate, "betas": (config.beta1, config.beta2), "eps": config.eps}
    if config.name == "adamax":
        return torch.optim.Adamax(groups, **common)  # type: ignore[arg-type]
    return torch.optim.AdamW(groups, fused=_can_fuse(trainable), **common)  # type: ignore[arg-type]


def learning_rate(config: OptimizerConfig, update: int, total: int) -> float:
    """The learning rate of update ``update`` (from 0) of ``total``, as transformers' schedules define it.

    Linear warm-up from 0 over ``warmup`` of the updates, then linear or cosine decay to 0, or constant. A function
    of the update alone, so that a resumed run needs no schedule state.
    """
    warmup = math.ceil(config.warmup * total)
    if update < warmup:
        return config.learning_rate * update / warmup
    progress = (update - warmup) / max(1, total - warmup)
    factors = {"linear": 1 - progress, "cosine": (1 + math.cos(math.pi * progress)) / 2, "constant": 1.0}
    return config.learning_rate * max(0.0, factors[config.schedule])


def set_learning_rate(optimizer: Optimizer, value: float) -> None:
    """Give all groups the same learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = value


def _can_fuse(parameters: Iterable[nn.Parameter]) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps") and p.is_floating_point() for p in parameters)
