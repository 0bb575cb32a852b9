"""What tasks take from the labels of their training rows: the unit of regression, the weights of rare labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mtsmart.errors import warn
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
            tell_of_misfits([task], "a fine-tuning with head=fresh learns them in their own unit")
        elif kind.belongs_to_head and not kind.owns_head:
            kind.use(_numbers(tasks[kind.head_name]))
            tell_of_misfits([task], "without share_head they are learnt in their own unit")
        elif task.train is not None and task.definition.has_labels:
            kind.learn(task.train.rows)


def _numbers(owner: PreparedTask) -> Numbers:
    return owner.type.learnt() if isinstance(owner.type, LearnsFromLabels) else {}


def tell_of_misfits(tasks: Iterable[PreparedTask], way_out: str) -> None:
    """Warn of tasks whose training labels are far from what their head has learnt, a line each.

    Args:
        tasks: tasks with numbers that were taken from other rows.
        way_out: what the user can do.
    """
    for task in tasks:
        rows = task.train.rows if task.train is not None and task.definition.has_labels else None
        if rows is not None and isinstance(task.type, LearnsFromLabels):
            text = task.type.misfit(rows)
            if text is not None:
                warn(f"task {task.name}: {text}; {way_out}")
