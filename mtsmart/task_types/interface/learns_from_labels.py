"""Optional part: a task type that takes numbers from the labels of all its training rows before training begins."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import datasets

from mtsmart.task_types.interface.base import TaskType

Numbers = Mapping[str, float]


class LearnsFromLabels(ABC):
    """Takes numbers from training labels. A run keeps those that it began with, also where its data changes later.

    Attributes:
        belongs_to_head: whether the numbers say what the head's outputs mean. Then they go where the head's weights go:
            to tasks that share the head, and to a run that starts from this one. Such a type keeps them in its
            ``decoding``.
        decoding_ranges: as for :class:`FitsDecoding`.
    """

    belongs_to_head: ClassVar[bool] = False
    decoding_ranges: ClassVar[Mapping[str, tuple[float, float]] | None] = {}

    @abstractmethod
    def learn(self, features: datasets.Dataset) -> None:
        """Take the numbers from the encoded training rows, and use them from now on."""

    @abstractmethod
    def learnt(self) -> dict[str, float]:
        """The numbers in use; empty if the task needs none."""

    @abstractmethod
    def use(self, numbers: Numbers) -> None:
        """Use numbers that ``learnt`` gave, in this process or an earlier one."""

    def misfit(self, features: datasets.Dataset) -> str | None:
        """How the numbers in use do not fit the encoded training rows, if they were taken from other rows."""
        return None


def learnt_by(tasks: Mapping[str, TaskType]) -> dict[str, dict[str, float]]:
    """Task -> its numbers, for the tasks that have any."""
    found = {name: task.learnt() for name, task in tasks.items() if isinstance(task, LearnsFromLabels)}
    return {name: numbers for name, numbers in found.items() if numbers}


def use_again(tasks: Mapping[str, TaskType], numbers: Mapping[str, Numbers]) -> None:
    """Give each task the numbers that an interrupted run had, before it goes on."""
    for name, task in tasks.items():
        if isinstance(task, LearnsFromLabels):
            task.use(numbers.get(name, {}))
