"""Task types, one file each. A module in this folder that registers a TaskType is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence

from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.models.heads import check_head
from mtsmart.task_types.base import TASK_TYPES, TaskType
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import Entry

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["TASK_TYPES", "TaskType", "build_task", "build_tasks"]


def build_task(name: str, definition: TaskDefinition, head_labels: Sequence[str] | None = None) -> TaskType:
    """The task type of one task.

    Raises:
        ConfigError: the type is unknown or the definition does not fit it.
    """
    if definition.task_type not in TASK_TYPES:
        hint = did_you_mean(definition.task_type, TASK_TYPES)
        raise ConfigError("there is no such task type", key=f"{name}.task_type", value=definition.task_type, hint=hint)
    task = TASK_TYPES[definition.task_type](name, definition, head_labels)
    try:
        check_head(task.head_spec)
    except ConfigError as error:
        raise ConfigError(error.message, key=f"{name}.{error.key}", value=error.value, hint=error.hint) from None
    return task


def build_tasks(entries: Mapping[str, Entry]) -> dict[str, TaskType]:
    """The task types of several tasks; one that shares a head is told the labels of the head's owner.

    Raises:
        ConfigError: a definition does not fit its type or the head it shares; the message says where it stands.
    """
    tasks = {}
    for name, entry in entries.items():
        definition = entry.definition
        owner = entries[definition.share_head].definition if definition.share_head else definition
        with entry.document.locating((name,)):
            if owner.task_type != definition.task_type:
                raise ConfigError(
                    f"is a {definition.task_type} and cannot share the head of a {owner.task_type}",
                    key=f"{name}.share_head",
                    value=definition.share_head,
                )
            tasks[name] = build_task(name, definition, owner.labels if definition.share_head else None)
    return tasks
