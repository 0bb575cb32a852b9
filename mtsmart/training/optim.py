"""Optimizers, their state by parameter name, and learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtsmart.config.sections import OptimizerConfig
from mtsmart.errors import warn
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import trained
from mtsmart.training.sharding import gathered, is_part, part_like
from mtsmart.weighting import Weighting

_WEIGHTING = "weighting"
# The state that each optimizer keeps for a parameter.
_KEPT = {torch.optim.AdamW: {"step", "exp_avg", "exp_avg_sq"}, torch.optim.Adamax: {"step", "exp_avg", "exp_inf"}}


def build_optimizer(
    model: MultiTaskModel,
    config: OptimizerConfig,
    head_factors: Mapping[str, float] | None = None,
    weighting: Weighting[Any] | None = None,
) -> Optimizer:
    """AdamW (fused) or Adamax over the trainable parameters. Biases, norms and other vectors get no weight decay.

    Args:
        model: the model. Its heads, and parts of its encoder (``rate_factors``), may have their own learning rates;
            parts of its encoder may have no weight decay (``undecayed``).
        config: the optimizer and its schedule.
        head_factors: head -> factor of the learning rate of its parameters. Parameters that the head shares with the
            encoder keep the encoder's learning rate.
        weighting: if it has parameters, they form a group without weight decay.
    """
    groups = []
    undecayed = {parameter for name, parameter in trained(model.encoder).items() if name in model.encoder.undecayed}
    seen: set[nn.Parameter] = set()
    heads = [(factor, model.head(name)) for name, factor in (head_factors or {}).items()]
    encoder = _by_factor(model.encoder, model.encoder.rate_factors)
    parts = [*encoder, *((factor, trained(head)) for factor, head in heads)]
    for factor, parameters in [*parts, (1.0, trained(model))]:
        own = [parameter for parameter in parameters.values() if parameter not in seen]
        seen |= set(own)
        decayed = [parameter for parameter in own if parameter.ndim > 1 and parameter not in undecayed]
        plain = [parameter for parameter in own if parameter.ndim <= 1 or parameter in undecayed]
        groups += [
            {"params": members, "weight_decay": decay, "factor": factor}
            for members, decay in ((decayed, config.weight_decay), (plain, 0.0))
            if members
        ]
    learned = [] if weighting is None else list(weighting.parameters())
    if weighting is not None and learned:
        groups.append({"params": learned, "weight_decay": 0.0, "factor": weighting.learning_rate_factor})
        seen |= set(learned)
    common = {"lr": config.learning_rate, "betas": (config.beta1, config.beta2), "eps": config.eps}
    if config.name == "adamax":
        return torch.optim.Adamax(groups, **common)  # type: ignore[arg-type]
    return torch.optim.AdamW(groups, fused=_can_fuse(seen), **common)  # type: ignore[arg-type]


def _by_factor(module: nn.Module, factors: Mapping[str, float]) -> list[tuple[float, dict[str, nn.Parameter]]]:
    """The trained parameters of a module, those with equal factors together."""
    parts: dict[float, dict[str, nn.Parameter]] = {}
    for name, parameter in trained(module).items():
        parts.setdefault(factors.get(name, 1.0), {})[name] = parameter
    return list(parts.items())


def learning_rate(config: OptimizerConfig, update: int, total: int) -> float:
    """The learning rate of an update. The schedules are those of transformers.

    The learning rate rises linearly from 0 during the share ``warmup`` of the updates. Then it falls to 0 linearly or
    as a cosine, or stays constant. So the first update of a warm-up has the learning rate 0 and changes no weight, as
    with transformers. It depends only on the update, so that a resumed run needs no schedule state.

    Args:
        config: the optimizer and its schedule.
        update: the number of the update, counted from 0.
        total: the number of all updates.
    """
    warmup = math.ceil(config.warmup * total)
    if update < warmup:
        return config.learning_rate * update / warmup
    progress = (update - warmup) / max(1, total - warmup)
    factors = {"linear": 1 - progress, "cosine": (1 + math.cos(math.pi * progress)) / 2, "constant": 1.0}
    return config.learning_rate * max(0.0, factors[config.schedule])


def warn_if_still(config: OptimizerConfig, total: int) -> None:
    """Warn of a run in which the learning rate of every update is 0: its only update is the first of the warm-up."""
    if total == 1 and learning_rate(config, 0, total) == 0:
        text = (
            f"optimizer.warmup={config.warmup:g}: the run has only one update, and a warm-up begins with the learning "
            "rate 0, so nothing is trained; optimizer.warmup=0 leaves the warm-up out"
        )
        warn(text)


def set_learning_rate(optimizer: Optimizer, value: float) -> None:
    """Set the learning rate of each group, multiplied by the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = value * group["factor"]


def names_of_parameters(model: nn.Module, weighting: nn.Module) -> dict[str, nn.Parameter]:
    """All parameters that may be trained, by the names that resume points use."""
    learned = {f"{_WEIGHTING}.{name}": parameter for name, parameter in weighting.named_parameters()}
    return {**dict(model.named_parameters()), **learned}


def optimizer_tensors(optimizer: Optimizer, named: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """The optimizer's state: ``<parameter>.<name>`` -> tensor on the CPU. All processes must call it together."""
    names = _names(optimizer, named)
    state = optimizer.state_dict()["state"]
    return {
        f"{names[index]}.{name}": gathered(torch.as_tensor(value)).detach().cpu().contiguous()
        for index, values in state.items()
        for name, value in values.items()
    }


def load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor], named: Mapping[str, nn.Parameter]) -> None:
    """Load the state that ``optimizer_tensors`` returned.

    Raises:
        ValueError: the state belongs to other parameters or to another kind of optimizer. torch itself would notice
            this in the first step, or never.
    """
    places = {name: index for index, name in enumerate(_names(optimizer, named))}
    parameters = _parameters(optimizer)
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        parameter, _, name = key.rpartition(".")
        if parameter not in places:
            raise ValueError(f"its optimizer moved a parameter that is not there now, or frozen: {parameter}")
        index = places[parameter]
        if tensor.ndim and tensor.shape != parameters[index].shape:
            raise ValueError(f"its optimizer's {key} has another shape than the parameter")
        state.setdefault(index, {})[name] = part_like(tensor, parameters[index]) if tensor.ndim else tensor
    kept = _KEPT[type(optimizer)]
    for index, values in state.items():
        if values.keys() != kept:
            found = ", ".join(sorted(values))
            wanted = ", ".join(sorted(kept))
            raise ValueError(f"its optimizer kept {found} of a parameter ({index}), this one keeps {wanted}")
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _can_fuse(parameters: Collection[nn.Parameter]) -> bool:
    fitting = (p.device.type in ("cpu", "cuda", "mps") and p.is_floating_point() for p in parameters)
    # A fused step cannot combine parts of tensors (DTensor) with the flag that says whether to apply the step.
    return all(fitting) and not any(is_part(p) for p in parameters)


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _names(optimizer: Optimizer, named: Mapping[str, nn.Parameter]) -> list[str]:
    """The names of the optimizer's parameters, in the optimizer's order."""
    names = {parameter: name for name, parameter in named.items()}
    return [names[parameter] for parameter in _parameters(optimizer)]
