"""The experiment that fine-tunes one task from a finished run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mtsmart.config.document import Document, Origin
from mtsmart.config.loader import Experiment, build_experiment
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.stored import check_packages
from mtsmart.errors import ConfigError, nearest
from mtsmart.runs.changes import without
from mtsmart.runs.folder import RunFolder
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import TaskLibrary, read_task_file
from mtsmart.text.names import name_after


def finetune_experiment(
    folder: RunFolder, task: str, overrides: Iterable[str], task_files: Iterable[str | Path] = ()
) -> Experiment:
    """The run's own configuration, changed so that it trains one task from the run's model.

    Args:
        folder: the finished run's.
        task: a task of the run, of the library, or a YAML file that defines one new task.
        overrides: ``dotted.key=value`` items; ``head=fresh`` starts the task's head anew.
        task_files: YAML files with further tasks.

    Raises:
        MtsmartError: this is no run, or something does not fit.
    """
    document, name = _finetune_document(folder, task, [str(Path(file).absolute()) for file in task_files])
    check_packages(document, TaskDefinition, folder.extensions)
    items = [item.replace("head=", "init.heads=", 1) if item.startswith("head=") else item for item in overrides]
    own = folder.definitions()
    if name not in own:
        items = ["init.heads=fresh", *items]
    experiment = build_experiment(document, items)
    if name not in own and "dataset" not in experiment.config.tasks.get(name, {}):
        _check_in_library(name, TaskLibrary(experiment.config.task_files), own)
    return experiment


def _check_in_library(task: str, library: TaskLibrary, own: Iterable[str]) -> None:
    """Refuse a task that does not exist.

    Args:
        task: what the user asks for. The run does not have it.
        library: the tasks that are not the run's.
        own: the tasks of the run.

    Raises:
        ConfigError: the library does not have it either.
    """
    if library.has(task):
        return
    near = nearest(task, own) or nearest(task, library)
    more = "a task in a file of yours needs `task_files` too, or give the file itself"
    hint = f"The run has: {', '.join(own)}; {more}" if near is None else f"Did you mean '{near}'?"
    raise ConfigError("neither the run nor the library has this task", argument="task", value=task, hint=hint)


def _finetune_document(folder: RunFolder, task: str, task_files: list[str]) -> tuple[Document, str]:
    """The configuration before overrides, and the task's name."""
    document = folder.document()
    origin = Origin(str(folder.config_file))
    # A run stores its tasks written out. Files of tasks that a configuration names would be another person's choice.
    changes: dict[str, Any] = {"init": {"run": str(folder.path.resolve())}, "task_files": task_files}
    name = task
    if task.endswith((".yaml", ".yml")):
        name = _only_task(task)
        changes["task_files"] = [*task_files, str(Path(task).absolute())]
    changes["name"] = name_after(str(document.data.get("name", "run")), name)
    changes["tasks"] = [name]
    ended = [name for name in document.data if name in REGULARIZERS and not REGULARIZERS[name].goes_on]
    # Only this user may say where figures are sent, not the person who wrote the run's configuration.
    data = without(document.data, ["mixing", "weighting", "description", "tracking", *ended])
    # The joint run's limit of updates says nothing about this run, and the encoder comes from the run.
    data["training"] = without(data.get("training", {}), ["max_updates"])
    # Only this user may allow that an encoder's own code runs, not the person who wrote the run's configuration.
    data["encoder"] = without(data.get("encoder", {}), ["path", "revision", "sha256", "trust_remote_code"])
    return Document({**data, **changes}, {**document.origins, (): origin}), name


def _only_task(file: str) -> str:
    """The name of the one task that a file defines."""
    entries = read_task_file(file)
    if len(entries) != 1:
        names = ", ".join(entry.name for entry in entries)
        raise ConfigError(f"must define exactly one task to fine-tune (it has: {names})", file=file)
    return entries[0].name
