"""Labels judged by the whole column before a row is encoded, and by the training split where a split does not tell."""

from __future__ import annotations

import datasets

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.errors import MtsmartError, warn
from mtsmart.task_types.interface.base import TaskType
from mtsmart.task_types.interface.reads_labels import ReadsLabels, Survey

TRAIN = "train"


class LabelJudge:
    """Judges label columns. It keeps what it has seen of training splits.

    Args:
        config: the data settings.

    Attributes:
        told: the tasks of which an assumption was told.
        judged_with_training: the tasks of which a split's labels were read as those of the training split.
    """

    def __init__(self, config: DataConfig) -> None:
        self.config = config
        self.told: set[str] = set()
        self.judged_with_training: set[str] = set()
        self._training: dict[str, Survey | None] = {}
        self._trained_as: dict[str, TaskType] = {}

    def judge_like(self, trained: TaskType) -> None:
        """Judge other data of a task together with the training split of ``trained``, which has the task's name."""
        self._trained_as[trained.name] = trained

    def judged(self, task: TaskType, rows: datasets.Dataset, split: str | None, place: str) -> TaskType:
        """The task, or a copy that reads labels as the whole column shows them.

        Args:
            task: the task.
            rows: complete source rows with labels.
            split: which of our splits they are; None for rows of no split.
            place: what warnings call them.

        Raises:
            DataError: the labels may mean two things; the message names a row and what to write.
        """
        if not isinstance(task, ReadsLabels):
            return task
        survey = task.survey(rows)
        training = survey
        if split == TRAIN:
            self._training[task.name] = survey
        elif not survey.is_plain:
            training = self._of_training(task) or survey
            survey = survey.joined(training)
            self.judged_with_training.add(task.name)
        if survey.unknown:
            return task
        judged, assumed = task.judged(survey)
        if assumed is not None and training is survey:
            self.told.add(task.name)
            warn(f"{place}: {task.label}: {assumed}")
        assert isinstance(judged, TaskType)
        return judged

    def _of_training(self, task: TaskType) -> Survey | None:
        """The survey of the task's training split; None if it has none, or its labels are not known."""
        if task.name not in self._training:
            self._training[task.name] = self._read(self._trained_as.get(task.name, task))
        return self._training[task.name]

    def _read(self, task: TaskType) -> Survey | None:
        assert isinstance(task, ReadsLabels)
        if task.definition.evaluation_only:
            return None
        try:
            rows = load_split(task.name, task.definition, TRAIN, task.columns, self.config)
            survey = task.survey(rows)
        except (MtsmartError, ValueError):  # the split is not there, or has no label column
            return None
        return None if survey.unknown else survey
