"""The head of a task: what the task type needs, in the form that the task's definition chooses."""

from __future__ import annotations

from mtsmart.models.heads import HeadSpec
from mtsmart.tasks.definition import AUTO, NATIVE, TaskDefinition


def head_spec_of(
    definition: TaskDefinition,
    kind: str,
    num_labels: int,
    labels: list[str] | None = None,
    windows: str | None = None,
) -> HeadSpec:
    """A head of ``kind`` with ``num_labels`` outputs, named by ``labels``, in the definition's form.

    ``windows`` is how the head pools the windows of long texts, if the task reads such.

    Where no encoder has decided what ``auto`` means, it means the architecture's own head.
    """
    head = definition.head
    form = NATIVE if head.type == AUTO else head.type
    return HeadSpec(kind, num_labels, form, head.dropout, labels, head.layers, head.pooling, windows)
