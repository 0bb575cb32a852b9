"""A task's patience: when it is no longer drawn, and the head that it keeps.

A task stops when its main metric has not got better for ``patience`` evaluations in a row. Its batches are then left
out, and its head gets the weights of the task's best evaluation back, with the parts of adapters that are the head's
own. The shared encoder goes on, so the score of that head is measured again with the encoder of now, and this is the
score that the evaluation reports.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mtsmart.errors import ConfigError, warn
from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transform import tensors_of_head
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.regularizers import Regularizer
from mtsmart.text.scores import score_text
from mtsmart.training.selection import Candidate, candidates
from mtsmart.training.sharding import Student

BEST_HEADS = "best_heads"
"""The file of a resume point that holds the heads to go back to."""
Score = Callable[[MultiTaskModel, Iterable[str]], Evaluation]
"""Scores some tasks."""
Methods = Collection[Regularizer[Any]]
"""The methods of a run, some of which store weights of the model."""


@dataclass(frozen=True)
class Stopped:
    """A task that is no longer drawn.

    Attributes:
        update: when it stopped.
        best_update: when it had its best score; its head is of then.
        best_score: that score; None if it was never defined.
        score: what that head scores with the encoder of ``update``, or None.
    """

    update: int
    best_update: int
    best_score: float | None
    score: float | None

    def told(self, task: str) -> str:
        """A sentence for people."""
        return (
            f"task {task} is no longer drawn after update {self.update:,}: its best score was "
            f"{score_text(self.best_score)} at update {self.best_update:,}. With its head of then and the encoder of "
            f"now it scores {score_text(self.score)}"
        )


@dataclass
class _Waiting:
    """How a task stands: its best score (None: none was defined), when that was, and the evaluations since then."""

    best: float | None
    update: int
    waited: int = 0


class TaskPatience:
    """Says which tasks stop, and keeps their best heads.

    Args:
        patience: task -> the evaluations that it may wait for a better score. Other tasks never stop.
    """

    def __init__(self, patience: Mapping[str, int]) -> None:
        self._patience = dict(patience)
        self._waiting: dict[str, _Waiting] = {}
        self._heads: dict[str, dict[str, Tensor]] = {}
        self.stopped: dict[str, Stopped] = {}

    def look(self, chosen: Candidate, update: int, student: Student, methods: Methods, score: Score) -> Candidate:
        """Read an evaluation. Tasks that stop now get their best heads back, and are scored again.

        The heads go into the student, whether or not it is among the weights that may be kept, into all weights that
        may be kept, and into what the methods store. An average would else draw its head to that of the student.

        Args:
            chosen: the weights that the evaluation has chosen, with their scores.
            update: how many updates are done.
            student: what is trained, which gets the heads with all its parts.
            methods: those of the run.
            score: scores the tasks that have stopped.

        Returns:
            the weights, with the scores that the tasks have now.
        """
        ending = [task for task in self._patience if task not in self.stopped and self._ends(task, chosen, update)]
        if not ending:
            return chosen
        whole = student.whole()
        for task in ending:
            for model in (whole, *candidates(whole, methods).values()):
                self._put_back(task, model)
            _tell(task, whole, methods)
        student.set()
        again = score(chosen.model, ending).tasks
        for task in ending:
            before = self._waiting.pop(task)
            self.stopped[task] = Stopped(update, before.update, before.best, _defined(again[task].main))
            del self._heads[task]
        return replace(chosen, evaluation=Evaluation({**chosen.evaluation.tasks, **again}))

    def _ends(self, task: str, chosen: Candidate, update: int) -> bool:
        """Note a task's score; whether its patience has run out."""
        result = chosen.evaluation.tasks.get(task)
        if result is None:
            return False
        known = self._waiting.get(task)
        score = _defined(result.main)
        if known is None or (score is not None and (known.best is None or score > known.best)):
            self._waiting[task] = _Waiting(score, update)
            self._heads[task] = {name: part.detach().clone() for name, part in _own(chosen.model, task).items()}
            return False
        known.waited += 1
        return known.waited >= self._patience[task]

    @torch.no_grad()
    def _put_back(self, task: str, model: MultiTaskModel) -> None:
        own = _own(model, task)
        for name, kept in self._heads[task].items():
            own[name].copy_(kept)

    def tell_again(self, model: MultiTaskModel, methods: Methods) -> None:
        """Tell methods which heads rest: after a resume, when some of them may be new.

        Args:
            model: has the heads.
            methods: those of the run.
        """
        for task in self.stopped.keys() & model.specs.keys():
            _tell(task, model, methods)

    def tensors(self) -> dict[str, Tensor]:
        """The heads to go back to: ``task/name`` -> tensor on the CPU."""
        heads = self._heads.items()
        return {f"{task}/{name}": part.cpu().contiguous() for task, head in heads for name, part in head.items()}

    def state_dict(self) -> dict[str, Any]:
        """The rest of the state in JSON types."""
        waiting = {task: asdict(one) for task, one in self._waiting.items()}
        return {"waiting": waiting, "stopped": self.told()} if waiting or self.stopped else {}

    def told(self) -> dict[str, dict[str, Any]]:
        """The tasks that have stopped, in JSON types."""
        return {task: asdict(one) for task, one in self.stopped.items()}

    def load_state(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Continue from what ``state_dict`` and ``tensors`` gave."""
        self._waiting = {task: _Waiting(**one) for task, one in state.get("waiting", {}).items()}
        self.stopped = {task: Stopped(**one) for task, one in state.get("stopped", {}).items()}
        self._heads = {task: {} for task in self._waiting}
        for key, part in tensors.items():
            task, _, name = key.rpartition("/")
            self._heads[task][name] = part


def _defined(score: float) -> float | None:
    """None in the place of a score that the rows do not define."""
    return None if math.isnan(score) else score


def _own(model: MultiTaskModel, task: str) -> dict[str, Tensor]:
    """The weights of a task's head by name, and those of its own parts of adapters.

    Weights that belong to the encoder too, such as word embeddings, are not the head's own.
    """
    shared = {id(parameter) for parameter in model.encoder.parameters()}
    head = model.head(task)
    parameters = {name: part for name, part in head.named_parameters() if id(part) not in shared}
    return {**parameters, **dict(head.named_buffers()), **tensors_of_head(model.encoder, task)}


def _tell(task: str, model: MultiTaskModel, methods: Methods) -> None:
    """Tell methods that a task's head rests."""
    own = {id(part) for part in _own(model, task).values()}
    head = {name: part.detach() for name, part in model.state_dict(keep_vars=True).items() if id(part) in own}
    for method in methods:
        method.head_rests(head)


def patience_of(tasks: Mapping[str, PreparedTask]) -> dict[str, int]:
    """Task -> its patience, for the tasks that have one and can stop."""
    able = {name: task for name, task in tasks.items() if task.train is not None and task.validation is not None}
    return {name: task.definition.patience for name, task in able.items() if task.definition.patience is not None}


def check_patience(tasks: Mapping[str, PreparedTask]) -> None:
    """Refuse the patience of a task that shares its head with another one, and warn of one without effect.

    Raises:
        ConfigError: names the task.
    """
    for name, task in tasks.items():
        if task.definition.patience is None:
            continue
        others = [other.name for other in tasks.values() if other is not task and other.type.head_name == name]
        if not task.type.owns_head or any(tasks[other].train is not None for other in others):
            message = "does not go with a head that several tasks train, because it would have to stop for all"
            raise ConfigError(message, key=f"tasks.{name}.patience", value=task.definition.patience)
        if task.validation is None:
            text = f"tasks.{name}.patience: the task has no validation rows, so it is never scored and never stops"
            warn(text)
