"""Runs a model on encoded splits without dropout, and scores it; in float32 unless another precision is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import Collate, load_batches
from mtsmart.data.sampler import BatchIndex, evaluation_batches
from mtsmart.errors import DataError
from mtsmart.evaluation.details.parts import TaskDetails
from mtsmart.hardware import autocast
from mtsmart.models.dropout import without_dropout
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.processes import ALONE, Processes
from mtsmart.task_types import Outputs, TaskType
from mtsmart.task_types.interface.fits_decoding import fit_decoding
from mtsmart.task_types.interface.scores_labels import baseline_scores_of, scores_of_decoded
from mtsmart.task_types.windows.reads_windows import is_in_windows
from mtsmart.text.html import html_scores
from mtsmart.text.scores import score_text
from mtsmart.torch_state import without_autocast
from mtsmart.unforeseen import working_on


@dataclass(frozen=True)
class Slice:
    """The scores of some rows of a split, the main metric first, and how many rows these are."""

    metrics: dict[str, float]
    rows: int


@dataclass(frozen=True)
class TaskResult:
    """The scores of one task on one split.

    Attributes:
        metrics: metric -> value. The main metric is the first one.
        baseline: metric -> value of the best constant prediction. It is empty if the training labels are unknown.
        rows: the number of scored rows.
        details: scores of labels, the worst rows and so on, if they were asked for.
        slices: values of the columns that were asked for -> the scores of the rows that have them.
        answers: of a task whose predictions are single labels, the number of each row's label; empty for others.
    """

    metrics: dict[str, float]
    baseline: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    details: TaskDetails | None = None
    slices: Mapping[tuple[str, ...], Slice] = field(default_factory=dict)
    answers: Sequence[int] = ()

    @property
    def main(self) -> float:
        """The value of the main metric."""
        return next(iter(self.metrics.values()))


@dataclass(frozen=True)
class Evaluation:
    """The results of all tasks.

    ``score`` is the unweighted mean of their main metrics, without those that their split does not define, such as
    ``r2`` of labels that are all equal.
    """

    tasks: dict[str, TaskResult]

    @property
    def score(self) -> float | None:
        """The mean of the main metrics that are defined; NaN if none is, and None if there are no tasks."""
        if not self.tasks:
            return None
        values = [result.main for result in self.tasks.values() if not math.isnan(result.main)]
        return sum(values) / len(values) if values else math.nan

    def to_json(self) -> dict[str, Any]:
        """``{"score": ..., "tasks": {"rte": {"accuracy": ...}}}``, ``details`` and ``slices`` where there are some."""
        scores = {"score": self.score, "tasks": {name: result.metrics for name, result in self.tasks.items()}}
        found = {name: result.details.to_json() for name, result in self.tasks.items() if result.details is not None}
        slices = {
            name: [{"values": list(key), "rows": part.rows, **part.metrics} for key, part in result.slices.items()]
            for name, result in self.tasks.items()
            if result.slices
        }
        return {**scores, **({"details": found} if found else {}), **({"slices": slices} if slices else {})}

    def baselines(self) -> dict[str, dict[str, float]]:
        """Task -> the metrics of the best constant prediction."""
        return {name: result.baseline for name, result in self.tasks.items() if result.baseline}

    def _repr_html_(self) -> str:
        """The scores as a table, for notebooks."""
        scores = {name: result.metrics for name, result in self.tasks.items()}
        return html_scores(f"Evaluation: score {score_text(self.score)}", scores, self.baselines())


@torch.no_grad()
def run_model(
    model: MultiTaskModel,
    tasks: Sequence[TaskType],
    split: EncodedSplit,
    collate: Collate,
    batch_size: int,
    processes: Processes = ALONE,
    precision: str = "float32",
) -> list[Outputs]:
    """Run all rows of a split once through the encoder and through the heads of all ``tasks``.

    Args:
        model: the model in any mode. Dropout is off while this function runs.
        tasks: tasks that share the encoded split. ``collate`` belongs to the first one.
        split: N encoded rows.
        collate: rows -> batch.
        batch_size: the number of encoded rows in a batch, or of windows where long texts are read so.
        processes: the processes that share the batches. Each process gets all outputs.
        precision: ``float32``, or ``bfloat16`` for autocast. Heads compute in float32 in any case.

    Returns:
        the outputs for each task.

    Raises:
        DataError: the model's outputs for a row are not numbers.
    """
    plan = _plan(tasks[0], split, batch_size)[processes.rank :: processes.count]
    batches = load_batches(plan, {tasks[0].name: split}, {tasks[0].name: collate})
    # A loaded run's model is in evaluation mode already, and each look at all its modules takes time.
    evaluating = without_dropout(model) if model.training else nullcontext()
    with evaluating, without_autocast(), autocast(model.device, precision):
        logits = _logits(model, tasks, batches, batch_size)
    order = [row for index in plan for row in index.rows]
    found: list[dict[int, Tensor]] = [{} for _ in tasks]
    for rows, outputs in processes.gather((order, logits)):
        for by_row, collected in zip(found, outputs, strict=True):
            by_row.update(zip(rows, collected, strict=True))
    return [_outputs(task, by_row, split) for task, by_row in zip(tasks, found, strict=True)]


def _plan(task: TaskType, split: EncodedSplit, batch_size: int) -> list[BatchIndex]:
    sequences = split.sequences if is_in_windows(task) else None  # A long text may have very many windows.
    return [BatchIndex(task.name, rows) for rows in evaluation_batches(split.lengths, batch_size, sequences)]


def _outputs(task: TaskType, logits: Mapping[int, Tensor], split: EncodedSplit) -> Outputs:
    """The logits in the order of the rows. Those that are not numbers are refused: also finite weights may overflow."""
    ordered = [logits[number] for number in range(len(split))]
    for number, row in enumerate(ordered):
        if bool(row.sum().isnan()) and bool(row.isnan().any()):
            message = f"the model's outputs for row {split.rows[number]['row'] + 1} are not numbers"
            raise DataError(message, file=f"task {task.name}")
    return Outputs(ordered, split.rows)


def _finite(logits: Tensor, task: TaskType) -> Tensor:
    """A head's logits as they are. Task types may add -inf later, so infinite ones are refused here."""
    if bool(logits.isinf().any()):
        message = "the model's outputs are infinite, although its weights are not: they are too large"
        raise DataError(message, file=f"task {task.name}")
    return logits


