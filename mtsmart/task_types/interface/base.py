"""What every task type says: the interface between a kind of task and the rest of the package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, ClassVar

import datasets
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.config.document import Document
from mtsmart.config.hints.option_names import OPTION_NAMES
from mtsmart.config.strict import StrictModel
from mtsmart.config.validate import validate
from mtsmart.data.batch import Batch
from mtsmart.data.derived import source_columns
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.losses import CRITERIA, DIRECTIONS, DIVERGENCES, Divergence, OnePass, Role
from mtsmart.losses.checked import checked_loss
from mtsmart.metrics import METRICS
from mtsmart.metrics.called import score_by
from mtsmart.metrics.labels import takes_predictions
from mtsmart.metrics.scores import is_better_lower
from mtsmart.models.heads import HEADS, HeadSpec
from mtsmart.registry import Registry
from mtsmart.task_types.interface.reads_labels import ReadsLabels
from mtsmart.task_types.shared.labels import equal_names, is_number
from mtsmart.tasks.definition import AUTO, TaskDefinition


class TaskOptions(StrictModel):
    """The settings under ``options:`` in a task's YAML; this class itself has none.

    Attributes:
        of_loss: settings that change the loss alone, so that encoded rows do not depend on them.
    """

    of_loss: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        OPTION_NAMES.update(cls.model_fields)

    @property
    def columns(self) -> list[str]:
        """The source columns that the settings add to the input."""
        return []

    @property
    def columns_of_labels(self) -> list[str]:
        """The source columns that the settings add to the labels: rows without labels need not have them."""
        return []


class LabelColumn(Enum):
    """How a task type reads the label column.

    Attributes:
        REQUIRED: each row needs a label; an empty text counts as a missing label.
        MAY_BE_EMPTY: each row needs a label; an empty text is a label too.
        UNUSED: the column is not read, and need not exist.
    """

    REQUIRED = auto()
    MAY_BE_EMPTY = auto()
    UNUSED = auto()


@dataclass(frozen=True)
class Outputs:
    """A model's outputs for the N encoded rows of a split, in the order of the rows.

    Attributes:
        logits: N tensors, float32 on the CPU, as the task's ``unbatch`` returns them.
        features: the encoded rows. Decoding also needs their other columns: source rows, character offsets ...
    """

    logits: Sequence[Tensor]
    features: datasets.Dataset


_FORWARD = ("kl", "bernoulli_kl")  # from the target to the prediction


class TaskType(ABC):
    """One kind of task. An instance belongs to one task.

    A subclass names in ``losses``, ``divergences`` and ``metrics`` the registry entries that make sense for it; the
    first of each is its default. Entries of other packages say by ``fits`` which task types they are made for. Optional
    parts (distillation, a fit on validation ...) are classes of their own in this folder.

    Args:
        name: the task's name, used in batches and messages.
        definition: the task's definition.
        shared_head: the head that the task uses, if that is another task's.

    Attributes:
        options: an instance of ``Options``.
        labels: the label names in order; empty if the definition has none.
        label: the label column; if there are several, their names in one text.
        columns: the source columns that make an input. A row that lacks one of them is incomplete.
        owns_head: whether the head is this task's own, and not another task's.
        head_name: the task that owns the head.
        metric_names: the metrics to compute, the main one first.
        decoding: numbers that decoding needs: found on validation (thresholds), or taken from the training labels (the
            unit of the outputs). They are stored beside the model.

    Raises:
        ConfigError: the definition does not fit the task type.
    """

    losses: ClassVar[tuple[str, ...]]
    divergences: ClassVar[tuple[str, ...]]
    metrics: ClassVar[tuple[str, ...]]
    Options: ClassVar[type[TaskOptions]] = TaskOptions
    label_column: ClassVar[LabelColumn] = LabelColumn.REQUIRED
    problem_type: ClassVar[str | None] = None  # Hugging Face's name for the loss of a sequence classification head

    options: TaskOptions

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        self.name = name
        self.definition = definition
        self.shared_head = shared_head
        self.options = _read_options(type(self), name, definition)
        self.labels: list[str] = list(definition.labels or [])
        self.label = ", ".join(definition.label_columns)
        self.columns = [*definition.text, *self.options.columns]
        self.owns_head = definition.share_head is None
        self.head_name = definition.share_head or name
        self.metric_names = definition.metrics or [self.metrics[0]]
        self.decoding: dict[str, float] = {}
        self.check()  # before the registries are asked: its messages say what fits this task type
        self._criterion = checked_loss(loss_of(self))
        self._divergences = {role: DIVERGENCES[divergence_of(self, role)] for role in Role}

    def check(self) -> None:
        """Refuse a definition that this task type cannot use; a subclass adds its own checks.

        Raises:
            ConfigError: names the key.
        """
        definition = self.definition
        kind = definition.task_type
        divergences = (*self.divergences, *DIVERGENCES.fitting(kind))
        given = {
            "loss": (definition.loss, (*self.losses, *CRITERIA.fitting(kind))),
            **{role.value: (getattr(definition, role.value), divergences) for role in Role},
        }
        for key, (value, allowed) in given.items():
            if value is not None:
                _require_one_of(self, key, value, allowed)
        for metric in definition.metrics or []:
            _require_one_of(self, "metrics", metric, (*self.metrics, *METRICS.fitting(kind)), METRICS.elsewhere)
        _check_main_metric(self)
        _require_one_of(self, "head.type", definition.head.type, (AUTO, *HEADS))
        _check_texts(self)
        _check_label_settings(self)
        _check_missing(self)

    @property
    @abstractmethod
    def head_spec(self) -> HeadSpec:
        """The head that this task needs."""

    # From rows to batches ---------------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Encode complete source rows.

        Args:
            rows: the source columns and ``row``, the number of each source row from 0.
            tokenizer: the encoder's tokenizer.
            max_length: the most tokens that an encoded row may have.
            with_labels: whether to encode the labels too.

        Returns:
            the columns of the encoded rows: tokens (``input_ids`` ...), ``row``, and labels if asked. There may be more
            encoded rows than source rows, for example windows over a long text.

        Raises:
            DataError: a row does not fit; the message names it.
        """

    @abstractmethod
    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        """Make a batch of encoded rows. All random choices come from ``seed`` and the row numbers."""

    # The objective ----------------------------------------------------------------------------------------------

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """Turn the head's logits into this task's logits: another shape, or the labels of a shared head."""
        return logits

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss against the gold labels, a scalar: the mean over what counts in the batch."""
        return self._criterion(logits, batch.targets["labels"]).mean()

    def average(self, function: Divergence, logits: Tensor, target: Tensor, batch: Batch) -> Tensor:
        """The mean of a pairwise function over what counts in the batch, a scalar.

        Args:
            function: compares two predictions: (..., C) and (..., C) -> (...).
            logits: as ``adapt`` returns them.
            target: logits of the same shape.
            batch: says which positions count.
        """
        return function(logits, target).mean()

    def divergence(self, logits: Tensor, target: Tensor, batch: Batch, role: Role) -> Tensor:
        """How far two predictions for the same batch are apart, a scalar from 0 up.

        Args:
            logits: the prediction, as ``adapt`` returns it.
            target: what the prediction is compared with, of the same shape.
            batch: says which positions count.
            role: says which of the task's divergences to take.
        """
        return self.average(self._divergences[role], logits, target, batch)

    def direction(self, logits: Tensor, target: Tensor, batch: Batch, kind: OnePass) -> Tensor:
        """A linear function of the logits along which the adversarial divergence grows, a scalar.

        The one-pass attack takes its gradient; see :mod:`mtsmart.losses.directions`. The other arguments are those of
        ``divergence``.
        """
        directions = DIRECTIONS[divergence_of(self, Role.ADVERSARIAL)]
        return self.average(directions.of(kind), logits, target, batch)

    # From logits to predictions and scores ----------------------------------------------------------------------

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """Split a batch's logits into one tensor a row, without padding: all that decoding needs."""
        return list(logits)

    @abstractmethod
    def decode(self, outputs: Outputs) -> list[Any]:
        """The predictions in the form that ``score`` takes, in the order of ``references``."""

    @abstractmethod
    def references(self, features: datasets.Dataset) -> list[Any]:
        """The gold values of an encoded split in the form that ``score`` takes."""

    @abstractmethod
    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """What ``mtsmart predict`` writes: one mapping a source row, in order. Its first key is ``prediction``."""

    @abstractmethod
    def baseline(self, train: Sequence[Any], references: Sequence[Any]) -> list[Any]:
        """Predictions for ``references`` by the best rule that reads no text, learned from the ``train`` references."""

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """The scores by name, the main one first: the task's metrics of predictions.

        A type that has probabilities gets those of its other metrics from :mod:`.scores_labels`.
        """
        has_others = hasattr(self, "probabilities")
        names = [name for name in self.metric_names if takes_predictions(METRICS[name]) or not has_others]
        return {name: score_by(name, predictions, references) for name in names}


