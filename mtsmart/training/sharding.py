"""Fully sharded training (FSDP): each process has a part of the trained weights, of gradients and of optimizer state.

An update gathers the weights, which TrainStep needs as a whole: SMART differentiates inside its forward pass. What is
not training (evaluation, teachers, files) reads a copy with all weights, so that nothing else knows of parts. So the
weights are in memory twice while an update runs; what is saved is the rest, which with Adam is thrice as much.
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
    """The model that is trained, and the same with all its weights; one and the same unless it is sharded.

    Args:
        model: on its device.
    """

    def __init__(self, model: MultiTaskModel) -> None:
        self._trained = self._whole = model
        self._is_stale = False

    @property
    def trained(self) -> MultiTaskModel:
        """The model whose parameters the optimizer moves."""
        return self._trained

    @property
    def is_sharded(self) -> bool:
        """Whether this process keeps a part of the weights."""
        return self._trained is not self._whole

    def shard(self, step: TrainStep, processes: int) -> None:
        """Leave this process its part of the weights; before an optimizer is built."""
        # Imported where it is needed: it takes a second.
        from torch.distributed.fsdp import fully_shard
        from torch.distributed.tensor import init_device_mesh

        self._whole = copy.deepcopy(self._trained)
        fully_shard(step, mesh=init_device_mesh(self._whole.device.type, (processes,)))

    def has_moved(self) -> None:
        """To be called after each update."""
        self._is_stale = self.is_sharded

    def whole(self) -> MultiTaskModel:
        """The model with all its present weights; all processes must ask at once."""
        if self._is_stale:
            with torch.no_grad():
                parts = trained(self._trained)
                for name, all_of_it in trained(self._whole).items():
                    all_of_it.copy_(gathered(parts[name]))
            self._is_stale = False
        return self._whole

    def set(self) -> None:
        """Take the weights that have been put into ``whole()``."""
        if self.is_sharded:
            with torch.no_grad():
                for part, all_of_it in zip(self._trained.parameters(), self._whole.parameters(), strict=True):
                    part.copy_(part_like(all_of_it, part))


def is_part(tensor: Tensor) -> bool:
    """Whether this process holds only a part of a tensor (torch's DTensor)."""
    return hasattr(tensor, "full_tensor")


def gathered(tensor: Any) -> Tensor:
    """All of a tensor; all processes must ask at once."""
    whole: Tensor = tensor.full_tensor() if is_part(tensor) else tensor
    return whole


def part_like(tensor: Tensor, parameter: Any) -> Tensor:
    """This process's part of a tensor that belongs to a parameter; all of it if that is not sharded."""
    if not is_part(parameter):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(parameter.device), parameter.device_mesh, parameter.placements)
