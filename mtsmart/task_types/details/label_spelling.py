"""Labels of a task that a run already has, in the spelling that the run has.

Earlier versions kept ``01`` as 1, ``1.10`` as 1.1 and ``False`` as false. The head of such a run has those names.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtsmart.config.document import Document
from mtsmart.task_types.shared.labels import mean_the_same
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import Entry


def labels_as_before(definition: TaskDefinition, before: TaskDefinition | None) -> list[str] | None:
    """The labels as the run spells them; None if they are spelt so, or are other labels.

    Args:
        definition: the task as a file gives it now.
        before: the task as the run has it; None if it does not.
    """
    if before is None or before.labels is None or definition.labels is None or before.labels == definition.labels:
        return None
    return before.labels if mean_the_same(before.labels, definition.labels) else None


def with_labels_as_before(entries: Mapping[str, Entry], before: Mapping[str, TaskDefinition]) -> dict[str, Entry]:
    """The tasks, with the labels of those that an earlier run has spelt as there.

    A new task that shares the head of such a task has its labels too.

    Args:
        entries: task -> its entry.
        before: task -> its definition in the run.
    """
    known = {name: before.get(name, before.get(entry.definition.share_head or "")) for name, entry in entries.items()}
    spelt = {name: labels_as_before(entry.definition, known[name]) for name, entry in entries.items()}
    return {
        name: entry if spelt[name] is None else Entry(name, entry.document.merged(Document({"labels": spelt[name]})))
        for name, entry in entries.items()
    }