TASK_TYPES: Registry[type[TaskType]] = Registry(
    "task type",
    group="mtsmart.task_types",
    needs=["losses", "divergences", "metrics", "encode"],
    elsewhere={
        **dict.fromkeys(["text-classification", "sequence_classification", "binary", "nli"], "classification"),
        **dict.fromkeys(["sentiment", "multiclass", "multi_class", "textcat", "intent"], "classification"),
        **dict.fromkeys(["token-classification", "token_classification", "ner", "pos", "seqeval"], "tagging"),
        **dict.fromkeys(["sequence_labeling", "sequence_labelling", "seq", "chunking"], "tagging"),
        **dict.fromkeys(["question-answering", "question_answering", "qa", "squad", "mrc"], "span"),
        **dict.fromkeys(["multilabel", "multi_label_classification", "textcat_multilabel"], "multi_label"),
        **dict.fromkeys(["sts", "similarity", "score", "float"], "regression"),
        **dict.fromkeys(["mlm", "language_modeling", "fill-mask"], "masked_lm"),
        **dict.fromkeys(["rank", "retrieval", "rerank"], "ranking"),
        **dict.fromkeys(["swag", "choice", "multichoice"], "multiple_choice"),
    },
)


def _require_one_of(
    task: TaskType, key: str, value: str, allowed: Sequence[str], elsewhere: Mapping[str, str] = MappingProxyType({})
) -> None:
    if value not in allowed:
        message = f"does not go with task type '{task.definition.task_type}'"
        hint = did_you_mean(elsewhere.get(value, value), allowed)
        raise ConfigError(message, key=f"{task.name}.{key}", value=value, hint=hint)


