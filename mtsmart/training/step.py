"""The whole objective as one module: loss = w_k * (L_k + the terms of the regularisers) for a batch of task k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mtsmart.data.batch import Batch
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers import CleanPass, Regularizer, changing_passes, clean_pass
from mtsmart.task_types import TaskType


class TrainStep(nn.Module):
    """Embed, encode, head, criterion, and every regulariser, in one forward.

    One module, because DDP allows several forwards in one step only inside the module that it wraps.

    Args:
        model: the student.
        tasks: task name -> task type.
        regularizers: what is added to each batch's loss, in this order.
    """

    def __init__(
        self, model: MultiTaskModel, tasks: Mapping[str, TaskType], regularizers: Mapping[str, Regularizer[Any]]
    ) -> None:
        super().__init__()
        self.model = model
        self.tasks = dict(tasks)
        self.regularizers = dict(regularizers)

    def forward(self, batch: Batch, scale: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
        """The objective of one batch.

        Args:
            batch: on the model's device.
            scale: factor of the gradients of methods that differentiate inside this pass; the caller scales the rest.

        Returns:
            the loss to differentiate (a scalar), and detached scalars to log: ``loss`` (the task's own, if the batch
            has labels) and what the regularisers report.
        """
        task = self.tasks[batch.task]
        weight = task.definition.weight
        active = [regularizer for regularizer in self.regularizers.values() if regularizer.is_active(task.name)]
        needs = [regularizer.needs(task.name) for regularizer in active]
        with changing_passes(active, task, batch):
            clean = clean_pass(
                self.model,
                task,
                batch,
                keep_masks=any(need.masks for need in needs),
                differentiate_inputs=any(need.input_gradient for need in needs),
                scale=weight * scale,
            )
            loss, figures = _with_terms(clean, active)
        return weight * loss, figures


def _with_terms(clean: CleanPass, active: Sequence[Regularizer[Any]]) -> tuple[Tensor, dict[str, Tensor]]:
    """The task's loss with the terms of the regularisers, and what they report."""
    loss = clean.loss
    figures = {"loss": loss.detach()} if clean.is_labelled else {}
    for regularizer in active:
        term = regularizer.loss(clean)
        if term is not None:
            loss = loss + term.value
            figures.update(term.figures)
    return loss, figures
