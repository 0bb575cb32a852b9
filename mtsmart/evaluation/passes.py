"""Which tasks share a pass through the encoder."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.own_signature import input_signature_of


def passes(tasks: Iterable[TaskType], preparer: Preparer, by_place: bool = False) -> list[list[TaskType]]:
    """The tasks in groups. The tasks of a group read the same batches.

    Args:
        tasks: the tasks.
        preparer: knows how long their inputs may be.
        by_place: whether texts are told apart by their place alone: the first text of one task is that of another, even
            if their columns have other names. Tasks that read more than texts still need the same columns.
    """
    groups: dict[str, list[TaskType]] = {}
    for task in tasks:
        own = input_signature_of(task)
        if by_place and task.columns == task.definition.text:
            own["text"] = len(task.columns)
        signature = [own, task.definition.missing, preparer.max_length(task)]
        groups.setdefault(json.dumps(signature, sort_keys=True), []).append(task)
    return list(groups.values())
