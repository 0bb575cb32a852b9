"""What an evaluation in detail finds about one task on one split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mtsmart.metrics.calibration import Bin, calibration_error
from mtsmart.metrics.label_counts import LabelCounts
from mtsmart.task_types.details.interface import Confusion


@dataclass(frozen=True)
class ExplainedRow:
    """A row with its prediction.

    Attributes:
        row: its number in the data, from 1.
        texts: column -> what the task reads there.
        prediction: what the model says.
        gold: what the data says.
        cost: negative log-likelihood of the gold label in nats, or another measure of the task type; 0 is perfect.
        probability: that of the predicted label; None if the task has no single label with a probability.
    """

    row: int
    texts: Mapping[str, str]
    prediction: str
    gold: str
    cost: float
    probability: float | None = None


@dataclass(frozen=True)
class ScoredRows:
    """All rows of a split with their predictions, N of them.

    Attributes:
        numbers: of the rows in the data, from 0.
        predictions, references: what the model and the data say, as the task type decodes it.
        costs: (N,) float64, as in :class:`ExplainedRow`.
        wrong: (N,) bool.
        is_right_or_wrong: whether a prediction is one or the other; numbers are only more or less far away.
        probabilities: (N,) float64, that of each predicted label; None if the task has no single label.
        in_words: a prediction or a reference as a person reads it.
        read_texts: numbers of rows, from 0 -> row -> column -> text. It raises DataError if the data cannot be read.
    """

    numbers: Sequence[int]
    predictions: Sequence[Any]
    references: Sequence[Any]
    costs: np.ndarray
    wrong: np.ndarray
    is_right_or_wrong: bool
    probabilities: np.ndarray | None
    in_words: Callable[[Any], str]
    read_texts: Callable[[Sequence[int]], Mapping[int, Mapping[str, str]]]

    def gold(self) -> list[str]:
        """What the data says about each row, as a person reads it."""
        return list(map(self.in_words, self.references))

    def explained(self, places: Sequence[int]) -> list[ExplainedRow]:
        """The rows at some places, with their texts.

        Raises:
            DataError: the texts cannot be read again.
        """
        texts = self.read_texts(list(dict.fromkeys(self.numbers[place] for place in places))) if places else {}
        return [
            ExplainedRow(
                row=self.numbers[place] + 1,
                texts=texts[self.numbers[place]],
                prediction=self.in_words(self.predictions[place]),
                gold=self.in_words(self.references[place]),
                cost=float(self.costs[place]),
                probability=None if self.probabilities is None else float(self.probabilities[place]),
            )
            for place in places
        ]


@dataclass(frozen=True)
class Calibration:
    """How well probabilities agree with what happens, before and after all logits are divided by a temperature.

    Attributes:
        temperature: that of the smallest negative log-likelihood on these rows; 1 if none is better than 1.
        loss: mean negative log-likelihood of the rows, in nats, without the temperature.
        calibrated_loss: the same with the temperature. It is never larger.
        bins: the events by probability, without the temperature.
        calibrated_bins: the same with the temperature.
    """

    temperature: float
    loss: float
    calibrated_loss: float
    bins: Sequence[Bin]
    calibrated_bins: Sequence[Bin]

    @property
    def changes_nothing(self) -> bool:
        """Whether the temperature is 1 to two decimals, so that nothing is gained."""
        return round(self.temperature, 2) == 1.0

    @property
    def error(self) -> float:
        """The expected calibration error without the temperature."""
        return calibration_error(list(self.bins))

    @property
    def calibrated_error(self) -> float:
        """The expected calibration error with the temperature."""
        return calibration_error(list(self.calibrated_bins))

    def to_json(self) -> dict[str, Any]:
        """All of it in JSON types."""
        return {**asdict(self), "error": self.error, "calibrated_error": self.calibrated_error}


@dataclass(frozen=True)
class SplitLengths:
    """Lengths of the encoded rows of a split, in tokens, special tokens included.

    Attributes:
        rows: how many encoded rows there are; a long text may make several.
        median, p95, longest: lengths of the encoded rows, which are never longer than ``limit``.
        limit: the most tokens that a row may have.
        cut: the rows that lost tokens because they were too long; None if it is not known.
    """

    rows: int
    median: int
    p95: int
    longest: int
    limit: int
    cut: int | None


@dataclass(frozen=True)
class TaskDetails:
    """One task on one split in detail. What its task type does not say is empty or None.

    Attributes:
        labels: label -> how often it is right, predicted and gold.
        confusion: which label is taken for which.
        calibration: of the task's probabilities.
        rows: how many rows were scored.
        wrong: how many of them are wrong; None if predictions are numbers, which are only more or less far away.
        errors: the wrong rows that cost most, the worst first.
        suspects: rows whose gold label may be wrong, because the model is surer of another one than it is on average of
            rows with that label (confident learning, Northcutt et al. 2021); the most suspect first.
        lengths: split -> lengths.
        scored: all rows, for comparisons with other runs. They are not part of the JSON.
    """

    rows: int
    labels: Mapping[str, LabelCounts] = field(default_factory=dict)
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    wrong: int | None = None
    errors: Sequence[ExplainedRow] = ()
    suspects: Sequence[ExplainedRow] = ()
    lengths: Mapping[str, SplitLengths] = field(default_factory=dict)
    scored: ScoredRows | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """All of it in JSON types."""
        labels = {
            label: {"precision": each.precision, "recall": each.recall, "f1": each.f1, "support": each.gold}
            for label, each in self.labels.items()
        }
        confusion = None
        if self.confusion is not None:
            confusion = {"labels": list(self.confusion.labels), "counts": self.confusion.counts.tolist()}
        return {
            "rows": self.rows,
            "wrong": self.wrong,
            "labels": labels,
            "confusion": confusion,
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "errors": [asdict(row) for row in self.errors],
            "suspects": [asdict(row) for row in self.suspects],
            "lengths": {split: asdict(each) for split, each in self.lengths.items()},
        }
