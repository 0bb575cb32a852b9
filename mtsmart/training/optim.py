"""Optimizers and learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import torch
from torch import nn
from torch.optim import Optimizer

from mtsmart.config.sections import OptimizerConfig
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.training.sharding import is_part


def build_optimizer(
    model: MultiTaskModel, config: OptimizerConfig, head_factors: Mapping[str, float] | None = None
) -> Optimizer:
    """AdamW (fused) or Adamax over the trainable parameters; no decay on biases, norms and other vectors.

    Args:
        model: its heads may learn at a rate of their own.
        config: optimizer and schedule.
        head_factors: head -> factor of the learning rate of its parameters (those it shares with the encoder keep
            the encoder's rate).
    """
    groups, seen = [], set()
    parts = [(1.0, model.encoder), *((factor, model.head(name)) for name, factor in (head_factors or {}).items())]
    for factor, module in [*parts, (1.0, model)]:
        trainable = [p for p in module.parameters() if p.requires_grad and p not in seen]
        seen |= set(trainable)
        decayed = [p for p in trainable if p.ndim > 1]
        plain = [p for p in trainable if p.ndim <= 1]
        groups += [
            {"params": parameters, "weight_decay": decay, "factor": factor}
            for parameters, decay in ((decayed, config.weight_decay), (plain, 0.0))
            if parameters
        ]
    common = {"lr": config.learning_rate, "betas": (config.beta1, config.beta2), "eps": config.eps}
    if config.name == "adamax":
        return torch.optim.Adamax(groups, **common)  # type: ignore[arg-type]
    return torch.optim.AdamW(groups, fused=_can_fuse(seen), **common)  # type: ignore[arg-type]


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
    """Give each group the learning rate, times its factor."""
    for group in optimizer.param_groups:
        group["lr"] = value * group["factor"]


def _can_fuse(parameters: Collection[nn.Parameter]) -> bool:
    fitting = (p.device.type in ("cpu", "cuda", "mps") and p.is_floating_point() for p in parameters)
    # A fused step mixes no parts of tensors with the flag that tells whether to take it.
    return all(fitting) and not any(is_part(p) for p in parameters)
