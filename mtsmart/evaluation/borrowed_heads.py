"""Tasks that are scored with the head of another task."""

from __future__ import annotations

from mtsmart.tasks.definition import TaskDefinition, own_head_defaults


def with_head(definition: TaskDefinition, head: str) -> TaskDefinition:
    """The definition of a task that uses another task's head, and is never trained.

    Args:
        definition: of the task.
        head: the task that owns the head. Labels are matched by name, or by the definition's ``project``.
    """
    return definition.model_copy(update={"share_head": head, "evaluation_only": True, **own_head_defaults()})
