"""Look-ahead affinity: how a step for one task changes the loss of another.

Fifty et al. 2021, "Efficiently Identifying Task Groupings for Multi-Task Learning" (TAG), equation 1:

    Z(i -> j) = 1 - L_j(theta after a step on task i) / L_j(theta)

theta are the encoder's parameters. The heads stay as they are, and L_j is the loss of rows that the step did not see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtsmart.affinity.gradients import Batches, loss_on
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.task_types import TaskType


@dataclass(frozen=True)
class Step:
    """A step of the optimizer's kind on one gradient.

    Each number of the gradient is divided by the size that the optimizer has seen there so far, as AdamW and Adamax do.
    The running mean of earlier gradients is left out: it belongs to all tasks, and would be the same part in the step
    of each. So is the weight decay.

    Attributes:
        optimizer: has done at least one update.
        rate: the learning rate.
        limit: the largest norm of the gradient, as in training; None: any.
    """

    optimizer: Optimizer
    rate: float
    limit: float | None

    def changes(self, gradient: Tensor, shared: Sequence[nn.Parameter]) -> list[Tensor]:
        """What is added to each parameter: (P,) float32 -> tensors with the parameters' shapes."""
        norm = gradient.norm()
        if self.limit is not None:
            gradient = gradient * (self.limit / norm.clamp_min(self.limit))
        pieces = gradient.split([parameter.numel() for parameter in shared])
        return [
            -self.rate * piece.view_as(parameter) / self._size(parameter)
            for parameter, piece in zip(shared, pieces, strict=True)
        ]

    def _size(self, parameter: nn.Parameter) -> Tensor:
        """How large the parameter's gradient has been so far. A parameter that never had one does not move."""
        state = self.optimizer.state.get(parameter, {})
        if "exp_inf" in state:
            largest: Tensor = state["exp_inf"]
            return largest + float(self.optimizer.defaults["eps"])
        if "exp_avg_sq" not in state:
            return torch.full_like(parameter, torch.inf)
        bias = 1 - float(self.optimizer.defaults["betas"][1]) ** float(state["step"])
        squares: Tensor = state["exp_avg_sq"]
        size: Tensor = (squares / bias).sqrt() + float(self.optimizer.defaults["eps"])
        return size


@torch.no_grad()
def look_ahead(
    model: MultiTaskModel,
    types: Mapping[str, TaskType],
    gradients: Tensor,
    held: Batches,
    shared: Sequence[nn.Parameter],
    step: Step,
) -> Tensor:
    """The affinity of each task to each task. The model is unchanged afterwards, to the bit.

    Args:
        model: in evaluation mode.
        types: task -> its type.
        gradients: (K, P) float32, one row for each task in ``held``.
        held: task -> batches that the gradients have not seen.
        shared: the encoder's parameters.
        step: the step.

    Returns:
        (K, K) float64: row i has Z(i -> j) for each j.
    """
    before = _losses(model, types, held)
    rows = []
    for gradient in gradients:
        with _moved(shared, step.changes(gradient, shared)):
            rows.append(1 - _losses(model, types, held) / before)
    return torch.stack(rows)


def _losses(model: MultiTaskModel, types: Mapping[str, TaskType], held: Batches) -> Tensor:
    """(K,) float64."""
    return torch.stack([loss_on(model, types[name], batches).double() for name, batches in held.items()])


@contextmanager
def _moved(parameters: Sequence[nn.Parameter], changes: Sequence[Tensor]) -> Iterator[None]:
    """Inside it the parameters are changed."""
    kept = [parameter.detach().clone() for parameter in parameters]
    try:
        for parameter, change in zip(parameters, changes, strict=True):
            parameter.add_(change)
        yield
    finally:
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
