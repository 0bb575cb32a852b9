"""Which tasks share a pass through the encoder."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.own_signature import input_signature_of


def passes(tasks: Iterable[TaskType], preparer: Preparer) -> list[list[TaskType]]:
    """The tasks in groups. The tasks of a group read the same batches."""
    groups: dict[str, list[TaskType]] = {}
    for task in tasks:
        signature = [input_signature_of(task), task.definition.missing, preparer.max_length(task)]
        groups.setdefault(json.dumps(signature, sort_keys=True), []).append(task)
    return list(groups.values())
