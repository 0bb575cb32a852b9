"""The losses of an update's batches, as a weighting takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from mtsmart.data.batch import Batch
from mtsmart.data.joined.batch import JoinedBatch
from mtsmart.errors import TrainingError
from mtsmart.models.weights import trained
from mtsmart.processes import Processes
from mtsmart.registry import form_of, wrong_result
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
        self._is_joined = False  # whether the batch at hand is a joined one
        self._any_joined = False
        self._in_graph = False  # whether an objective so far depends on weights
        self._waiting: list[Tensor] = []  # losses of the members of one joined batch
        self._is_asked = False
        self._is_over = False  # whether each batch has been given
        self._is_differentiated = False
        self.again = note is None

    def __len__(self) -> int:
        return sum(len(_members(batch)) for batch in self._batches)

    def combine(self) -> None:
        """Let the weighting leave the update's gradient in the parameters.

        Raises:
            TrainingError: it leaves none, or it computes the losses twice.
        """
        self._weighting.combine(self)
        self._end_batch()
        if not self._is_differentiated and all(parameter.grad is None for parameter in self.parameters()):
            hint = "It must call losses.backward(loss), or put a gradient into losses.parameters()"
            raise self._misfit("leaves no gradient in any parameter, so the update trains nothing", hint)
        for parameter in self._weighting.parameters():
            if parameter.grad is not None:
                parameter.grad = self.averaged(parameter.grad)

    def __iter__(self) -> Iterator[BatchLoss]:
        if self._is_asked:
            hint = "Keep them: found = list(losses)"
            raise self._misfit("goes twice over the losses of an update, which computes each of them again", hint)
        self._is_asked = True
        return self._each()

    def _each(self) -> Iterator[BatchLoss]:
        for number, batch in enumerate(self._batches):
            is_last = number == len(self._batches) - 1
            # Several processes average their gradients in the last backward pass, or leave that to the weighting.
            averages_now = is_last and not self._weighting.needs_task_gradients
            with nullcontext() if averages_now else self._executor.accumulating():
                objectives = self._executor.each(batch, self._factor)
                self._is_joined = len(objectives) > 1
                self._any_joined |= self._is_joined
                for own, objective, figures in objectives:
                    self._in_graph |= objective.requires_grad
                    if self._note is not None:
                        self._note(number, own, figures)
                    yield BatchLoss(own.task, objective)
                self._end_batch()
        self._is_over = True

    def _factor(self, task: str) -> float:
        method = self._weighting
        factor: Any = method.factor(task, len(self))
        if isinstance(factor, Tensor):
            return factor  # type: ignore[return-value]  # It works as a number does.
        if not isinstance(factor, int | float):
            hint = "It must give the number that combine multiplies a batch's objective by, such as 1 / batches"
            raise wrong_result(type(method), f"gives what is {form_of(factor)}", hint, hook="factor", task=task)
        return factor

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a scalar to those of the parameters.

        The members of a joined batch have one graph. While that batch is at hand, the graph is differentiated once,
        after the last of them, unless the weighting takes the gradient of each.
        """
        self._is_differentiated = True
        is_scalar = isinstance(loss, Tensor) and loss.numel() == 1
        if not is_scalar or (self._in_graph and not loss.requires_grad):
            what = "depends on no weights, as a detached loss does" if is_scalar else f"is {form_of(loss)}"
            hint = "Give it a scalar that is made of the objectives of the update's batches"
            raise self._misfit(f"calls losses.backward with what {what}", hint)
        if self._is_joined and not self._weighting.needs_task_gradients:
            self._waiting.append(loss)
        else:
            # Losses that were collected share a graph, too, and each of them may be differentiated.
            is_shared = self._is_joined or (self._is_over and self._any_joined)
            self._executor.backward(loss, keep_graph=is_shared)

    def _end_batch(self) -> None:
        """Differentiate what has waited for the end of a joined batch."""
        waiting = self._waiting
        self._waiting = []
        self._is_joined = False
        if waiting:
            self._executor.backward(torch.stack(waiting).sum())

    def _misfit(self, what: str, hint: str) -> TrainingError:
        return wrong_result(type(self._weighting), what, hint, hook="combine")

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
