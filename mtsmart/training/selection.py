"""Which weights an evaluation keeps, which evaluation was best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from mtsmart.evaluation.evaluator import Evaluation, evaluate_task
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.processes import Processes
from mtsmart.registry import form_of, wrong_result
from mtsmart.regularizers import STUDENT, Regularizer
from mtsmart.runs.results import ScoredUpdate
from mtsmart.task_types import TaskType


class Selection:
    """Keeps the best evaluation by score. Of two with the same score it keeps the earlier one.

    Args:
        patience: stop after this many evaluations in a row without a better score; None: never.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.best: ScoredUpdate | None = None
        self.last: ScoredUpdate | None = None
        self.waited = 0

    def add(self, evaluation: Evaluation, update: int) -> bool:
        """Note an evaluation; whether it is the best so far."""
        tasks = {name: result.metrics for name, result in evaluation.tasks.items()}
        self.last = ScoredUpdate(update, evaluation.score, tasks)
        if not self._is_better(evaluation.score):
            self.waited += self.best is not None  # Before the first score there is nothing to be better than.
            return False
        self.best = self.last
        self.waited = 0
        return True

    def _is_better(self, score: float | None) -> bool:
        if score is None or not math.isfinite(score):
            return False
        return self.best is None or self.best.score is None or score > self.best.score

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """The state in JSON types."""
        best = None if self.best is None else self.best.to_json()
        last = None if self.last is None else self.last.to_json()
        return {"best": best, "last": last, "waited": self.waited}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self.best = None if state["best"] is None else ScoredUpdate.from_json(state["best"])
        self.last = None if state["last"] is None else ScoredUpdate.from_json(state["last"])
        self.waited = state["waited"]


def score_tasks(
    model: MultiTaskModel, tasks: Iterable[PreparedTask], batch_size: int, processes: Processes
) -> Evaluation:
    """The scores of tasks on their validation rows. Their types have what ``fit`` finds for these weights afterwards.

    Args:
        model: the model in any mode.
        tasks: those that have validation rows and are scored.
        batch_size: the number of encoded rows in a batch.
        processes: the processes that share the batches. Each process gets the scores.
    """
    results = {
        task.name: evaluate_task(
            model, task.type, task.validation, task.collate, batch_size, task.baseline, fit=True, processes=processes
        )
        for task in tasks
        if task.validation is not None
    }
    return Evaluation(results)


@dataclass(frozen=True)
class Candidate:
    """Weights that were scored.

    Attributes:
        name: whose they are.
        model: the model.
        evaluation: its scores.
        decoding: task -> what its ``fit`` found for these weights.
    """

    name: str
    model: MultiTaskModel
    evaluation: Evaluation
    decoding: dict[str, dict[str, float]]


def candidates(student: MultiTaskModel, regularizers: Iterable[Regularizer]) -> dict[str, MultiTaskModel]:
    """The weights to score by name, the student's first unless a regulariser leaves them out.

    Raises:
        TrainingError: a regulariser gives something else, or no models.
    """
    models = {STUDENT: student}
    for regularizer in regularizers:
        given: Any = regularizer.candidates(models)
        if not isinstance(given, dict) or not given or not all(isinstance(one, nn.Module) for one in given.values()):
            what = f"gives {'no models' if given == {} else f'what is {form_of(given)}'}"
            hint = "It must give a dict from names to models, at least one: 'models' itself, or with more"
            raise wrong_result(type(regularizer), what, hint, hook="candidates")
        models = given
    return models


def without_scores(models: Iterable[str], validation: Mapping[str, Any]) -> list[str]:
    """A notice where several weights could be kept, and no task has validation rows to score them with."""
    names = list(models)
    if validation or len(names) == 1:
        return []
    return [f"no task has validation rows, so {' and '.join(names)} have no scores: the {names[0]} is kept"]


def best_of(
    models: Mapping[str, MultiTaskModel],
    types: Mapping[str, TaskType],
    score: Callable[[MultiTaskModel], Evaluation],
) -> Candidate:
    """Score all weights and give the best ones; of two with the same score the first.

    Afterwards the task types have what ``fit`` found for the best weights.
    """
    scored = []
    for name, model in models.items():
        evaluation = score(model)
        decoding = {task: dict(each.decoding) for task, each in types.items()}
        scored.append(Candidate(name, model, evaluation, decoding))
    best = max(scored, key=lambda candidate: _rank(candidate.evaluation.score))
    for task, each in types.items():
        each.decoding = dict(best.decoding[task])
    return best


def _rank(score: float | None) -> float:
    """A number that is smaller than all scores where there is no score, or where it is not a number."""
    return -math.inf if score is None or math.isnan(score) else score
