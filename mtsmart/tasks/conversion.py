"""From a task file in MT-DNN's form to one in ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mtsmart.config.document import dump_yaml, read_yaml
from mtsmart.errors import ConfigError, MtsmartError
from mtsmart.storage.owned import is_same_file
from mtsmart.storage.replaceable import check_replaceable
from mtsmart.tasks.dataset import names_of
from mtsmart.tasks.library import read_task_file
from mtsmart.tasks.mtdnn import is_mtdnn


def convert_file(path: str | Path, output: str | Path | None = None, data_dir: str | Path | None = None) -> str:
    """The YAML text of a task file's definitions in our form.

    Args:
        path: a task file in MT-DNN's form.
        output: where the text is to be stored: data files at or below its folder are named relative to it, all others
            by their full path.
        data_dir: folder of the data files; None: where loading the file finds them.

    Raises:
        ConfigError: the file cannot be used or is in our form already, or ``output`` must not be replaced.
    """
    if output is not None:
        check_replaceable(Path(output), kind="task definitions", is_of_kind=_holds_tasks, read=[path])
    if not is_mtdnn(read_yaml(path, duplicates=[])):
        raise ConfigError("is not in MT-DNN's form", file=path, hint="There is nothing to convert")
    folder = None if output is None else Path(output).resolve().parent
    tasks: dict[str, Any] = {}
    for entry in read_task_file(path, data_dir):
        task = entry.definition.model_dump(exclude_defaults=True)
        if output is not None and folder is not None and "files" in task["dataset"]:
            files = task["dataset"]["files"]
            if any(is_same_file(Path(output), Path(file)) for entry in files.values() for file in names_of(entry)):
                raise ConfigError("is a data file of the tasks", argument="output", value=str(output))
            task["dataset"]["files"] = {split: _relative(entry, folder) for split, entry in files.items()}
        tasks[entry.name] = task
    return dump_yaml(tasks)


def _holds_tasks(file: Path) -> bool:
    """Whether a file holds task definitions in our form, as an earlier conversion wrote them."""
    try:
        data = read_yaml(file).data
    except MtsmartError:
        return False
    return bool(data) and all(isinstance(task, dict) and "task_type" in task for task in data.values())


def _relative(entry: str | list[str], folder: Path) -> str | list[str]:
    """The file or the files of a split; those at or below the folder are named relative to it."""
    names = [os.path.relpath(file, folder) if Path(file).is_relative_to(folder) else file for file in names_of(entry)]
    return names[0] if isinstance(entry, str) else names