def _check_main_metric(task: TaskType) -> None:
    """Refuse a main metric that is better where it is lower: the best model is the one with the highest score."""
    for name in (task.definition.metrics or [])[:1]:
        if is_better_lower(METRICS[name]):
            message = "is better where it is lower, so it cannot be the main metric, which is the first"
            main = next((other for other in task.metrics if not is_better_lower(METRICS[other])), None)
            hint = None if main is None else f"metrics: [{main}, {name}]"
            raise ConfigError(message, key=f"{task.name}.metrics", value=name, hint=hint)


def _check_texts(task: TaskType) -> None:
    """Refuse a text that is made of the label, because it would tell the label."""
    for column in task.columns:
        parts = [name for name in source_columns([column]) if name != column]
        label = next((label for label in task.definition.label_columns if label in parts), None)
        if label is not None:
            message = f"is made of the label column '{label}', so that it would tell the label"
            raise ConfigError(message, key=f"{task.name}.text", value=column)


def _check_label_settings(task: TaskType) -> None:
    """Refuse settings of the label column that do not go with the task type or with its labels."""
    definition = task.definition
    message = f"does not go with task type '{definition.task_type}'"
    if not definition.has_labels and task.label_column is LabelColumn.UNUSED:
        hint = "Leave 'label' out: this type makes its labels of the texts"
        raise ConfigError(message, key=f"{task.name}.label", value=None, hint=hint)
    if isinstance(definition.label, list) and not (isinstance(task, ReadsLabels) and task.several_columns):
        hint = "Name one column. Several columns are for task type 'multi_label'"
        raise ConfigError(message, key=f"{task.name}.label", value=definition.label, hint=hint)
    if (same := equal_names(task.labels)) is not None:
        message = f"'{same[0]}' and '{same[1]}' mean the same, so that a row could mean either"
        raise ConfigError(message, key=f"{task.name}.labels", value=task.labels, hint="Rename one of the two")
    if definition.labels_from is None:
        return
    if not isinstance(task, ReadsLabels):
        raise ConfigError(message, key=f"{task.name}.labels_from", value=definition.labels_from)
    number = next(filter(is_number, task.labels), None)
    if number is not None:
        message = f"is for labels whose names are no numbers, and one is called '{number}'"
        raise ConfigError(message, key=f"{task.name}.labels_from", value=definition.labels_from)


