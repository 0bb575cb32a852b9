"""Weightings that work on the gradient of each batch, as PCGrad does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtsmart.hardware import free_memory
from mtsmart.registry import form_of, wrong_result
from mtsmart.weighting.shared.base import Losses, S, Weighting


class GradientWeighting(Weighting[S]):
    """Takes the gradient of each batch apart, and makes one of them. A subclass says how by ``merge``.

    With several processes each gradient is that of the whole batch.
    """

    needs_task_gradients = True

    @abstractmethod
    def merge(self, gradients: Tensor, tasks: list[str]) -> Tensor:
        """The update's gradient (P,) from those of its batches.

        Args:
            gradients: (N, P) float32, one row a batch.
            tasks: the task of each row.
        """

    def factor(self, task: str, batches: int) -> float:
        """Each gradient is taken as it is."""
        return 1.0

    def notices(self, parameters: Sequence[nn.Parameter], batches: int) -> list[str]:
        """How much memory the gradients take, and whether that is more than is free."""
        numbers = sum(parameter.numel() for parameter in parameters)
        needed = 4 * batches * numbers
        text = (
            f"weighting: the gradients of {batches} batches take {_in_words(needed)} ({batches} x {numbers:,} float32)"
        )
        free = free_memory(parameters[0].device)
        if free is None or needed <= free:
            return [text]
        advice = "fewer tasks, a smaller training.accumulation or frozen layers take less"
        return [f"{text}, more than the {_in_words(free)} that are free: {advice}"]

    def combine(self, losses: Losses) -> None:
        """Differentiate one batch after the other, merge, and write the result into the parameters."""
        parameters = losses.parameters()
        sizes = [parameter.numel() for parameter in parameters]
        gradients = torch.zeros(len(losses), sum(sizes), device=parameters[0].device)
        tasks = []
        touched: set[nn.Parameter] = set()
        for row, one in zip(gradients, losses, strict=True):
            losses.backward(one.objective)
            touched |= {parameter for parameter in parameters if parameter.grad is not None}
            _take_gradient(parameters, row.split(sizes))
            tasks.append(one.task)
        pieces = self._merged(losses.averaged(gradients), tasks).split(sizes)
        for parameter, piece in zip(parameters, pieces, strict=True):
            # A head of which the update holds no batch must not move.
            parameter.grad = piece.view_as(parameter).to(parameter.dtype) if parameter in touched else None

    def _merged(self, gradients: Tensor, tasks: list[str]) -> Tensor:
        merged: Any = self.merge(gradients, tasks)
        if not isinstance(merged, Tensor) or merged.shape != gradients.shape[1:]:
            hint = f"It must give one gradient, a tensor of shape {tuple(gradients.shape[1:])}"
            raise wrong_result(type(self), f"gives what is {form_of(merged)}", hint, hook="merge")
        return merged


def _take_gradient(parameters: Sequence[nn.Parameter], places: Sequence[Tensor]) -> None:
    """Move the gradient of each parameter into its place in a row; the parameters have none afterwards."""
    for parameter, place in zip(parameters, places, strict=True):
        if parameter.grad is not None:
            place.copy_(parameter.grad.flatten())
            parameter.grad = None


def _in_words(size: int) -> str:
    """Bytes as MB, or as GB from 1 GB on."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
