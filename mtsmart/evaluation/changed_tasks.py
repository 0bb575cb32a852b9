"""Tasks of a run as the user's own task files change them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mtsmart.config.document import Document
from mtsmart.config.validate import validate
from mtsmart.log import log_notice
from mtsmart.task_types.details.label_spelling import labels_as_before
from mtsmart.tasks.definition import AUTO, TaskDefinition
from mtsmart.tasks.library import Entry, TaskLibrary

_SAY_NOTHING = {"description", "suite", "replaces_shipped"}


def changed_tasks(
    known: Mapping[str, TaskDefinition], library: TaskLibrary, files: Iterable[Path]
) -> dict[str, TaskDefinition]:
    """The tasks that the run and a task file both have, as the file says; a notice tells what it changes.

    What a file leaves out stays as the run has it: an experiment may have set it.

    Args:
        known: the tasks of the run.
        library: all tasks, those of ``files`` among them.
        files: the user's task files.

    Raises:
        ConfigError: a definition does not fit.
    """
    paths = list(files)
    entries = [library.entry(name) for name in known if name in library]
    own = [entry for entry in entries if entry.is_from(paths)]
    changed = {entry.name: _changed(entry, known[entry.name]) for entry in own}
    for entry in own:
        _tell(entry, known[entry.name], changed[entry.name])
    return changed


def _changed(entry: Entry, known: TaskDefinition) -> TaskDefinition:
    data = {**known.model_dump(exclude_defaults=True), **entry.document.data}
    changed = validate(TaskDefinition, Document(data, entry.document.origins))
    if (labels := labels_as_before(changed, known)) is not None:
        changed = changed.model_copy(update={"labels": labels})
    if changed.head.type == AUTO:  # The run has chosen.
        changed = changed.model_copy(update={"head": known.head})
    if changed.learning_rate_factor is None:
        changed = changed.model_copy(update={"learning_rate_factor": known.learning_rate_factor})
    return changed


def _tell(entry: Entry, before: TaskDefinition, after: TaskDefinition) -> None:
    old = before.model_dump(exclude=_SAY_NOTHING)
    new = after.model_dump(exclude=_SAY_NOTHING)
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if differing:
        file = entry.document.origin(()).file
        log_notice(f"task {entry.name} is read as {file} says, which differs from the run in: {', '.join(differing)}")
