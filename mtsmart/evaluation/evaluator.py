"""Scoring a model on encoded splits, always in float32 and without dropout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import Collate, load_batches
from mtsmart.data.sampler import BatchIndex, evaluation_batches
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.processes import ALONE, Processes
from mtsmart.task_types import Outputs, TaskType
from mtsmart.task_types.interface.fits_decoding import fit_decoding


@dataclass(frozen=True)
class TaskResult:
    """One task's scores on one split.

    Attributes:
        metrics: metric -> value, the main one first.
        baseline: the same for the best constant prediction; empty where training labels are unknown.
        rows: how many rows were scored.
    """

    metrics: dict[str, float]
    baseline: dict[str, float] = field(default_factory=dict)
    rows: int = 0

    @property
    def main(self) -> float:
        """The main metric."""
        return next(iter(self.metrics.values()))


@dataclass(frozen=True)
class Evaluation:
    """All tasks' results; ``score`` is the unweighted mean of their main metrics."""

    tasks: dict[str, TaskResult]

    @property
    def score(self) -> float | None:
        """Mean of the main metrics; None without tasks."""
        values = [result.main for result in self.tasks.values()]
        return sum(values) / len(values) if values else None

    def to_json(self) -> dict[str, Any]:
        """``{"score": ..., "tasks": {"rte": {"accuracy": ...}}}``."""
        return {"score": self.score, "tasks": {name: result.metrics for name, result in self.tasks.items()}}

    def baselines(self) -> dict[str, dict[str, float]]:
        """Task -> metrics of the best constant prediction."""
        return {name: result.baseline for name, result in self.tasks.items() if result.baseline}


@torch.no_grad()
def run_model(
    model: MultiTaskModel,
    tasks: Sequence[TaskType],
    split: EncodedSplit,
    collate: Collate,
    batch_size: int,
    processes: Processes = ALONE,
) -> list[Outputs]:
    """All rows of a split through the encoder once and through the heads of all ``tasks``.

    Args:
        model: in any mode; dropout is off while it is evaluated.
        tasks: tasks that read the split as it is encoded; ``collate`` belongs to the first one.
        split: N encoded rows.
        collate: rows -> batch.
        batch_size: encoded rows in a batch.
        processes: the processes that share the batches; each gets all outputs.

    Returns:
        the outputs for each task.
    """
    plan = [BatchIndex(tasks[0].name, rows) for rows in evaluation_batches(split.lengths, batch_size)]
    plan = plan[processes.rank :: processes.count]
    batches = load_batches(plan, {tasks[0].name: split}, {tasks[0].name: collate})
    training = model.training
    if training:
        model.eval()
    try:
        logits = _logits(model, tasks, batches)
    finally:
        model.train(training)
    order = [row for index in plan for row in index.rows]
    found: list[dict[int, Tensor]] = [{} for _ in tasks]
    for rows, outputs in processes.gather((order, logits)):
        for by_row, collected in zip(found, outputs, strict=True):
            by_row.update(zip(rows, collected, strict=True))
    return [Outputs([by_row[row] for row in range(len(split))], split.rows) for by_row in found]


def _logits(model: MultiTaskModel, tasks: Sequence[TaskType], batches: Iterable[Batch]) -> list[list[Tensor]]:
    """For each task the adapted logits of all rows, on the CPU and in the order of the batches."""
    logits: list[list[Tensor]] = [[] for _ in tasks]
    for loaded in batches:
        batch = loaded.to(model.device)
        encoded = model.encoder(model.embed(batch.inputs["input_ids"]), batch.inputs)
        for task, collected in zip(tasks, logits, strict=True):
            adapted = task.adapt(model.logits(task.head_name, encoded, batch.inputs), batch)
            collected.extend(_on_cpu(task.unbatch(adapted, batch)))
    return logits


def _on_cpu(rows: Sequence[Tensor]) -> list[Tensor]:
    """The rows of a batch in float32, each in its own memory. The device is waited for once, not once per row."""
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
        model: in any mode; dropout is off while it is evaluated.
        task: the task.
        split: encoded rows with labels.
        collate: rows -> batch.
        batch_size: encoded rows in a batch.
        baseline: metric -> score of the best constant prediction, to be kept beside the scores.
        fit: whether to find what the task's decoding needs (a threshold, say) on this split before scoring.
        processes: the processes that share the batches; each gets the result.
    """
    (outputs,) = run_model(model, [task], split, collate, batch_size, processes)
    references = task.references(split.rows)
    if fit:
        fit_decoding(task, outputs, references)
    return TaskResult(task.score(task.decode(outputs), references), dict(baseline or {}), len(references))


def baseline_scores(task: TaskType, train: EncodedSplit, split: EncodedSplit) -> dict[str, float]:
    """Scores of the task's trivial baseline, such as the majority label or the mean."""
    references = task.references(split.rows)
    return task.score(task.baseline(task.references(train.rows), references), references)
