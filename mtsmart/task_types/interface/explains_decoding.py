"""Optional part: a task type whose outputs are not the predictions themselves, so that a reader needs a rule."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mtsmart.task_types.interface.base import TaskType


class ExplainsDecoding(ABC):
    """Explains the outputs in a model card."""

    @abstractmethod
    def decoding_rule(self) -> str:
        """How outputs become predictions, for readers of an exported model's card."""


def decoding_rule(task: TaskType) -> str | None:
    """How outputs become predictions; None if the names of the outputs already say it."""
    return task.decoding_rule() if isinstance(task, ExplainsDecoding) else None
