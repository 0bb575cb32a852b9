"""Training data that none of a sweep's runs could read is refused before the first of them starts."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.errors import MtsmartError
from mtsmart.log import without_notices
from mtsmart.preparation.prepared_task import has_scores
from mtsmart.quiet import without_bars
from mtsmart.sweeps.plan import Job, definitions_of
from mtsmart.task_types import build_task
from mtsmart.tasks.definition import TaskDefinition

_SPLIT = "train"


def refuse_unreadable(jobs: Iterable[Job]) -> None:
    """Read the training rows of the runs until one run has all of its rows.

    A run whose data is wrong does not keep the others from being trained, so nothing is refused if another run can
    read its data. The folds of a task have the same rows, which are read once.

    Args:
        jobs: the runs that are to be trained.

    Raises:
        MtsmartError: the mistake in the data of the first run, if each run has one.
    """
    known: dict[str, MtsmartError | None] = {}
    first: MtsmartError | None = None
    for job in jobs:
        problem = _problem(job, known)
        if problem is None:
            return
        first = first or problem
    if first is not None:
        raise first


def _problem(job: Job, known: dict[str, MtsmartError | None]) -> MtsmartError | None:
    """What is wrong with the training rows of a run's tasks; ``known`` has what was found before."""
    definitions = definitions_of(job.experiment, job.start)
    for name, definition in definitions.items():
        identity = f"{name} {definition.model_dump_json(exclude={'dataset': {'fold': {'number'}}})}"
        if identity not in known:
            owner = definition.share_head
            known[identity] = _problem_of(name, definition, definitions.get(owner or ""), job.experiment.config.data)
        if (found := known[identity]) is not None:
            return found
    return _unscored(job, definitions)


def _unscored(job: Job, definitions: Mapping[str, TaskDefinition]) -> MtsmartError | None:
    """That the trials of a search would never have the score that is to rise."""
    task = None if job.trial is None else job.trial.search.task
    if task is None or has_scores(definitions[task], job.experiment.config.data):
        return None
    hint = "Name a task that has a validation split with labels"
    return job.experiment.document.error("has no score in training", ("search", "task"), value=task, hint=hint)


def _problem_of(
    name: str, definition: TaskDefinition, owner: TaskDefinition | None, config: DataConfig
) -> MtsmartError | None:
    if definition.evaluation_only:
        return None
    # The run itself tells of what is only strange.
    with warnings.catch_warnings(), without_notices(), without_bars():
        warnings.simplefilter("ignore")
        try:
            of_owner = None if owner is None else build_task(str(definition.share_head), owner)
            task = build_task(name, definition, of_owner)
            load_split(name, definition, _SPLIT, task.columns, config)
        except MtsmartError as error:
            return error
    return None
