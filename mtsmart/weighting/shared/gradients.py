"""Weightings that work on the gradient of each batch, as PCGrad does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

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

    def combine(self, losses: Losses) -> None:
        """Differentiate one batch after the other, merge, and write the result into the parameters."""
        parameters = losses.parameters()
        rows = []
        tasks = []
        for one in losses:
            losses.backward(one.objective)
            rows.append(_take_gradient(parameters))
            tasks.append(one.task)
        merged = self.merge(losses.averaged(torch.stack(rows)), tasks)
        pieces = merged.split([parameter.numel() for parameter in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.grad = piece.view_as(parameter).to(parameter.dtype)


def _take_gradient(parameters: Sequence[nn.Parameter]) -> Tensor:
    """The gradient of all parameters in one row (P,); the parameters have none afterwards."""
    pieces = []
    for parameter in parameters:
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        pieces.append(gradient.flatten().float())
        parameter.grad = None
    return torch.cat(pieces)
