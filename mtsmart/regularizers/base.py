"""The seam between regularisers and training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.models.dropout import DropoutMasks
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
        loss: the task's loss against gold labels, a scalar, part of the graph; for a part of a batch, its share.
        forward: word embeddings -> the task's logits, through the student.
        masks: the dropout masks of this pass.
    """

    task: TaskType
    batch: Batch
    inputs_embeds: Tensor
    logits: Tensor
    loss: Tensor
    forward: Callable[[Tensor], Tensor]
    masks: DropoutMasks

    def divergence(self, logits: Tensor, target: Tensor, role: str) -> Tensor:
        """The task's divergence, a scalar: the batch's own mean, or a part's share in that of the whole batch."""
        return self.batch.scaled(self.task.divergence(logits, target, self.batch, role), "divergence")


class Regularizer(ABC):
    """A term that is added to the loss of batches."""

    @abstractmethod
    def loss(self, clean: CleanPass) -> tuple[Tensor, dict[str, Tensor]] | None:
        """The weighted term (a scalar) and unweighted figures to log (scalars, detached).

        None where the term is switched off for the batch's task or for this update.
        """

    def start(self, model: MultiTaskModel, updates: int) -> None:  # noqa: B027 (most keep no state)
        """Begin with ``model`` as it is after ``updates`` updates: for a term that a resumed run adds."""

    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:  # noqa: B027 (most keep no state)
        """Called after each optimizer update; ``model()`` gives all weights, which a sharded run gathers for it."""

    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """Figures of the regulariser's own state, computed when a line is logged (may wait for the device)."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of its state, for a checkpoint."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The rest of its state (JSON types)."""
        return {}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:  # noqa: B027
        """Continue from what ``state_dict`` and ``tensors`` gave."""


def is_due(updates: int, every: int) -> bool:
    """Whether a term that is added at each ``every``-th update is added now, after ``updates`` updates.

    Such a term has ``every`` times its weight, so that its gradient is the same on average (lazy regularisation,
    Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.1). Clipping the gradient's
    norm, which sees the term at once, takes some of that away again where norms are near or above the limit.
    """
    return (updates + 1) % every == 0
