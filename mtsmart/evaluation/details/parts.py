"""What an evaluation in detail finds about one task on one split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mtsmart.metrics.calibration import Bin, calibration_error
from mtsmart.metrics.label_counts import LabelCounts
from mtsmart.task_types.details.interface import Confusion


@dataclass(frozen=True)
class ExplainedRow:
    """A row with its prediction.

    Attributes:
        row: its number in the data, from 1.
        texts: column -> what the task reads there; empty if the data is not there any more.
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
    """

    rows: int
    labels: Mapping[str, LabelCounts] = field(default_factory=dict)
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    wrong: int | None = None
    errors: Sequence[ExplainedRow] = ()
    suspects: Sequence[ExplainedRow] = ()
    lengths: Mapping[str, SplitLengths] = field(default_factory=dict)

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
