"""Task types, one file each. A module in this folder that registers a TaskType is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence

from mtsmart.errors import ConfigError
from mtsmart.task_types.base import TASK_TYPES, TaskType
from mtsmart.tasks.definition import TaskDefinition

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["TASK_TYPES", "TaskType", "build_task", "build_tasks"]


def build_task(name: str, definition: TaskDefinition, head_labels: Sequence[str] | None = None) -> TaskType:
    """The task type of one task.

    Raises:
        ConfigError: the type is unknown or the definition does not fit it.
    """
    return TASK_TYPES[definition.task_type](name, definition, head_labels)


def build_tasks(definitions: Mapping[str, TaskDefinition]) -> dict[str, TaskType]:
    """The task types of several tasks; one that shares a head is told the labels of the head's owner."""
    for name, definition in definitions.items():
        owner = definitions[definition.share_head] if definition.share_head else definition
        if owner.task_type != definition.task_type:
            raise ConfigError(
                f"is a {definition.task_type} and cannot share the head of a {owner.task_type}",
                key=f"{name}.share_head",
                value=definition.share_head,
            )
    return {
        name: build_task(name, definition, definitions[definition.share_head].labels if definition.share_head else None)
        for name, definition in definitions.items()
    }
