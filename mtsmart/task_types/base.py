"""The seam between a kind of task and the rest: what every task type says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.losses import CRITERIA, DIVERGENCES
from mtsmart.metrics import METRICS
from mtsmart.models.heads import HEADS, HeadSpec
from mtsmart.registry import Registry
from mtsmart.tasks.definition import TaskDefinition


class TaskType(ABC):
    """One kind of task: encode, collate, head, criterion, divergence, decode, metrics.

    A subclass names in ``losses``, ``divergences`` and ``metrics`` the registry entries that make sense for it; the
    first of each is its default. Instances belong to one task.

    Args:
        name: the task's name, used in batches and messages.
        definition: the task's definition.
        head_labels: names of the outputs of the head that the task uses, when that is another task's head.
    """

    losses: ClassVar[tuple[str, ...]]
    divergences: ClassVar[tuple[str, ...]]
    metrics: ClassVar[tuple[str, ...]]

    def __init__(self, name: str, definition: TaskDefinition, head_labels: Sequence[str] | None = None) -> None:
        self.name, self.definition, self.head_labels = name, definition, head_labels
        self.check(name, definition)
        self.head_name = definition.share_head or name
        self.metric_names = definition.metrics or [self.metrics[0]]
        self._criterion = CRITERIA[definition.loss or self.losses[0]]
        self._divergences = {
            "adv_loss": DIVERGENCES[definition.adv_loss or self.divergences[0]],
            "kd_loss": DIVERGENCES[definition.kd_loss or self.divergences[0]],
        }

    @classmethod
    def check(cls, name: str, definition: TaskDefinition) -> None:
        """Refuse a definition that this task type cannot use.

        Raises:
            ConfigError: names the key.
        """
        for key, allowed in (("loss", cls.losses), ("adv_loss", cls.divergences), ("kd_loss", cls.divergences)):
            value = getattr(definition, key)
            if value is not None and value not in allowed:
                raise _unfit(name, definition, key, value, allowed)
        for metric in definition.metrics or []:
            if metric not in cls.metrics:
                raise _unfit(name, definition, "metrics", metric, cls.metrics)
        if definition.head.type not in HEADS:
            raise _unfit(name, definition, "head.type", definition.head.type, tuple(HEADS))

    @property
    def owns_head(self) -> bool:
        """Whether the head is this task's own and not shared from another."""
        return self.definition.share_head is None

    @property
    @abstractmethod
    def head_spec(self) -> HeadSpec:
        """The head that this task needs."""

    @abstractmethod
    def signature(self) -> dict[str, Any]:
        """What an encoded row depends on besides the row, the tokenizer and the length limit (JSON types)."""

    @abstractmethod
    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Columns of tokens, and of targets when ``with_labels``, for a batch of source rows.

        Raises:
            DataError: a row does not fit; it is named.
        """

    @abstractmethod
    def collate(self, features: Sequence[dict[str, Any]], pad_token_id: int) -> Batch:
        """Encoded rows as a batch."""

    def adapt(self, logits: Tensor) -> Tensor:
        """From the head's logits to this task's (they differ when a head is shared)."""
        return logits

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """Loss against the gold labels, a scalar: the mean over the batch's rows."""
        return self._criterion(logits, batch.targets["labels"]).mean()

    @abstractmethod
    def divergence(self, logits: Tensor, target: Tensor, batch: Batch, role: str) -> Tensor:
        """Divergence of two predictions for the same batch, a scalar: the mean over what counts in it.

        Args:
            logits: as ``adapt`` returns them.
            target: same shape.
            batch: says which positions count.
            role: ``adv_loss`` (SMART) or ``kd_loss`` (teachers): which entry of the loss map.
        """

    def flips(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor | None:
        """Share of decisions that differ, a scalar; None where predictions are no decisions."""
        return None

    @abstractmethod
    def decode(self, logits: Tensor) -> list[Any]:
        """One prediction a row, in the form that ``score`` takes."""

    @abstractmethod
    def references(self, batch: Batch) -> list[Any]:
        """One gold value a row, in the form that ``score`` takes."""

    @abstractmethod
    def describe(self, logits: Tensor) -> list[dict[str, Any]]:
        """One mapping a row of what ``mtsmart predict`` writes."""

    @abstractmethod
    def baseline(self, train: Sequence[Any]) -> Any:
        """The constant prediction that does best on training references: the trivial baseline."""

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """The task's metrics, the main one first."""
        return {metric: METRICS[metric](predictions, references) for metric in self.metric_names}


TASK_TYPES: Registry[type[TaskType]] = Registry("task type")


def _unfit(name: str, definition: TaskDefinition, key: str, value: str, allowed: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"does not go with task type '{definition.task_type}'",
        key=f"{name}.{key}",
        value=value,
        hint=did_you_mean(value, allowed),
    )