def _logits(
    model: MultiTaskModel, tasks: Sequence[TaskType], batches: Iterable[Batch], batch_size: int
) -> list[list[Tensor]]:
    """The adapted logits of all rows for each task. They are on the CPU, in the order of the batches."""
    collected: list[list[Tensor]] = [[] for _ in tasks]
    heads = [task.head_name for task in tasks]
    for loaded in batches:
        batch = loaded.to(model.device)
        found = model.logits_in_parts(heads, batch.inputs, batch_size)
        for task, logits, rows in zip(tasks, found, collected, strict=True):
            adapted = task.adapt(_finite(logits, task), batch)
            rows.extend(_on_cpu(task.unbatch(adapted, batch)))
    return collected


def _on_cpu(rows: Sequence[Tensor]) -> list[Tensor]:
    """The rows of a batch in float32, each in its own memory. One copy for all rows waits only once for the device."""
    together = torch.cat([row.float().flatten() for row in rows]).cpu()
    parts = together.split([row.numel() for row in rows])
    return [part.view(row.shape).clone() for part, row in zip(parts, rows, strict=True)]


def evaluate_task(
    model: MultiTaskModel,
    task: TaskType,
    split: EncodedSplit,
    collate: Collate,
    batch_size: int,
    baseline: Mapping[str, float] | None = None,
    fit: bool = False,
    processes: Processes = ALONE,
) -> TaskResult:
    """Score one task on a labelled split.

    Args:
        model: the model in any mode. Dropout is off while this function runs.
        task: the task.
        split: encoded rows with labels.
        collate: rows -> batch.
        batch_size: the number of encoded rows in a batch.
        baseline: metric -> score of the best constant prediction. The result contains it beside the scores.
        fit: whether the task first fits its decoding, such as a threshold, on this split.
        processes: the processes that share the batches. Each process gets the result.
    """
    with working_on(task.name):
        (outputs,) = run_model(model, [task], split, collate, batch_size, processes)
        references = task.references(split.rows)
        if fit:
            fit_decoding(task, outputs, references)
        predictions = task.decode(outputs)
        scores = scores_of_decoded(task, predictions, outputs, references)
    return TaskResult(scores, dict(baseline or {}), len(references), answers=_answers(predictions))


def _answers(predictions: Sequence[Any]) -> list[int]:
    """The label that is predicted for each row; nothing where a prediction is no single label."""
    return [int(one) for one in predictions] if all(isinstance(one, int | np.integer) for one in predictions) else []


def baseline_scores(task: TaskType, train: EncodedSplit, split: EncodedSplit) -> dict[str, float]:
    """The scores of the task's trivial baseline, such as the majority label or the mean."""
    with working_on(task.name):
        references = task.references(split.rows)
        return baseline_scores_of(task, task.references(train.rows), references)
