"""One task on one split in detail, from one pass of the model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.evaluation.details.calibrating import calibration_of
from mtsmart.evaluation.details.parts import ScoredRows, SplitLengths, TaskDetails
from mtsmart.evaluation.details.worst_rows import costliest, suspects, texts_of
from mtsmart.task_types import Outputs, TaskType
from mtsmart.task_types.details.interface import CountsLabels, ExplainsErrors
from mtsmart.task_types.details.one_label import OneLabelEach
from mtsmart.task_types.interface.scores_labels import ScoresLabels


def explain(task: TaskType, split: str, data: EncodedSplit, outputs: Outputs, config: DataConfig) -> TaskDetails:
    """What the outputs of a model for a labelled split say in detail.

    Args:
        task: the task.
        split: our name of the split.
        data: the encoded split, N source rows.
        outputs: the model's outputs for it.
        config: the data settings, which say where texts are read again.

    Raises:
        DataError: the texts of the rows cannot be read again.
    """
    references = task.references(data.rows)
    predictions = task.decode(outputs)
    found: dict[str, Any] = {"rows": len(references), "calibration": calibration_of(task, outputs, references)}
    if isinstance(task, CountsLabels):
        found["labels"] = task.label_counts(predictions, references)
        found["confusion"] = task.confusion(predictions, references)
    if isinstance(task, ExplainsErrors):
        scored = _scored(task, split, config, outputs, references, predictions)
        found |= {"scored": scored, **_worst(task, outputs, scored)}
    return TaskDetails(**found)


def _scored(
    task: Any, split: str, config: DataConfig, outputs: Outputs, references: Sequence[Any], predictions: Sequence[Any]
) -> ScoredRows:
    """Each row with its prediction. The task says what rows cost."""
    pairs = zip(predictions, references, strict=True)
    table = task.probabilities(outputs) if _has_one_label(task) else None
    return ScoredRows(
        numbers=list(dict.fromkeys(outputs.features["row"][:])),  # Several windows may come from one source row.
        predictions=predictions,
        references=references,
        costs=task.costs(outputs, references),
        wrong=np.asarray([task.is_wrong(*pair) for pair in pairs], dtype=bool),
        is_right_or_wrong=task.is_right_or_wrong,
        probabilities=None if table is None else table.max(-1),
        in_words=task.in_words,
        read_texts=partial(texts_of, task, split, config),
    )


def _has_one_label(task: Any) -> bool:
    return isinstance(task, ScoresLabels) and isinstance(task, OneLabelEach)


def _worst(task: Any, outputs: Outputs, scored: ScoredRows) -> dict[str, Any]:
    """How many rows are wrong, the worst of them, and the suspects."""
    errors = costliest(scored.costs, scored.wrong)
    doubtful = suspects(task.probabilities(outputs), np.asarray(scored.references)) if _has_one_label(task) else []
    rows = scored.explained([*errors, *doubtful])  # Together, so that the data is read once.
    return {
        "wrong": int(scored.wrong.sum()) if scored.is_right_or_wrong else None,
        "errors": rows[: len(errors)],
        "suspects": rows[len(errors) :],
    }


def lengths_of(data: EncodedSplit, limit: int) -> SplitLengths | None:
    """Lengths of an encoded split; None if it has no rows.

    Args:
        data: the split.
        limit: the most tokens that a row may have.
    """
    if not len(data):
        return None
    median, p95 = np.percentile(data.lengths, [50, 95], method="lower")
    return SplitLengths(len(data), int(median), int(p95), int(data.lengths.max()), limit, data.cut)
