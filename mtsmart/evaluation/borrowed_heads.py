"""Tasks that are scored with the head of another task."""

from __future__ import annotations

from mtsmart.tasks.definition import HeadConfig, TaskDefinition


def with_head(definition: TaskDefinition, head: str) -> TaskDefinition:
    """The definition of a task that uses another task's head, and is never trained.

    Args:
        definition: of the task.
        head: the task that owns the head. Labels are matched by name, or by the definition's ``project``.
    """
    own = {"head": HeadConfig(), "learning_rate_factor": 1.0}
    return definition.model_copy(update={"share_head": head, "evaluation_only": True, **own})
