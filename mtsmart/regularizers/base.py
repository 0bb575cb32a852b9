"""The seam between regularisers and training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.task_types.base import TaskType


@dataclass
class CleanPass:
    """The unperturbed forward pass of a batch, shared by all regularisers.

    Attributes:
        task: the batch's task.
        batch: the batch.
        inputs_embeds: (B, T, H) word embeddings, part of the graph.
        logits: the task's logits, part of the graph.
        loss: the task's loss against gold labels, a scalar, part of the graph.
        forward: word embeddings -> the task's logits, through the student.
        dropout_state: random state from which the clean pass drew its dropout masks.
    """

    task: TaskType
    batch: Batch
    inputs_embeds: Tensor
    logits: Tensor
    loss: Tensor
    forward: Callable[[Tensor], Tensor]
    dropout_state: dict[str, Tensor]


class Regularizer(Protocol):
    """A term that is added to every batch's loss."""

    def loss(self, clean: CleanPass) -> tuple[Tensor, dict[str, Tensor]] | None:
        """The weighted term (a scalar) and unweighted figures to log (scalars, detached).

        None where the term is switched off for the batch's task.
        """
        ...

    def after_update(self, model: MultiTaskModel) -> None:
        """Called after each optimizer update."""
        ...

    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """Figures of the regulariser's own state, computed when a line is logged (may wait for the device)."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of its state, for a checkpoint."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The rest of its state (JSON types)."""
        ...

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue from what ``state_dict`` and ``tensors`` gave."""
        ...
