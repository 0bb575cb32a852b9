"""Task types, one file each.

Every module of this folder is imported, so a new file that registers a TaskType is enough. ``interface/`` says what a
task type is; ``shared/`` holds what several types use.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from mtsmart.errors import ConfigError
from mtsmart.models.heads import check_head
from mtsmart.task_types.details.one_label import check_shots
from mtsmart.task_types.details.perturbed import check_perturbation
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, TaskType
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import Entry

for _module in pkgutil.iter_modules(__path__):
    if not _module.ispkg:  # the subfolders hold no task types
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["TASK_TYPES", "Outputs", "TaskType", "build_task", "build_tasks"]


def build_task(name: str, definition: TaskDefinition, owner: TaskType | None = None) -> TaskType:
    """The task type of one task.

    Args:
        name: the task's name.
        definition: the task's definition.
        owner: the task that owns the head, if the task has no head of its own.

    Raises:
        ConfigError: the type is unknown, or the definition does not fit it or the head it shares.
    """
    if definition.task_type not in TASK_TYPES:
        hint = TASK_TYPES.hint(definition.task_type)
        raise ConfigError("there is no such task type", key=f"{name}.task_type", value=definition.task_type, hint=hint)
    if owner is not None and owner.definition.task_type != definition.task_type:
        message = f"is a {definition.task_type} and cannot share the head of a {owner.definition.task_type}"
        raise ConfigError(message, key=f"{name}.share_head", value=owner.name)
    task = TASK_TYPES[definition.task_type](name, definition, None if owner is None else owner.head_spec)
    try:
        check_head(task.head_spec)
    except ConfigError as error:
        raise ConfigError(error.message, key=f"{name}.{error.key}", value=error.value, hint=error.hint) from None
    check_shots(task)
    check_perturbation(task)
    return task


def build_tasks(entries: Mapping[str, Entry]) -> dict[str, TaskType]:
    """The task types of several tasks, in their order.

    A task with ``share_head`` uses the head of the task that is named there.

    Raises:
        ConfigError: a definition does not fit its type, or the head that it shares; the message names the place.
    """
    tasks: dict[str, TaskType] = {}
    for name in sorted(entries, key=lambda name: entries[name].definition.share_head is not None):  # owners first
        entry = entries[name]
        owner = entry.definition.share_head
        with entry.document.locating((name,)):
            if owner is not None and (owner not in tasks or not tasks[owner].owns_head):
                raise ConfigError("names no task with a head of its own", key=f"{name}.share_head", value=owner)
            tasks[name] = build_task(name, entry.definition, tasks[owner] if owner else None)
    return {name: tasks[name] for name in entries}