def _check_missing(task: TaskType) -> None:
    """Refuse a policy for missing values of a column that the task does not read, and empty labels."""
    missing = task.definition.missing
    labels = task.definition.label_columns
    known = [*source_columns(task.columns), *labels]
    for column, policy in missing.items() if isinstance(missing, dict) else ():
        if column not in known:
            message = "is for a column that the task does not read"
            raise ConfigError(message, key=f"{task.name}.missing.{column}", hint=did_you_mean(column, known))
        if column in labels and policy == "empty":
            message = "a label cannot be read as an empty one"
            hint = "Say refuse or drop"
            raise ConfigError(message, key=f"{task.name}.missing.{column}", value=policy, hint=hint)


def _read_options(kind: type[TaskType], name: str, definition: TaskDefinition) -> TaskOptions:
    try:
        return validate(kind.Options, Document(dict(definition.options)), (name, "options"))
    except ConfigError as error:  # without a place: this document has none, and the caller adds that of the task's file
        raise ConfigError(error.message, key=error.key, value=error.value, hint=error.hint) from None


def refuse_unread(task: TaskType, *keys: str) -> None:
    """Refuse keys of a definition that mean nothing to a task type.

    Raises:
        ConfigError: names the key.
    """
    for key in keys:
        if getattr(task.definition, key) is not None:
            message = f"does not go with task type '{task.definition.task_type}'"
            raise ConfigError(message, key=f"{task.name}.{key}", hint=f"Leave '{key}' out")


def loss_of(task: TaskType) -> str:
    """The name of the loss that a task has: the definition's, or the first of ``losses``."""
    return task.definition.loss or task.losses[0]


def divergence_of(task: TaskType, role: Role) -> str:
    """The name of the divergence that a task has in a role: the definition's, or the default.

    Distillation minimises the cross-entropy with the teachers' predictions, which is KL from them to the student and a
    constant (Hinton et al. 2015). The other roles have the first of ``divergences``.
    """
    given: str | None = getattr(task.definition, role.value)
    if given is not None or role is not Role.DISTILLATION:
        return given or task.divergences[0]
    return next((name for name in task.divergences if name in _FORWARD), task.divergences[0])


def keep_first_divergences(tasks: Iterable[TaskType], role: Role) -> None:
    """Give tasks the divergence that this role had when ``kd_loss`` chose it for MBPP and for distillation."""
    for task in tasks:
        task._divergences[role] = DIVERGENCES[task.definition.kd_loss or task.divergences[0]]
