"""Runs the training step on a device: under autocast, and with gradients averaged over processes.

Plain torch. accelerate would set the precision for the whole Python process, also for other code in it that uses
accelerate with a precision of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mtsmart.data.batch import Batch
from mtsmart.data.joined.batch import JoinedBatch
from mtsmart.errors import ConfigError
from mtsmart.hardware import autocast
from mtsmart.processes import Processes
from mtsmart.training.step import Scale, TrainStep, unscaled


class Executor:
    """Computes the objective of batches and its gradients.

    Args:
        step: the objective as one module, on its device.
        device: where the step is.
        precision: ``float32``, or ``bfloat16`` for autocast.
        processes: those that train together. Their gradients are averaged, unless each keeps a part of the weights:
            then FSDP, which wraps the step already, does that.
        sharded: whether each process keeps a part of the weights.

    Raises:
        ConfigError: the device does not compute in this precision.
    """

    def __init__(
        self, step: TrainStep, device: torch.device, precision: str, processes: Processes, sharded: bool
    ) -> None:
        if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
            hint = "Use training.precision=float32"
            raise ConfigError("the GPU has no such numbers", key="training.precision", value=precision, hint=hint)
        self._device = device
        self._precision = precision
        self._module: nn.Module = step
        if processes.count > 1 and not sharded:
            devices = None if device.type == "cpu" else [device]
            # Each batch uses the head of one task, so the other heads have no gradient.
            self._module = DistributedDataParallel(step, device_ids=devices, find_unused_parameters=True)

    def train(self) -> None:
        """Switch to training mode, in which dropout acts."""
        self._module.train()

    def __call__(self, batch: Batch, scale: Scale = unscaled) -> tuple[Tensor, dict[str, Tensor]]:
        """The objective of one batch.

        Args:
            batch: on the device.
            scale: task -> what the caller will multiply the objective by, for methods that differentiate inside this
                pass.

        Returns:
            the loss (a float32 scalar, part of the graph), and figures to log (float32 scalars, detached).
        """
        with self._autocast():
            loss, figures = self._module(batch, scale)
        return loss.float(), _in_float32(figures)

    def each(self, batch: Batch, scale: Scale = unscaled) -> list[tuple[Batch, Tensor, dict[str, Tensor]]]:
        """The objectives of a batch: that of the batch itself, or one for each member of a joined batch.

        Args:
            batch, scale: as above.

        Returns:
            for each one the batch of its task, its loss and its figures, as above.
        """
        if not isinstance(batch, JoinedBatch):
            return [(batch, *self(batch, scale))]
        with self._autocast():
            objectives = self._module(batch, scale)
        return [
            (member, loss.float(), _in_float32(figures))
            for member, (loss, figures) in zip(batch.members, objectives, strict=True)
        ]

    def backward(self, loss: Tensor, keep_graph: bool = False) -> None:
        """Add the gradients of ``loss`` to those that the parameters have."""
        loss.backward(retain_graph=keep_graph)

    def accumulating(self) -> AbstractContextManager[None]:
        """Inside it gradients stay in this process; the first backward pass after it averages all of them."""
        if isinstance(self._module, DistributedDataParallel):
            context: AbstractContextManager[None] = self._module.no_sync()
            return context
        return nullcontext()

    def _autocast(self) -> AbstractContextManager[object]:
        return autocast(self._device, self._precision)


def _in_float32(figures: Mapping[str, Tensor]) -> dict[str, Tensor]:
    halves = (torch.float16, torch.bfloat16)
    return {name: figure.float() if figure.dtype in halves else figure for name, figure in figures.items()}
