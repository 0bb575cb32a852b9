"""One task on one split in detail, from one pass of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.evaluation.details.calibrating import calibration_of
from mtsmart.evaluation.details.parts import ExplainedRow, SplitLengths, TaskDetails
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
        found |= _rows(task, split, config, outputs, references, predictions)
    return TaskDetails(**found)


def _rows(
    task: Any, split: str, config: DataConfig, outputs: Outputs, references: Sequence[Any], predictions: Sequence[Any]
) -> dict[str, Any]:
    """How many rows are wrong, the worst of them, and the suspects. The task says what rows cost."""
    costs = task.costs(outputs, references)
    pairs = zip(predictions, references, strict=True)
    wrong = np.asarray([task.is_wrong(*pair) for pair in pairs], dtype=bool)
    has_labels = isinstance(task, ScoresLabels) and isinstance(task, OneLabelEach)
    table = task.probabilities(outputs) if has_labels else None
    places = {"errors": costliest(costs, wrong)}
    if table is not None:
        places["suspects"] = suspects(table, np.asarray(references))
    numbers = list(dict.fromkeys(outputs.features["row"]))  # Several windows may come from one source row.
    wanted = list(dict.fromkeys(numbers[place] for each in places.values() for place in each))
    texts = texts_of(task, split, config, wanted) if wanted else {}

    def explained(place: int) -> ExplainedRow:
        probability = None if table is None else float(table[place].max())
        prediction = task.in_words(predictions[place])
        gold = task.in_words(references[place])
        number = numbers[place]
        return ExplainedRow(number + 1, texts[number], prediction, gold, float(costs[place]), probability)

    shown = {name: list(map(explained, each)) for name, each in places.items()}
    return {"wrong": int(wrong.sum()) if task.is_right_or_wrong else None, **shown}


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
