"""The losses of an update's batches, as a weighting takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from mtsmart.data.batch import Batch
from mtsmart.data.joined.batch import JoinedBatch
from mtsmart.models.weights import trained
from mtsmart.processes import Processes
from mtsmart.training.execution import Executor
from mtsmart.weighting import BatchLoss, Weighting

Note = Callable[[int, Batch, Mapping[str, Tensor]], None]
"""Called with a batch's number in the update, the batch, and the figures that it reported."""


class UpdateLosses:
    """The losses of one update. Each is computed when it is asked for, so one graph is in memory at a time.

    Args:
        batches: those of the update, on the device.
        executor: computes a batch's objective and its gradients.
        weighting: says what regularisers that differentiate on their own multiply by.
        model: is trained.
        processes: those that share the batches.
        note: called for each batch; None if the update's losses have been noted before.

    Attributes:
        again: whether they have been.
    """

    def __init__(
        self,
        batches: Sequence[Batch],
        executor: Executor,
        weighting: Weighting[Any],
        model: nn.Module,
        processes: Processes,
        note: Note | None,
    ) -> None:
        self._batches = batches
        self._executor = executor
        self._weighting = weighting
        self._model = model
        self._processes = processes
        self._note = note
        self._is_joined = False
        self._waiting: list[Tensor] = []  # losses of the members of one joined batch
        self.again = note is None

    def __len__(self) -> int:
        return sum(len(_members(batch)) for batch in self._batches)

    def __iter__(self) -> Iterator[BatchLoss]:
        for number, batch in enumerate(self._batches):
            is_last = number == len(self._batches) - 1
            # Several processes average their gradients in the last backward pass, or leave that to the weighting.
            averages_now = is_last and not self._weighting.needs_task_gradients
            with nullcontext() if averages_now else self._executor.accumulating():
                objectives = self._executor.each(batch, self._factor)
                self._is_joined = len(objectives) > 1
                for own, objective, figures in objectives:
                    if self._note is not None:
                        self._note(number, own, figures)
                    yield BatchLoss(own.task, objective)
                self._differentiate_waiting()

    def _factor(self, task: str) -> float:
        return self._weighting.factor(task, len(self))

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a scalar to those of the parameters.

        The members of a joined batch have one graph. It is differentiated once, after the last of them, unless the
        weighting takes the gradient of each.
        """
        if self._is_joined and not self._weighting.needs_task_gradients:
            self._waiting.append(loss)
        else:
            self._executor.backward(loss, keep_graph=self._is_joined)

    def _differentiate_waiting(self) -> None:
        if self._waiting:
            self._executor.backward(torch.stack(self._waiting).sum())
        self._waiting = []

    def parameters(self) -> Sequence[nn.Parameter]:
        """What is trained."""
        return list(trained(self._model).values())

    def averaged(self, gradients: Tensor) -> Tensor:
        """The mean of a tensor over the processes that share the batches."""
        if self._processes.count == 1:
            return gradients
        return self._processes.total(gradients) / self._processes.count


def _members(batch: Batch) -> Sequence[Batch]:
    return batch.members if isinstance(batch, JoinedBatch) else [batch]
