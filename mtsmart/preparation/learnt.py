"""What tasks take from the labels of their training rows: the unit of regression, the weights of rare labels."""

from __future__ import annotations

from collections.abc import Mapping

from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.task_types.interface.learns_from_labels import LearnsFromLabels, Numbers


def learn_from_labels(tasks: Mapping[str, PreparedTask], kept: Mapping[str, Numbers]) -> None:
    """Let each task take its numbers, and each task with another's head take those of the head's owner.

    Args:
        tasks: the run's tasks by name.
        kept: head that has its weights from an earlier run -> the numbers that this run stored for it.
    """
    owners_first = sorted(tasks.values(), key=lambda task: not task.type.owns_head)
    for task in owners_first:
        kind = task.type
        if not isinstance(kind, LearnsFromLabels):
            continue
        if kind.belongs_to_head and kind.head_name in kept:
            kind.use(kept[kind.head_name])
        elif kind.belongs_to_head and not kind.owns_head:
            kind.use(_numbers(tasks[kind.head_name]))
        elif task.train is not None:
            kind.learn(task.train.rows)


def _numbers(owner: PreparedTask) -> Numbers:
    return owner.type.learnt() if isinstance(owner.type, LearnsFromLabels) else {}
