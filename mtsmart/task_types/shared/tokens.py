"""A start for task types that predict one of C outcomes for each of several tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.losses import Divergence
from mtsmart.losses.divergences import OF_SOFTMAX
from mtsmart.task_types.interface.base import TaskType
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.splits_batches import SplitsBatches
from mtsmart.task_types.shared.reductions import masked_mean

IGNORED = -100  # the label of a token that has none; torch's ignore_index


class TokenTask(TaskType, Decides, SplitsBatches):
    """Logits (B, T, C) and labels (B, T) int64, ``IGNORED`` where a token has no label.

    ``layout["scored"]`` (B, T) of a batch says which tokens are predicted, also without labels; means are over those.
    """

    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    divergences: ClassVar[tuple[str, ...]] = OF_SOFTMAX

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """The mean over the labelled tokens."""
        labels = batch.targets["labels"].flatten()
        return masked_mean(self._criterion(logits.flatten(0, 1), labels), labels != IGNORED)

    def average(self, function: Divergence, logits: Tensor, target: Tensor, batch: Batch) -> Tensor:
        """The mean over the predicted tokens."""
        return masked_mean(function(logits, target), batch.layout["scored"])

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of the predicted tokens whose likeliest outcome differs."""
        return masked_mean((logits.argmax(-1) != other.argmax(-1)).float(), batch.layout["scored"])

    def count_labels(self, batch: Batch) -> float:
        """The number of labelled tokens."""
        return int((batch.targets["labels"] != IGNORED).sum())

    def count_predictions(self, batch: Batch) -> int:
        """The number of predicted tokens."""
        return int(batch.layout["scored"].sum())
