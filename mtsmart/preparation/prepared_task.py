"""A task with everything that training and evaluation need of it, as one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import Collate
from mtsmart.data.sources import has_split
from mtsmart.preparation.preparer import Preparer
from mtsmart.processes import Processes
from mtsmart.task_types import TaskType
from mtsmart.tasks.definition import TaskDefinition


@dataclass(frozen=True)
class PreparedTask:
    """One task of a run.

    Attributes:
        definition: what the user wrote about the task.
        type: the object that encodes, collates, scores and decodes for it.
        collate: turns encoded rows into a batch.
        train: the encoded training rows; None if the task is only evaluated.
        validation: the encoded validation rows; None if the task is only trained.
        words_told: whether reading the rows has told that they seem to be the words of sentences.
        baseline: metric -> score of the best constant prediction on the validation rows; empty if it is not known.
    """

    definition: TaskDefinition
    type: TaskType
    collate: Collate
    train: EncodedSplit | None = None
    validation: EncodedSplit | None = None
    words_told: bool = False
    baseline: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name under which the experiment knows the task."""
        return self.type.name


def prepare_task(definition: TaskDefinition, task: TaskType, preparer: Preparer, processes: Processes) -> PreparedTask:
    """A task with the splits that it has, encoded.

    Args:
        definition: what the user wrote about it.
        task: the task.
        preparer: encodes its rows.
        processes: the processes that train together; the first one fills the cache for all.

    Raises:
        MtsmartError: rows or options do not fit.
    """
    train = validation = None
    if not task.definition.evaluation_only:
        train = processes.main_first(partial(preparer.split, task, "train", task.definition.has_labels))
    if has_scores(task.definition, preparer.config):
        validation = processes.main_first(partial(preparer.split, task, "validation"))
    told = preparer.has_told_of_words(task)
    return PreparedTask(definition, task, preparer.collate(task), train, validation, told)


def has_scores(definition: TaskDefinition, config: DataConfig) -> bool:
    """Whether a task has labelled rows to be scored on while the model is trained."""
    if not definition.has_labels:
        return False
    return "validation" in definition.splits or has_split(definition, "validation", config)
