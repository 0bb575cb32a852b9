"""The gradient of each task's loss in the encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtsmart.data.batch import Batch
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers import clean_pass
from mtsmart.task_types import TaskType

Batches = Mapping[str, Sequence[Batch]]
"""Task -> batches of it, on the model's device."""


def loss_on(model: MultiTaskModel, task: TaskType, batches: Sequence[Batch]) -> Tensor:
    """The mean over batches of a task's own loss against gold labels, without regularisers, a scalar of the graph."""
    passes = (clean_pass(model, task, batch, keep_masks=False, differentiate_inputs=False) for batch in batches)
    return torch.stack([one.loss for one in passes]).mean()


def encoder_gradients(
    model: MultiTaskModel, types: Mapping[str, TaskType], batches: Batches, shared: Sequence[nn.Parameter]
) -> Tensor:
    """The gradient of each task's loss in the shared parameters.

    Args:
        model: in evaluation mode.
        types: task -> its type.
        batches: task -> the batches whose mean loss is differentiated.
        shared: parameters of the encoder with P numbers in all.

    Returns:
        (K, P) float32, one row a task.
    """
    sizes = [parameter.numel() for parameter in shared]
    rows = torch.zeros(len(batches), sum(sizes), device=shared[0].device)
    for row, (name, of_task) in zip(rows, batches.items(), strict=True):
        for batch in of_task:  # One graph at a time is in memory.
            loss = loss_on(model, types[name], [batch]) / len(of_task)
            found = torch.autograd.grad(loss, shared, allow_unused=True)
            for place, gradient in zip(row.split(sizes), found, strict=True):
                if gradient is not None:
                    place.add_(gradient.flatten())
    return rows


def cosines(gradients: Tensor) -> Tensor:
    """The cosine of each pair of rows: (K, P) -> (K, K) float64; 0 where a row is 0."""
    products = (gradients @ gradients.T).double()
    lengths = products.diagonal().sqrt()
    return products / torch.outer(lengths, lengths).clamp_min(torch.finfo(torch.float32).tiny)
