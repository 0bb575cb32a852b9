"""Optional part: a task type whose encoded rows depend on other things than the default says.

A signature (JSON types) holds all that encoded rows depend on besides the source rows, the tokenizer and the length
limit. Encoded rows are stored under it, and found again by it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from mtsmart.task_types.interface.base import TaskType
from mtsmart.task_types.shared.labels import is_number

_LABEL_KEYS = ("label", "labels", "labels_from", "numbers")


class OwnSignature(ABC):
    """Says what the task's encoded rows depend on."""

    @abstractmethod
    def signature(self) -> dict[str, Any]:
        """What encoded rows depend on; see :func:`default_signature`."""

    def input_signature(self) -> dict[str, Any]:
        """What the batches of unlabelled rows depend on; see :func:`input_signature_of`."""
        return _without_labels(self.signature())


def signature_of(task: TaskType) -> dict[str, Any]:
    """What the task's encoded rows depend on besides the source rows, the tokenizer and the length limit."""
    return task.signature() if isinstance(task, OwnSignature) else default_signature(task)


def input_signature_of(task: TaskType) -> dict[str, Any]:
    """What the task's batches of unlabelled rows depend on, besides the tokenizer and the length limit.

    Tasks with equal ones read the same batches, so one pass through the encoder predicts them all.
    """
    return task.input_signature() if isinstance(task, OwnSignature) else _without_labels(default_signature(task))


def default_signature(task: TaskType) -> dict[str, Any]:
    """The signature of most task types: type, columns, labels, and the options that do not change the loss alone."""
    names = ("task_type", "text", "label", "labels")
    given = task.definition.options
    options = {name: value for name, value in given.items() if name not in task.options.of_loss}
    return {**{name: getattr(task.definition, name) for name in names}, "options": options, **_reading(task)}


def _reading(task: TaskType) -> dict[str, Any]:
    """How labels are read, where that is not how the first versions read them: rows they stored are not found then."""
    said = task.definition.labels_from
    reading: dict[str, Any] = {} if said is None else {"labels_from": said}
    if any(is_number(name) and not name.lstrip("-").isdigit() for name in task.labels):
        reading["numbers"] = "names"
    return reading


def _without_labels(signature: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in signature.items() if name not in _LABEL_KEYS}
