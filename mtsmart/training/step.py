"""The whole objective as one module: loss = w_k * (L_k + the terms of the regularisers) for a batch of task k."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from mtsmart.data.batch import Batch
from mtsmart.data.joined.batch import JoinedBatch
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers import ChangesPasses, CleanPass, Needs, Regularizer, changing_passes, clean_pass
from mtsmart.regularizers.shared.joined_pass import JoinedPass, joined_pass
from mtsmart.regularizers.shared.joins import is_joined_now, joined_losses, joins
from mtsmart.task_types import TaskType
from mtsmart.training.figures.reported import Reported
from mtsmart.unforeseen import working_on

Scale = Callable[[str], float]
Objective = tuple[Tensor, dict[str, Tensor]]
"""The loss of a batch to differentiate (a scalar), and detached scalars to log: ``loss`` (the task's own) and what the
regularisers report."""


def unscaled(task: str) -> float:
    """1 for each task."""
    return 1.0


class TrainStep(nn.Module):
    """Embed, encode, head, criterion, and every regulariser, in one forward.

    One module, because DDP allows several forwards in one step only inside the module that it wraps.

    Args:
        model: the student.
        tasks: task name -> task type.
        regularizers: what is added to each batch's loss, in this order.

    Attributes:
        reported: what the regularisers report.
    """

    def __init__(
        self, model: MultiTaskModel, tasks: Mapping[str, TaskType], regularizers: Mapping[str, Regularizer[Any]]
    ) -> None:
        super().__init__()
        self.model = model
        self.tasks = dict(tasks)
        self.regularizers = dict(regularizers)
        self.reported = Reported(self.regularizers.values())

    def forward(self, batch: Batch, scale: Scale = unscaled) -> Objective | list[Objective]:
        """The objective of one batch, or those of a joined batch's members in their order.

        Args:
            batch: on the model's device.
            scale: task -> factor of the gradients of methods that differentiate inside this pass; the caller scales the
                rest.
        """
        if isinstance(batch, JoinedBatch):
            return self._joined(batch, scale)
        return self._single(batch, scale)

    def _single(self, batch: Batch, scale: Scale) -> Objective:
        with working_on(batch.task):
            return self._alone(batch, scale)

    def _alone(self, batch: Batch, scale: Scale) -> Objective:
        task = self.tasks[batch.task]
        active = self._active(batch.task)
        needs = [regularizer.needs(task.name) for regularizer in active]
        with changing_passes(active, task, batch):
            clean = clean_pass(
                self.model,
                task,
                batch,
                keep_masks=any(need.masks for need in needs),
                differentiate_inputs=any(need.input_gradient for need in needs),
                scale=task.definition.weight * scale(task.name),
            )
            return self._objective(clean, active)

    def _joined(self, batch: JoinedBatch, scale: Scale) -> list[Objective]:
        """The members' objectives in their order.

        A method that changes passes, or that needs dropout masks or the gradient of the embeddings for one task alone,
        takes passes of its own for that task.
        """
        alone = {member.task for member in batch.members if self._needs_own_pass(member.task)}
        objectives = {member.task: self._single(member, scale) for member in batch.members if member.task in alone}
        rest = _without(batch, alone)
        if rest.members:
            objectives.update(self._together(rest, scale))
        return [objectives[member.task] for member in batch.members]

    def _together(self, batch: JoinedBatch, scale: Scale) -> dict[str, Objective]:
        names = [member.task for member in batch.members]
        shared = [one for one in self.regularizers.values() if any(is_joined_now(one, name) for name in names)]
        needs = [one.needs(name) for one in shared for name in names if one.is_active(name)]
        weights = {name: self.tasks[name].definition.weight for name in names}
        joined = joined_pass(
            self.model,
            self.tasks,
            batch,
            keep_masks=any(need.masks for need in needs),
            differentiate_inputs=any(need.input_gradient for need in needs),
            weights=weights,
            scales={name: weight * scale(name) for name, weight in weights.items()},
        )
        return dict(zip(names, self._with_joined_terms(joined, shared), strict=True))

    def _with_joined_terms(self, joined: JoinedPass, shared: Sequence[Regularizer[Any]]) -> list[Objective]:
        terms = [joined_losses(one, joined) for one in shared]
        objectives = []
        for place, member in enumerate(joined.members):
            name = member.task.name
            own = [one for one in self._active(name) if one not in shared or not joins(one, name)]
            with working_on(name):
                loss, figures = self._objective(member, own)
            for regularizer, of_members in zip(shared, terms, strict=True):
                term = of_members[place]
                if term is not None:
                    self.reported.look(regularizer, term, loss.requires_grad)
                    loss = loss + member.task.definition.weight * term.value
                    figures.update(term.figures)
            objectives.append((loss, figures))
        return objectives

    def _objective(self, clean: CleanPass, active: Sequence[Regularizer[Any]]) -> Objective:
        loss = clean.loss
        figures = {"loss": loss.detach()} if clean.is_labelled else {}
        for regularizer in active:
            term = regularizer.loss(clean)
            self.reported.ask(regularizer, clean.is_labelled)
            if term is not None:
                self.reported.look(regularizer, term, loss.requires_grad)
                loss = loss + term.value
                figures.update(term.figures)
        return clean.task.definition.weight * loss, figures

    def _active(self, task: str) -> list[Regularizer[Any]]:
        return [regularizer for regularizer in self.regularizers.values() if regularizer.is_active(task)]

    def _needs_own_pass(self, task: str) -> bool:
        others = [one for one in self._active(task) if not joins(one, task)]
        return any(isinstance(one, ChangesPasses) or one.needs(task) != Needs() for one in others)


def _without(batch: JoinedBatch, tasks: set[str]) -> JoinedBatch:
    """A joined batch without the members of some tasks; its rows stay."""
    kept = [place for place, member in enumerate(batch.members) if member.task not in tasks]
    return replace(
        batch,
        members=[batch.members[place] for place in kept],
        places=[batch.places[place] for place in kept],
    )
