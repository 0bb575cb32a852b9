"""Scoring a model on encoded splits, always in float32 and without dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import Collate, load_batches
from mtsmart.data.sampler import BatchIndex, evaluation_batches
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.task_types.base import TaskType


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


@dataclass(frozen=True)
class Outputs:
    """What a model says of N rows, in the order of the split.

    Attributes:
        logits: (N, ...), float32, on the CPU, as the task's ``adapt`` returns them.
        references: N gold values, or empty.
    """

    logits: Tensor
    references: list[Any]


@torch.no_grad()
def run_model(model: MultiTaskModel, task: TaskType, split: EncodedSplit, collate: Collate, batch_size: int) -> Outputs:
    """All rows of a split through the model."""
    training = model.training
    model.eval()
    order: list[int] = []
    logits, references = [], []
    plan = [BatchIndex(task.name, rows) for rows in evaluation_batches(split.lengths, batch_size)]
    batches = load_batches(plan, {task.name: split}, {task.name: collate})
    for index, batch in zip(plan, (batch.to(model.device) for batch in batches), strict=True):
        inputs_embeds = model.embed(batch.inputs["input_ids"])
        logits.append(task.adapt(model(task.head_name, inputs_embeds, batch.inputs)).float().cpu())
        references += task.references(batch) if batch.targets else []
        order += index.rows
    model.train(training)
    inverse = torch.empty(len(order), dtype=torch.int64)
    inverse[torch.tensor(order)] = torch.arange(len(order))
    in_order = [references[i] for i in inverse.tolist()] if references else []
    return Outputs(torch.cat(logits)[inverse], in_order)


def evaluate_task(
    model: MultiTaskModel,
    task: TaskType,
    split: EncodedSplit,
    collate: Collate,
    batch_size: int,
    baseline: Mapping[str, float] | None = None,
) -> TaskResult:
    """Score one task on a labelled split."""
    outputs = run_model(model, task, split, collate, batch_size)
    metrics = task.score(task.decode(outputs.logits), outputs.references)
    return TaskResult(metrics, dict(baseline or {}), len(split))


def baseline_scores(task: TaskType, train: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """Scores of the best constant prediction: the majority label, or the mean."""
    constant = task.baseline(train)
    return task.score([constant] * len(references), references)
