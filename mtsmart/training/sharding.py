"""Fully sharded training (FSDP). Each process keeps a part of the trained weights, gradients and optimizer state.

An update gathers the weights. TrainStep needs all of them, because SMART differentiates inside its forward pass.
Evaluation, teachers and files read a copy with all weights, so that no other module handles parts. So the weights are
in memory twice while an update runs. Sharding divides the rest of the memory, which is three times as much with Adam.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import trained
from mtsmart.training.step import TrainStep


class Student:
    """The model that is trained, and the model with all weights. They are one object unless the model is sharded.

    Args:
        model: the model on its device.
    """

    def __init__(self, model: MultiTaskModel) -> None:
        self._trained = model
        self._whole = model
        self._is_stale = False

    @property
    def trained(self) -> MultiTaskModel:
        """The model whose parameters the optimizer changes."""
        return self._trained

    @property
    def is_sharded(self) -> bool:
        """Whether this process keeps only a part of the weights."""
        return self._trained is not self._whole

    def shard(self, step: TrainStep, processes: int) -> bool:
        """Reduce the model to this process's part of the weights. Call it before an optimizer is built.

        Returns:
            whether it is done; a single process keeps all weights.
        """
        if processes == 1:
            return False
        # The import takes a second, so only sharded training does it.
        from torch.distributed.fsdp import fully_shard
        from torch.distributed.tensor import init_device_mesh

        self._whole = copy.deepcopy(self._trained)
        fully_shard(step, mesh=init_device_mesh(self._whole.device.type, (processes,)))
        return True

    def has_moved(self) -> None:
        """Note that the weights have changed. The trainer calls it after each update."""
        self._is_stale = self.is_sharded

    def whole(self) -> MultiTaskModel:
        """The model with all its present weights. All processes must call it at the same time."""
        if self._is_stale:
            with torch.no_grad():
                parts = trained(self._trained)
                for name, all_of_it in trained(self._whole).items():
                    all_of_it.copy_(gathered(parts[name]))
            self._is_stale = False
        return self._whole

    def set(self) -> None:
        """Copy the weights of ``whole()`` into the trained model."""
        if self.is_sharded:
            with torch.no_grad():
                for part, all_of_it in zip(self._trained.parameters(), self._whole.parameters(), strict=True):
                    part.copy_(part_like(all_of_it, part))


def is_part(tensor: Tensor) -> bool:
    """Whether this process holds only a part of a tensor (torch's DTensor)."""
    return hasattr(tensor, "full_tensor")


def gathered(tensor: Any) -> Tensor:
    """The whole tensor. All processes must call it at the same time."""
    whole: Tensor = tensor.full_tensor() if is_part(tensor) else tensor
    return whole


def part_like(tensor: Tensor, parameter: Any) -> Tensor:
    """This process's part of a parameter's tensor; the whole tensor if the parameter is not sharded."""
    if not is_part(parameter):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(parameter.device), parameter.device_mesh, parameter.placements)
