"""Which texts csv and tsv hold as they are, although a spreadsheet would compute them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from mtsmart.task_types import TaskType
from mtsmart.task_types.shared.labels import items_of


@dataclass(frozen=True)
class FieldRules:
    """Which texts are written as they are.

    Attributes:
        exact: whether all are.
        labels: names of labels. Whoever declared them wants to find them again.
        separators: what may stand between several labels in one text; None: blanks.
    """

    exact: bool = False
    labels: frozenset[str] = frozenset()
    separators: tuple[str | None, ...] = (None,)

    @classmethod
    def of_tasks(cls, tasks: Iterable[TaskType], exact: bool = False) -> FieldRules:
        """The rules for the predictions of some tasks and for their files."""
        known = list(tasks)
        labels = frozenset(str(label) for task in known for label in task.definition.labels or [])
        separators = [separator for task in known if (separator := getattr(task.options, "separator", None))]
        return cls(exact, labels, (None, *dict.fromkeys(separators)))

    def keep(self, text: str) -> bool:
        """Whether a text is written as it is."""
        return self.exact or text in self.labels or any(map(partial(self._are_labels, text), self.separators))

    def _are_labels(self, text: str, separator: str | None) -> bool:
        items = items_of(text, separator) or []
        return bool(items) and all(item in self.labels for item in items)


PROTECTED = FieldRules()
"""The rules without labels: each text that a spreadsheet would compute is protected."""
