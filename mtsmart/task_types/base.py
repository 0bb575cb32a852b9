"""The seam between a kind of task and the rest: what every task type says of itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import datasets
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.config.document import Document
from mtsmart.config.validate import StrictModel, validate
from mtsmart.data.batch import Batch, Share
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, DataError, did_you_mean, quotes_hint
from mtsmart.losses import CRITERIA, DIRECTIONS, DIVERGENCES
from mtsmart.metrics import METRICS
from mtsmart.models.heads import HEADS, HeadSpec
from mtsmart.registry import Registry
from mtsmart.tasks.definition import TaskDefinition


class NoOptions(StrictModel):
    """Task types without settings of their own."""


@dataclass(frozen=True)
class Outputs:
    """What a model says of a split's N encoded rows, in their order.

    Attributes:
        logits: N tensors, float32 on the CPU, as the task's ``unbatch`` returns them.
        features: the encoded rows, for what decoding needs besides: source rows, character offsets ...
    """

    logits: Sequence[Tensor]
    features: datasets.Dataset


class TaskType(ABC):
    """One kind of task: encode, collate, head, criterion, divergence, decode, metrics.

    A subclass names in ``losses``, ``divergences`` and ``metrics`` the registry entries that make sense for it (the
    first of each is its default), and in ``Options`` the settings that ``options:`` takes in a task's YAML.
    Instances belong to one task.

    Args:
        name: the task's name, used in batches and messages.
        definition: the task's definition.
        shared: the head that the task uses, when that is another task's.

    Attributes:
        options: an instance of ``Options``.
        decoding: what ``fit`` found on validation (thresholds); stored beside the model.
    """

    losses: ClassVar[tuple[str, ...]]
    divergences: ClassVar[tuple[str, ...]]
    metrics: ClassVar[tuple[str, ...]]
    Options: ClassVar[type[StrictModel]] = NoOptions
    labelled: ClassVar[bool] = True  # whether training and scoring read the label column
    empty_label: ClassVar[bool] = False  # whether an empty text is a label, not a missing one
    problem_type: ClassVar[str | None] = None  # Hugging Face's name for the loss of a sequence classification head
    # What a teacher's outputs belong to: rows, also of another tokenizer, or tokens; None: it cannot be distilled.
    taught_by: ClassVar[Literal["row", "token"] | None] = "row"
    tempered: ClassVar[bool] = True  # whether a temperature softens the predictions

    def __init__(self, name: str, definition: TaskDefinition, shared: HeadSpec | None = None) -> None:
        self.name, self.definition, self.shared = name, definition, shared
        self.options: Any = _options(type(self), name, definition)
        self.check()
        self.head_name = definition.share_head or name
        self.metric_names = definition.metrics or [self.metrics[0]]
        self.decoding: dict[str, Any] = {}
        self._criterion = CRITERIA[definition.loss or self.losses[0]]
        self._divergences = {
            "adv_loss": DIVERGENCES[definition.adv_loss or self.divergences[0]],
            "kd_loss": DIVERGENCES[definition.kd_loss or self.divergences[0]],
            "direction": DIRECTIONS[definition.adv_loss or self.divergences[0]],
        }

    def check(self) -> None:
        """Refuse a definition that this task type cannot use.

        Raises:
            ConfigError: names the key.
        """
        definition = self.definition
        for key, allowed in (("loss", self.losses), ("adv_loss", self.divergences), ("kd_loss", self.divergences)):
            value = getattr(definition, key)
            if value is not None and value not in allowed:
                raise self._unfit(key, value, allowed)
        for metric in definition.metrics or []:
            if metric not in self.metrics:
                raise self._unfit("metrics", metric, self.metrics)
        if definition.head.type not in HEADS:
            raise self._unfit("head.type", definition.head.type, tuple(HEADS))

    def _unfit(self, key: str, value: str, allowed: Sequence[str]) -> ConfigError:
        message = f"does not go with task type '{self.definition.task_type}'"
        return ConfigError(message, key=f"{self.name}.{key}", value=value, hint=did_you_mean(value, allowed))

    @property
    def owns_head(self) -> bool:
        """Whether the head is this task's own and not shared from another."""
        return self.definition.share_head is None

    @property
    def head_type(self) -> str:
        """Entry of the head registry, also of a head that is another task's."""
        return self.definition.head.type if self.shared is None else self.shared.type

    @property
    def shared_labels(self) -> list[str] | None:
        """The labels that another task's head stands for; None where the head is the task's own or has none."""
        return None if self.shared is None else self.shared.labels

    @property
    @abstractmethod
    def head_spec(self) -> HeadSpec:
        """The head that this task needs."""

    def spec(self, kind: str, num_labels: int, labels: list[str] | None = None) -> HeadSpec:
        """A head of ``kind`` with the form that the definition gives it."""
        head = self.definition.head
        return HeadSpec(kind, num_labels, head.type, head.dropout, labels, head.layers, head.pooling)

    # From rows to batches ---------------------------------------------------------------------------------------

    @property
    def columns(self) -> list[str]:
        """The source columns that an input is made of; a row that lacks one is incomplete."""
        return list(self.definition.text)

    def arrange(self, rows: datasets.Dataset) -> datasets.Dataset:
        """Complete source rows as the rows to encode; they differ where several make one input."""
        return rows

    def signature(self) -> dict[str, Any]:
        """What an encoded row depends on besides the row, the tokenizer and the length limit (JSON types)."""
        definition = self.definition
        names = ("task_type", "text", "label", "labels", "options")
        return {name: getattr(definition, name) for name in names}

    def input_signature(self) -> dict[str, Any]:
        """What the batches of unlabelled rows depend on (JSON types), besides tokenizer and length limit.

        Tasks with equal ones read the same batches, and are predicted in one pass through the encoder.
        """
        return {name: value for name, value in self.signature().items() if name not in ("label", "labels")}

    @abstractmethod
    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Columns of tokens, of ``row``, and of targets when ``with_labels``, for a batch of arranged rows.

        There may be more rows than came in: windows over a long text, for example.

        Raises:
            DataError: a row does not fit; it is named.
        """

    def check_training(self, features: datasets.Dataset) -> None:  # noqa: B027 (most types learn from any row)
        """Refuse encoded rows of the training split from which nothing can be learnt.

        Raises:
            DataError: names the first of them.
        """

    @abstractmethod
    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        """Encoded rows as a batch; what is drawn anew each time is drawn from ``seed``."""

    def take(self, batch: Batch, rows: slice) -> Batch:
        """Some of a batch's rows, where a row is one token sequence."""
        return batch.take(rows, rows)

    # The objective ----------------------------------------------------------------------------------------------

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """From the head's logits to this task's: another form, or the labels of a shared head."""
        return logits

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """Loss against the gold labels, a scalar: the mean over what counts in the batch."""
        return self._criterion(logits, batch.targets["labels"]).mean()

    def divergence(self, logits: Tensor, target: Tensor, batch: Batch, role: str) -> Tensor:
        """Divergence of two predictions for the same batch, a scalar: the mean over what counts in it.

        Args:
            logits: as ``adapt`` returns them.
            target: same shape.
            batch: says which positions count.
            role: ``adv_loss`` (SMART) or ``kd_loss`` (teachers): which entry of the loss map; ``direction``: the
                random linear function that stands for ``adv_loss`` in the one-pass attack.
        """
        return self._divergences[role](logits, target).mean()

    def counted(self, batch: Batch, share: Share) -> int:
        """The number of values that the mean of ``criterion`` or of ``divergence`` is over."""
        return len(batch.rows)

    def flips(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor | None:
        """Share of decisions that differ, a scalar; None where predictions are no decisions."""
        return None

    # From logits to predictions and scores, and from a teacher's stored logits to targets ------------------------

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """One tensor for each of the batch's rows, without padding: all that decoding needs."""
        return list(logits)

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """The inverse of ``unbatch``: logits as ``adapt`` returns them; what padding holds has no effect.

        Called when the batch is made, on the CPU.
        """
        return torch.stack(list(rows))

    def ensemble(self, logits: Sequence[Tensor], batch: Batch, temperature: float) -> Tensor:
        """One prediction for those of several teachers, in the same form.

        The mean is that of what the type's default divergence compares: ``mse`` scores, Bernoulli ones sigmoids, all
        others softmax; of probabilities at ``temperature``.
        """
        compared = self.divergences[0]
        if compared == "mse":
            return torch.stack(list(logits)).mean(0)
        return (mean_bernoulli if compared.startswith("bernoulli_") else mean_softmax)(logits, temperature)

    def fit(self, outputs: Outputs, references: Sequence[Any]) -> None:  # noqa: B027 (most types need nothing)
        """Find on validation what decoding needs (thresholds), and keep it in ``decoding``."""

    def decoding_rule(self) -> str | None:
        """How a model card says that outputs become predictions, where their names do not say it."""
        return None

    @abstractmethod
    def decode(self, outputs: Outputs) -> list[Any]:
        """Predictions in the form that ``score`` takes, in the order of ``references``."""

    @abstractmethod
    def references(self, features: datasets.Dataset) -> list[Any]:
        """Gold values of an encoded split in the form that ``score`` takes."""

    @abstractmethod
    def describe(self, outputs: Outputs) -> list[dict[str, Any]]:
        """One mapping a source row, in their order, of what ``mtsmart predict`` writes; ``prediction`` is its first."""

    def text_of(self, column: str, value: Any) -> Any:
        """A value that ``describe`` gives, as csv and tsv are to hold it; a list is written with blanks between."""
        return value

    @abstractmethod
    def baseline(self, train: Sequence[Any], references: Sequence[Any]) -> list[Any]:
        """Predictions for ``references`` of the best rule that looks at no text, learnt from ``train`` references."""

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """The task's metrics, the main one first."""
        return {metric: METRICS[metric](predictions, references) for metric in self.metric_names}

    # For subclasses ---------------------------------------------------------------------------------------------

    def row_error(self, message: str, row: int, column: str, value: Any, hint: str | None = None) -> DataError:
        """A DataError for one source row (from 0)."""
        return DataError(message, file=f"row {row + 1}", key=column, value=value, hint=quotes_hint(value) or hint)

    def texts(self, rows: Rows, column: str) -> list[str]:
        """A column that must hold text.

        Raises:
            DataError: a value is no text; the row is named.
        """
        for value, row in zip(rows[column], rows["row"], strict=True):
            if not isinstance(value, str):
                raise self.row_error("is no text", row, column, value)
        return rows[column]


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask`` (same shape) is true, 0 where it is nowhere; without waiting for a device."""
    weights = mask.to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp_min(1.0)


def masked_rows(values: Tensor, mask: Tensor) -> list[Tensor]:
    """For each of B rows what its mask (B, T) keeps of it: (n, ...) of (T, ...); waits for a device once a batch."""
    kept = mask.bool()
    return list(values[kept].split(kept.sum(-1).tolist()))


def padded_rows(rows: Sequence[Tensor], mask: Tensor, fill: float) -> Tensor:
    """The inverse of ``masked_rows``: (B, T, ...) float32, ``fill`` where the mask (B, T) keeps nothing."""
    kept, together = mask.bool(), torch.cat(list(rows))
    values = torch.full((*kept.shape, *together.shape[1:]), fill)
    values[kept] = together
    return values


def mean_softmax(logits: Sequence[Tensor], temperature: float) -> Tensor:
    """Logits (..., C) float32 with softmax(result / T) = mean of softmax(each / T), for E tensors (..., C)."""
    log_probs = torch.log_softmax(torch.stack(list(logits)).float() / temperature, dim=-1)
    return temperature * (torch.logsumexp(log_probs, dim=0) - math.log(len(logits)))


def mean_bernoulli(logits: Sequence[Tensor], temperature: float) -> Tensor:
    """Logits float32 with sigmoid(result / T) = mean of sigmoid(each / T), for E tensors of one shape."""
    decisions = mean_softmax([torch.stack([each, torch.zeros_like(each)], dim=-1) for each in logits], temperature)
    return decisions[..., 0] - decisions[..., 1]


def stack(logits: Sequence[Tensor]) -> Tensor:
    """N tensors of one shape as one (N, ...); (0,) for none."""
    return torch.stack(list(logits)) if logits else torch.empty(0)


TASK_TYPES: Registry[type[TaskType]] = Registry("task type")


def _options(kind: type[TaskType], name: str, definition: TaskDefinition) -> Any:
    try:
        return validate(kind.Options, Document(dict(definition.options)), (name, "options"))
    except ConfigError as error:  # the place is found by whoever has the task's file
        raise ConfigError(error.message, key=error.key, value=error.value, hint=error.hint) from None
